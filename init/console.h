/*
 * What /init says: one line a step, on /dev/console. Bytes that could drive a terminal are
 * replaced, since names out of untrusted files get here.
 */
#ifndef PLYBOOT_CONSOLE_H
#define PLYBOOT_CONSOLE_H

#include "error.h"
#include "initconf.h"

/* Put /dev/console on descriptors 0, 1 and 2; /dev/null when there is none. */
void console_open(void);

/* Quiet until told otherwise: only errors. */
void console_set_level(enum initconf_log level);
enum initconf_log console_level(void);

void console_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void console_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Always said. */
void console_alert(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "ERROR <what>: <CODE>: <why>", and a line with what to do: always said. */
void console_error(const char *what, const struct error *e);

#endif

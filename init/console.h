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

enum { CONSOLE_LINE_BYTES = 1024 }; /* with its newline; what is longer ends in "..." */

/* Said at this level and those that say more. `errno` stays. init/BOOT.md lists every line. */
void console_print(enum initconf_log level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define console_alert(...) console_print(INITCONF_LOG_QUIET, __VA_ARGS__) /* always */
#define console_say(...) console_print(INITCONF_LOG_NORMAL, __VA_ARGS__)
#define console_debug(...) console_print(INITCONF_LOG_DEBUG, __VA_ARGS__)

/* "ERROR <what>: <CODE>: <why>", and a line with what to do: always said. */
void console_error(const char *what, const struct error *e);

/* Until what was said has left the machine, for three seconds at most: what ends it would cut it.
 */
void console_drain(void);

#endif

/*
 * What /init says: one line a step, on /dev/console and into the kernel's log. Bytes that could
 * drive a terminal are replaced, since names out of untrusted files get here.
 */
#ifndef PLYBOOT_CONSOLE_H
#define PLYBOOT_CONSOLE_H

#include <stdbool.h>

#include "error.h"
#include "initconf.h"

/* Put /dev/console on descriptors 0, 1 and 2; /dev/null when there is none. */
void console_open(void);

/* Quiet until told otherwise: only errors. */
void console_set_level(enum initconf_log level);
enum initconf_log console_level(void);

enum { CONSOLE_LINE_BYTES = 1024 }; /* with its newline; what is longer ends in "..." */

/* The kernel's priorities of what is said, in its log. */
enum console_priority { CONSOLE_ERROR = 3, CONSOLE_WARNING = 4, CONSOLE_INFO = 6, CONSOLE_DEBUG };

/* Said at this level and those that say more. `errno` stays. init/BOOT.md lists every line. */
void console_print(enum initconf_log level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The same with another priority than its level has. */
void console_print_as(enum console_priority priority, enum initconf_log level, const char *format,
	...) __attribute__((format(printf, 3, 4)));

#define console_alert(...) console_print(INITCONF_LOG_QUIET, __VA_ARGS__) /* always */
#define console_say(...) console_print(INITCONF_LOG_NORMAL, __VA_ARGS__)
#define console_debug(...) console_print(INITCONF_LOG_DEBUG, __VA_ARGS__)

/* "ERROR <what>: <CODE>: <why>", and a line with what to do: always said. */
void console_error(const char *what, const struct error *e);

/* Is it a screen (a virtual terminal of at least 80 columns), on which a line can be drawn again?
 */
bool console_is_screen(void);

/* A line of at most 79 columns that is drawn over the one before, until something else is said or
 * it is taken away; not at `quiet`. Printable ASCII. */
void console_draw(const char *text);
void console_draw_end(void);

/* The same for what is no screen: a line of its own, but not for the kernel's log. */
void console_show(const char *text);

/* Until what was said has left the machine, for three seconds at most: what ends it would cut it.
 */
void console_drain(void);

#endif

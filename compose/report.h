/* What the person at the terminal is told, and with which status the command ends. */
#ifndef PLYBOOT_REPORT_H
#define PLYBOOT_REPORT_H

#include "../layers/error.h"

/* The command's exit statuses, as compose/EXIT.md lists them; `boot` has further ones, from 120
 * (qemu/boot.h). */
enum exit_status {
	STATUS_FINE = 0,
	STATUS_REFUSED = 1, /* something is not what it must be */
	STATUS_USAGE = 2,
	STATUS_MACHINE = 3 /* input, output, room, a program that is not there */
};

/* What --help says of them. */
extern const char report_statuses[];

int report_status(enum error_code code);

/* Whose messages follow. */
void report_verb(const char *name);

/* "plyboot VERB: CODE: sentence" and, if there is one, the line that says what to do. */
void report_error(const struct error *e);

/* "plyboot VERB: warning: sentence". */
void report_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "plyboot VERB: sentence", on standard error as well: what was done, and is no result. */
void report_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The line under the next error: what to do about it. Forgotten when no error follows. */
void report_hint(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

/* The console, on which a person reads what happened and what to do. */
#ifndef PLYBOOT_ENTRY_SAY_H
#define PLYBOOT_ENTRY_SAY_H

#include "error.h"

/* One line, "plyboot: " in front. Control characters become '?'. Never waits long for a console
 * that is stopped. errno is kept. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "ERROR what: CODE: text", and a second line that says what to do. */
void say_error(const char *what, const struct error *e);

/* What to do about an error of this code; NULL for one that does not occur here. */
const char *say_advice(enum error_code code);

#endif

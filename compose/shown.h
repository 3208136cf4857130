/* Names as text that can stand in one line on any terminal, and be turned back: what is no
 * printable UTF-8, and the backslash, as \n, \t, \\ or \xHH. Wherever the output goes, so that a
 * script meets what its author saw. */
#ifndef PLYBOOT_SHOWN_H
#define PLYBOOT_SHOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

void shown_print(const char *name, FILE *to);

/* Is it UTF-8 throughout (RFC 3629)? */
bool shown_is_utf8(const char *text);

#endif

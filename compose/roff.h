/*
 * Text as --help has it, written as roff: the macros of man(7), as groff and mandoc read them.
 * What is between backquotes, and the names of options, is set in bold.
 */
#ifndef PLYBOOT_ROFF_H
#define PLYBOOT_ROFF_H

#include <stddef.h>
#include <stdio.h>

/* Characters as they are, for what is typed or read by programs: no macro, no dash of prose. */
void roff_literal(const char *text, size_t length, FILE *to);

/* Prose, without a line feed behind it. */
void roff_prose(const char *text, size_t length, FILE *to);

/* Paragraphs, one a line of `text`; lines that begin with a blank stay as they are
 * (options_print_text() prints the same). */
void roff_text(const char *text, FILE *to);

#endif

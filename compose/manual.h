/* Manual pages out of the tables that parse the command line and print --help: man(7) macros. */
#ifndef PLYBOOT_MANUAL_H
#define PLYBOOT_MANUAL_H

#include <stdio.h>

#include "verbs.h"

/* plyboot(1), and plyboot-VERB(1). */
void manual_print_command(FILE *to);
void manual_print_verb(const struct verb *verb, FILE *to);

#endif

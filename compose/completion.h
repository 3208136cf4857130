/* The completion of command lines in bash, out of the table of verbs: a script for `source`, which
 * needs no package, and serves as well below /usr/share/bash-completion/completions. */
#ifndef PLYBOOT_COMPLETION_H
#define PLYBOOT_COMPLETION_H

#include <stdio.h>

void completion_print_bash(FILE *to);

#endif

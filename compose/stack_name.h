/* How the command line names stacks: a file, or NAME-VERSION in the store. */
#ifndef PLYBOOT_STACK_NAME_H
#define PLYBOOT_STACK_NAME_H

#include <stdbool.h>

#include "../layers/stack.h"

/* A file: with a slash, or with .stack or .layer at its end. */
bool stack_name_is_path(const char *name);

/* What NAME-VERSION is called in the store. ERROR_USAGE when it can't be one. */
int stack_name_file(const char *name, char out[STACK_FILE_NAME_SIZE], struct error *e);

#endif

/* Inside modules*.c only. */
#ifndef PLYBOOT_MODULES_PRIVATE_H
#define PLYBOOT_MODULES_PRIVATE_H

#include "modules.h"

/* A module's name out of a path or a word: without directories and ".ko..."; '-' becomes '_'. */
enum { MODULE_NAME_SIZE = 128 };
void module_name(const char *from, size_t length, char out[MODULE_NAME_SIZE]);

/* One line of a text, split at blanks. False at the end. */
enum { LINE_WORDS = 256 };
struct words {
	size_t count;
	const char *start[LINE_WORDS];
	size_t length[LINE_WORDS];
};
bool next_line(const char **text, struct words *out);

#endif

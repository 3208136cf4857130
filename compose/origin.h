/* Where a stack is installed from: a store in a directory, or in a plain tar. */
#ifndef PLYBOOT_ORIGIN_H
#define PLYBOOT_ORIGIN_H

#include "../layers/stack.h"
#include "layout.h"

struct origin {
	const char *path;      /* the caller's */
	struct source *source; /* the engine's view of it; owned */
	struct layout layout;  /* of a directory: holds its lock */
};

#define ORIGIN_INIT                                                                                \
	{                                                                                          \
		.layout = LAYOUT_INIT                                                              \
	}

/* ERROR_MISSING, ERROR_FORMAT: it is no store; of a tar, errors of source_tar_open(). */
int origin_open(const char *path, struct origin *out, struct error *e);
void origin_close(struct origin *origin);

/* Does the operand name a place, rather than a stack of --store? With a slash, or .tar at its end.
 */
bool origin_is_path(const char *operand);

/* The stack file that is meant where none is named: the only one, or the newest version of the only
 * name. ERROR_USAGE, which lists them: there are several names. ERROR_MISSING: there is none. */
int origin_choose(struct origin *origin, char out[STACK_FILE_NAME_SIZE], struct error *e);

#endif

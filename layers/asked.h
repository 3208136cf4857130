/*
 * `asked` beside an upper: what the running system asked for, to be done at the next boot. Either a
 * reset, with what is kept of it, or paths to be reverted:
 *
 *     reset                          revert PATH
 *     keep PATH                      ...
 *     ...
 *
 * Paths are absolute and normal, sorted, none within another; in the text bytes other than
 * printable ASCII, the blank and '%' are %xx. It lies on the state partition: whoever can write
 * there can remove all of it anyway.
 */
#ifndef PLYBOOT_ASKED_H
#define PLYBOOT_ASKED_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "initconf.h"

enum {
	ASKED_MOST = 64,                              /* paths in the text */
	ASKED_ROOM = ASKED_MOST + INITCONF_MAX_KEEPS, /* and what init.conf keeps */
	ASKED_PATH_SIZE = 1024,
	ASKED_TEXT_SIZE = 8 + ASKED_MOST * (8 + 3 * ASKED_PATH_SIZE)
};

struct asked {
	bool reset;   /* else: revert */
	size_t count; /* paths to be kept, or reverted */
	char paths[ASKED_ROOM][ASKED_PATH_SIZE];
};

/* ERROR_FORMAT for anything that asked_encode() would not have written; then `out` is empty. */
int asked_decode(const char *text, size_t size_bytes, struct asked *out, struct error *e);

/* Of at most ASKED_MOST paths, and at least one where it is no reset. */
size_t asked_encode(const struct asked *asked, char out[ASKED_TEXT_SIZE]);

/* One more path: what is within it is not needed any more, and what is within another is that
 * one's. ERROR_PATH: it is not absolute and normal, is "/", or too long. ERROR_LIMIT: there is no
 * room. */
int asked_add(struct asked *asked, const char *path, struct error *e);

/* It is not there any more; false: it was not. */
bool asked_remove(struct asked *asked, const char *path);

/* Is `path` the directory, or in it? Both normal. */
bool asked_is_within(const char *path, const char *directory);

#endif

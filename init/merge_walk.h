/*
 * Through two trees side by side, parents before children. Anybody may nest directories far deeper
 * than a path is long, so depth costs neither descriptors nor stack, and no path is put together:
 * down by a name, up by "..", where the directory that one came from must still be. What is held is
 * a few words for each level, and the names that are still to be visited along one path.
 */
#ifndef PLYBOOT_MERGE_WALK_H
#define PLYBOOT_MERGE_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "error.h"

struct walk_place {
	dev_t device;
	ino_t inode;
};

struct walk_level {
	struct walk_place from, into;
	size_t name; /* its own, in `names`; behind it those of its children that are left */
	bool exact;  /* the caller's; a child begins with its parent's */
};

/* Initialise with WALK_NONE; walk_end() is always allowed. */
struct walk {
	int from, into; /* the directory of each that it is in; the walk's */
	size_t depth;   /* 1: at the top */
	struct walk_level *levels;
	size_t levels_capacity;
	char *names; /* each with its NUL */
	size_t names_size, names_capacity;
};
#define WALK_NONE                                                                                  \
	{                                                                                          \
		.from = -1, .into = -1                                                             \
	}

/* At the top of both; the two descriptors stay the caller's. */
int walk_begin(struct walk *walk, int from, int into, struct error *e);

/* Of the directory that it is in: to be visited, in both, once this one is done. */
int walk_remember(struct walk *walk, const char *name, struct error *e);

/* On to the next that was remembered: 1 when there is one, 0 at the end. ERROR_IO: one can't be
 * opened, or was moved meanwhile. */
int walk_next(struct walk *walk, struct error *e);

void walk_end(struct walk *walk);

static inline struct walk_level *walk_level(const struct walk *walk)
{
	return &walk->levels[walk->depth - 1];
}

/* For people: where it is, or (not NULL) what `name` is there. Of a long path, the end; of a long
 * name, the beginning. Returns a place in `out`. */
enum { WALK_PATH_SIZE = 256 };
const char *walk_path(const struct walk *walk, const char *name, char out[WALK_PATH_SIZE]);

#endif

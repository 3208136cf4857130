/* What an upper changes of the layers below it. */
#ifndef PLYBOOT_CHANGES_H
#define PLYBOOT_CHANGES_H

#include "lowers.h"

enum change_kind {
	CHANGE_NONE, /* it is in the upper, and the same as in the layers: copied up, no more */
	CHANGE_ADDED,
	CHANGE_MODIFIED,
	CHANGE_TYPE, /* something of another type */
	CHANGE_REMOVED
};

struct change {
	char *path; /* owned; below the root, "" for the root itself */
	enum change_kind kind;
	mode_t was, is;   /* of stat(2), both; 0: there is nothing */
	unsigned differs; /* of something modified: enum compare_difference */
	/* What the upper has there; NULL: nothing, it lies in an opaque directory. */
	const struct scan_entry *entry;
};

/* In the order of a walk. Of what is removed only the topmost name is there, and of a directory
 * that became something else nothing that was in it. */
struct changes {
	size_t count, capacity;
	struct change *list;
};

/* A directory's time alone is no change: it has another one after each new name in it. A file that
 * changes while it is read has changed. `upper` must outlive it. Errors of the two. */
int changes_find(
	const struct scan *upper, struct lowers *lowers, struct changes *out, struct error *e);

/* The change at this very path; NULL: there is none. */
const struct change *changes_at(const struct changes *changes, const char *path);

/* The type of stat(2)'s mode, in a word: "file", "directory" ... */
const char *change_type_name(mode_t mode);

void changes_free(struct changes *changes);
#define SCOPED_CHANGES __attribute__((cleanup(changes_free))) struct changes

#endif

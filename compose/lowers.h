/*
 * What the layers of a running system's root show, without its upper: read as overlayfs merges
 * them, from where /init unpacked them. Only what is asked for is looked at.
 */
#ifndef PLYBOOT_LOWERS_H
#define PLYBOOT_LOWERS_H

#include "booted.h"
#include "scan.h"

struct lowers {
	size_t count;
	struct scan *roots; /* owned, top first: the synthetic layer, then the layers' */
	char **paths;       /* owned; theirs */
	/* The directories on the way to what was asked for last: which layers have them. */
	size_t depth, capacity;
	struct lowers_frame *frames;
};

#define LOWERS_INIT                                                                                \
	{                                                                                          \
		.count = 0                                                                         \
	}

/* `directory`: where /init left its report; NULL: BOOTED_DIRECTORY. ERROR_MISSING: no stack runs,
 * or its layers are not there; ERROR_IO, ERROR_NOSPACE. */
int lowers_open(
	const struct booted *booted, const char *directory, struct lowers *out, struct error *e);

/* The same of any directories, top first, whatever they are called. */
int lowers_open_at(char *const *paths, size_t count, struct lowers *out, struct error *e);

/* What shows at `path` (in normal form; the root is ""): false, nothing. `out` is to be freed with
 * scan_entry_free(), `*root` is what its file can be read by. Quickest in the order of a walk. */
int lowers_find(struct lowers *lowers, const char *path, bool *found, struct scan_entry *out,
	const struct scan **root, struct error *e);

/* The paths of all that shows in the directory `path`, in no order. The caller frees. */
int lowers_list(
	struct lowers *lowers, const char *path, char ***out, size_t *count, struct error *e);
void lowers_list_free(char **paths, size_t count);

void lowers_close(struct lowers *lowers);
#define SCOPED_LOWERS __attribute__((cleanup(lowers_close))) struct lowers

#endif

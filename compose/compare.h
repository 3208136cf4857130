/* What changed between two scanned trees. */
#ifndef PLYBOOT_COMPARE_H
#define PLYBOOT_COMPARE_H

#include "scan.h"

/* Two trees, and which entries of one are which of the other. */
struct compare {
	const struct scan *old, *new;
	size_t *to_old; /* for each entry of new the old one of the same path, or COMPARE_NONE */
	size_t *to_new; /* and the other way */
	bool *emit;     /* entries of new that the difference holds */
	bool *whiteout; /* entries of old that it removes */
};

#define COMPARE_NONE ((size_t)-1)

/*
 * Fill in `emit` and `whiteout`: applied over old, they give new exactly. Directories that did not
 * change themselves are left out; a hard link group whose members changed is there whole. Reads
 * contents. ERROR_WHITEOUT when a name begins with ".wh.": it would not be what it is. Free with
 * compare_free(). The trees must outlive it.
 */
int compare_trees(
	const struct scan *old, const struct scan *new, struct compare *out, struct error *e);

void compare_free(struct compare *compare);
#define SCOPED_COMPARE __attribute__((cleanup(compare_free))) struct compare

/* In what two entries differ. */
enum compare_difference {
	COMPARE_TYPE = 1,
	COMPARE_CONTENT = 2, /* a symlink's target and a device's number, too */
	COMPARE_MODE = 4,
	COMPARE_OWNER = 8,
	COMPARE_TIME = 16,
	COMPARE_XATTRS = 32,
	COMPARE_DIFFERENCES = 6
};

/* `*differs`: of enum compare_difference. Reads the contents of files only where nothing else says
 * that those differ. */
int compare_entries(const struct scan *a, const struct scan_entry *x, const struct scan *b,
	const struct scan_entry *y, unsigned *differs, struct error *e);

/* Whether two regular files of one size hold the same bytes. -1 with the error. */
int compare_contents(const struct scan *a, const struct scan_entry *x, const struct scan *b,
	const struct scan_entry *y, bool *same, struct error *e);

#endif

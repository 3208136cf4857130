/*
 * One upper directory of overlayfs becomes part of another: what `from`, stacked over `into`, shows
 * is then what `into` shows alone, over the same layers.
 *
 * `from` is only read: what it has comes into `into` by hard links, each in one rename. At every
 * moment, whatever was done so far, `from` over `into` shows what it showed before. So a merge that
 * was cut, or that failed, is begun again whenever one likes, and until it is complete both are
 * mounted, one over the other. Neither may be mounted meanwhile.
 */
#ifndef PLYBOOT_MERGE_H
#define PLYBOOT_MERGE_H

#include <stdint.h>

#include "error.h"

struct merge_request {
	int from_fd, into_fd; /* directories of one file system */
	int scratch_fd; /* a third there, empty before and after: what is made gets there first */
	void (*progress)(void); /* now and then; NULL: nobody wants to know */
};

/* `*entries`: what was looked at in `from`. When it returns 0, all of it is on the disk (syncfs).
 * Errors of error_errno(); ERROR_NOSPACE: it took directories or blocks that are not there. */
int merge_uppers(const struct merge_request *request, uint64_t *entries, struct error *e);

/* A directory gets the metadata that another upper's has: of overlayfs's own attributes those that
 * still hold, but not whether it is opaque. */
int merge_copy_metadata(int from_fd, int into_fd, struct error *e);

/* Does it hide what the layers have there? 1 or 0; -1 with an error. And make one that does. */
int merge_is_opaque(int fd, struct error *e);
int merge_make_opaque(int fd, struct error *e);

#endif

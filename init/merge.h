/*
 * One upper directory of overlayfs becomes part of another: what `from`, stacked over `into`, shows
 * is then what `into` shows alone, over the same layers.
 *
 * `from` is only read: what it has comes into `into` by hard links, in one step each. At every
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
	int scratch_fd; /* a third there, empty before and after: what replaces something is made
			   there */
	void (*progress)(void); /* at each directory, and within long ones; NULL: nobody asks */
};

/* `*entries`: what was looked at in `from`. When it returns 0, all of it is on the disk (syncfs).
 * Errors of error_errno(); ERROR_NOSPACE: it took directories or blocks that are not there. EMLINK:
 * a file (no whiteout) has more than half of the names that the file system lets it have. */
int merge_uppers(const struct merge_request *request, uint64_t *entries, struct error *e);

#endif

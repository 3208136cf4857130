/* The first content of a persistent path: a copy of what the image has there. */
#ifndef PLYBOOT_SEED_H
#define PLYBOOT_SEED_H

#include <stdint.h>

#include "error.h"

struct seed_amount {
	uint64_t bytes, inodes; /* that it takes on the other file system, about */
};

/*
 * Copy the tree in `from_fd` to `name` in `to_fd`, on another file system maybe: content with its
 * holes, owner, mode, times in nanoseconds, xattrs (all but trusted.*), hard links, symbolic links,
 * devices, FIFOs; no sockets. Nothing but this may write to either; `from_fd` is on one mount. It
 * is made in "<name>%new", and has its name once all of it is on the disk, so that a power cut
 * leaves the whole of it or none; whatever "<name>%new" was before is removed first.
 *
 * `alive` is called now and then. On failure nothing of it remains, unless only the last
 * flush failed: then all of it is there. ERROR_NOSPACE says how much is
 * wanted and how much is free, before anything is written; ERROR_LIMIT: paths over 4095 bytes, or
 * more directories than a list of LIMIT_LIST_BYTES holds; those of error_errno().
 */
int seed_tree(int from_fd, int to_fd, const char *name, void (*alive)(void),
	struct seed_amount *amount, struct error *e);

#endif

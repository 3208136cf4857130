/* Which extended attributes of a file go into a layer. */
#ifndef PLYBOOT_SCAN_XATTRS_H
#define PLYBOOT_SCAN_XATTRS_H

#include "scan.h"

/* Read those of `name` in `dir_fd` (of the directory itself when `name` is "") into `entry`, and
 * overlayfs's marks, if the tree is an upper. */
int scan_read_xattrs(int dir_fd, const char *name, enum scan_marks marks, struct scan_entry *entry,
	struct error *e);

#endif

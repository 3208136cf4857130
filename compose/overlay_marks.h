/* What overlayfs notes in extended attributes of an upper directory, and what of it a layer can
 * say. (Documentation/filesystems/overlayfs.rst; fs/overlayfs/overlayfs.h) */
#ifndef PLYBOOT_OVERLAY_MARKS_H
#define PLYBOOT_OVERLAY_MARKS_H

#include "scan.h"

/* Note the attribute `name` of the file at `path` in `entry`, if it is one of overlayfs's in a tree
 * with these marks: then `*noted` is set, and the attribute is nothing for the layer. ERROR_IO,
 * ERROR_NOSPACE. */
int overlay_marks_note(const char *path, const char *name, enum scan_marks marks,
	struct scan_entry *entry, bool *noted, struct error *e);

/* ERROR_XATTR, with a hint, for the first entry with a mark that no layer can say. */
int overlay_marks_refuse(const struct scan *scan, struct error *e);

/* May we see trusted.* attributes? Who may not is shown files without them: ERROR_IO, with a hint.
 */
int overlay_marks_check_readable(struct error *e);

#endif

/* What a commit leaves out: what tells one machine from the next, and what only accumulates. */
#ifndef PLYBOOT_LEAVE_OUT_H
#define PLYBOOT_LEAVE_OUT_H

#include "options.h"
#include "scan.h"

/*
 * Take out of the scan what the table of leave_out_rules.h names and `include` does not, and what
 * `exclude` names; say on standard error what and why. Both hold paths of files from the root; `*`
 * and
 * `?` stand for bytes other than slashes; what is below a directory that is named is named, and "/"
 * names all. A directory above one that is included stays. What names nothing is warned of.
 * ERROR_NOSPACE.
 */
int leave_out(struct scan *scan, const struct text_list *include, const struct text_list *exclude,
	struct error *e);

/* Whether the pattern names this path, or a directory above it. */
bool leave_out_names(const char *pattern, const char *path);

#endif

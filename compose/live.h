/* Where a running system's root is written to. */
#ifndef PLYBOOT_LIVE_H
#define PLYBOOT_LIVE_H

#include <stdbool.h>

#include "booted.h"
#include "scan.h"

/* One directory, or two: that of a stack on trial over the one that it leaves as it is. */
struct live_upper {
	char *path;  /* owned */
	char *below; /* owned; NULL: it is one */
	bool userxattr;
};

/* Out of the text of /proc/self/mountinfo (proc(5)): the upper directory of the overlay that is the
 * root. ERROR_MISSING when the root is no overlay, or one without an upper. */
int live_upper_find(const char *mountinfo, struct live_upper *out, struct error *e);

/* As /init reports it, or where its report does not say, as mountinfo does. ERROR_IO,
 * ERROR_MISSING: there is none. */
int live_upper_booted(const struct booted *booted, struct live_upper *out, struct error *e);

/* The same of this system, whether plyboot has booted it or not. */
int live_upper_of_root(struct live_upper *out, struct error *e);

void live_upper_free(struct live_upper *upper);
#define SCOPED_LIVE_UPPER __attribute__((cleanup(live_upper_free))) struct live_upper

/* Whose names its marks have. */
enum scan_marks live_upper_marks(const struct live_upper *upper);

/* All that is in it, of two what they show together. It must outlive the scan. Errors of
 * scan_upper(). */
int live_upper_scan(
	const struct live_upper *upper, bool root_owned, struct scan *out, struct error *e);

#endif

/* What differs on the running system from the root that was signed, listed. */
#ifndef PLYBOOT_LIVE_DIFF_H
#define PLYBOOT_LIVE_DIFF_H

#include "changes.h"
#include "live.h"

struct live_diff_options {
	const char *run; /* where /init left its report; NULL: BOOTED_DIRECTORY */
	bool json, all;
};

/* On standard output. Errors of the three that follow. */
int live_diff(const struct live_diff_options *given, struct error *e);

/* The upper of the running system, read whole, and the changes that are in it. */
struct live_changes {
	struct live_upper upper;
	struct scan scan;
	struct changes changes;
};

#define LIVE_CHANGES_INIT                                                                          \
	{                                                                                          \
		.scan = SCAN_INIT                                                                  \
	}

/* `directory` as with booted_read(). A root without an upper has none. ERROR_MISSING; ERROR_IO: not
 * root; and those of changes_find(). */
int live_changes_find(const struct booted *booted, const char *directory, struct live_changes *out,
	struct error *e);
void live_changes_free(struct live_changes *live);
#define SCOPED_LIVE_CHANGES __attribute__((cleanup(live_changes_free))) struct live_changes

#endif

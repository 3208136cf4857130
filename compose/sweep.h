/* What nothing names, and what killed commands left, goes out of a store. */
#ifndef PLYBOOT_SWEEP_H
#define PLYBOOT_SWEEP_H

#include <sys/stat.h>
#include <time.h>

#include "named.h"

struct sweep_total {
	size_t count;
	uint64_t bytes;
};

struct sweep {
	struct layout *layout;     /* locked alone */
	const struct named *named; /* what stays */
	uint64_t grace_minutes;    /* younger blobs stay, too; 0: none */
	bool dry_run;              /* only say and count it */

	time_t now;
	struct sweep_total removed, kept, young, leftovers;
};

/* Each blob that goes is a line of standard output. It can be ended at any time. ERROR_IO. */
int sweep_store(struct sweep *sweep, struct error *e);

#endif

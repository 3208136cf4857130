/* Where a running system's root is written to. */
#ifndef PLYBOOT_LIVE_H
#define PLYBOOT_LIVE_H

#include <stdbool.h>

#include "../layers/error.h"

struct live_upper {
	char *path; /* owned */
	bool userxattr;
};

/* Out of the text of /proc/self/mountinfo (proc(5)): the upper directory of the overlay that is the
 * root. ERROR_MISSING when the root is no overlay, or one without an upper. */
int live_upper_find(const char *mountinfo, struct live_upper *out, struct error *e);

/* The same of this system. ERROR_IO, too. */
int live_upper_of_root(struct live_upper *out, struct error *e);

#endif

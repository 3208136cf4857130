/*
 * A home on the state partition (state_private.h) begins anew, but for what is kept. The new one is
 * made beside it, looked through, flushed, and exchanged with it in one step: what is asked for in
 * the old one is done with that. Then follows only what can be done at any later boot:
 *
 *     plyboot/.reset-<name>          the new home until then, and the old one from then on
 *     plyboot/<name>/unfinished      kept persistent paths have still to come out of the old one
 */
#ifndef PLYBOOT_RESET_H
#define PLYBOOT_RESET_H

#include <stdint.h>

#include "asked.h"

struct reset_request {
	int all_fd;       /* plyboot/ of the state partition */
	const char *name; /* of the stack */
	const struct asked
		*keep; /* paths; a persistent path is kept whole if it has to do with one */
	void (*progress)(void); /* now and then */
};

struct reset_kept {
	uint64_t names; /* in the upper */
	unsigned paths; /* persistent ones */
};

/* Up to the exchange. When it fails, all is as it was. The home must be there. */
int reset_home(const struct reset_request *request, struct reset_kept *kept, struct error *e);

/* What follows, if there is anything: kept persistent paths get to their place, and what is not
 * kept is removed. To be called at each boot. */
int reset_finish(int all_fd, const char *name, struct error *e);

/* Is a kept persistent path not in its place yet? 1 or 0, -1 with an error. */
int reset_is_unfinished(int home_fd, struct error *e);

#endif

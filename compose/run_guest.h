/* One guest for one command. */
#ifndef PLYBOOT_RUN_GUEST_H
#define PLYBOOT_RUN_GUEST_H

#include "run_given.h"

/* `run` itself failed, before there was a guest: as docker, env and others have it. */
enum { RUN_STATUS_FAILED = QEMU_STATUS_NOT_RUN };

/* Boot it, run the command, and explain on `explain` what went wrong, unless that is the command's
 * own. `*end` is how it ended, unless it is NULL. Returns the exit status, or -1: no guest was
 * started. */
int run_guest(
	const struct qemu_request *request, FILE *explain, enum qemu_end *end, struct error *e);

/* The same, with all that is known of it: `outcome` is large, and on the heap. */
int run_guest_outcome(const struct qemu_request *request, FILE *explain,
	struct qemu_outcome *outcome, struct error *e);

#endif

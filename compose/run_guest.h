/* One guest for one command. */
#ifndef PLYBOOT_RUN_GUEST_H
#define PLYBOOT_RUN_GUEST_H

#include "run_given.h"

/* `run` itself failed, before there was a guest: as docker, env and others have it. */
enum { RUN_STATUS_FAILED = QEMU_STATUS_NOT_RUN };

/* Boot it, run the command, and explain on `explain` what went wrong, unless that is the command's
 * own. `*doubtful`: run_guest_doubts_root(). Returns the exit status, or -1: no guest was started.
 */
int run_guest(const struct qemu_request *request, FILE *explain, bool *doubtful, struct error *e);

/* The same, with all that is known of it: `outcome` is large, and on the heap. */
int run_guest_outcome(const struct qemu_request *request, FILE *explain,
	struct qemu_outcome *outcome, struct error *e);

/* Whether the guest did not come as far as its command for what may be the fault of its disk or its
 * initramfs: a kept one may have rotted. Not for want of memory, of which /init says NOSPACE. */
bool run_guest_doubts_root(const struct qemu_outcome *outcome);

#endif

/* `plyboot status --conflicts`. */
#ifndef PLYBOOT_STATUS_CONFLICTS_H
#define PLYBOOT_STATUS_CONFLICTS_H

#include "booted.h"

struct status_conflicts_options {
	const char *run;   /* as with booted_read() */
	const char *store; /* where the stacks are; NULL: on the layers partition */
	bool json;
};

/* Where the upper hides what the running stack changed against each one that the upper was made for
 * before, on standard output. An earlier stack that can't be read is said to be unknown, and is no
 * error. ERROR_MISSING, ERROR_FORMAT, ERROR_LIMIT: what the upper was made for is not known; and
 * those of live_changes_find(), device_open_layers(), stack_tree_open() of the running stack. */
int status_conflicts(
	const struct booted *booted, const struct status_conflicts_options *given, struct error *e);

#endif

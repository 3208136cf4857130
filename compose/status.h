/* What `plyboot status` has gathered on the running system, and its two forms. */
#ifndef PLYBOOT_STATUS_H
#define PLYBOOT_STATUS_H

#include <stdio.h>

#include "device.h"

/* Of a mounted file system, as statvfs(3) has it. */
struct status_room {
	bool known;
	uint64_t total_bytes, used_bytes, free_bytes; /* free: for who is not root, too */
	uint64_t total_inodes, used_inodes, free_inodes;
};

struct status {
	struct booted booted;
	struct record_io record;
	bool has_record;
	struct layout layers;
	struct error layers_error; /* its code ERROR_NONE: the stacks were looked at */
	struct candidate_policy policy;
	struct device_stacks stacks;
	struct status_room store; /* that the layers lie in, in memory */
	struct status_room upper; /* what is written to */
};

/* Look at the mounts that boot.json tells of; `run` is where it lies (NULL: BOOTED_DIRECTORY).
 * What is not there is not known. */
void status_measure(struct status *self, const char *run);

/* The kernel's own memory for that many inodes of a tmpfs, about. */
uint64_t status_kernel_bytes(const struct status_room *store);

/* What the record says of the running stack; NULL: nothing. */
const struct record_stack *status_known(const struct status *self);

/* A line for each layer, the memory that they hold, and the room in the upper; nothing of what the
 * report has not. */
void status_print_layers(const struct status *self, FILE *to);
void status_print_room(const struct status *self, FILE *to);

/* One object, with keys as layers/FORMAT.md has them; owned by the caller. Candidates count as
 * tried afterwards. ERROR_NOSPACE: NULL. */
json_t *status_json(struct status *self, struct error *e);

#endif

/* The store's tmpfs: made, sized for what is to come, and frozen. */
#ifndef PLYBOOT_STORE_MOUNT_H
#define PLYBOOT_STORE_MOUNT_H

#include "stack.h"

#define STORE_MOUNT_PATH "/run/plyboot/store"

struct store_mount {
	int fd;        /* of its root; -1 before the first store_mount_prepare() */
	unsigned cpus; /* that unpack into it */
};

/* Make room for the layers of `stack` (`ids`: the identity of each) that it hasn't yet: mounted the
 * first time, enlarged later. What other stacks left in it goes where that helps. ERROR_NOSPACE,
 * with both numbers, when MemAvailable is less; ERROR_KERNEL. */
int store_mount_prepare(struct store_mount *store, const struct stack *stack,
	const struct digest *ids, struct error *e);

/* Is the layer with this identity in it? */
bool store_mount_has(const struct store_mount *store, const struct digest *id);

/* Give back the memory of all but these layers and the one named `synthetic`. */
void store_mount_drop_others(
	struct store_mount *store, const struct digest *ids, size_t count, const char *synthetic);

/* Read-only from here on, by whatever path it is reached. ERROR_KERNEL. */
int store_mount_freeze(struct store_mount *store, struct error *e);

#endif

/* The store's tmpfs: made, sized for what is to come, and frozen. */
#ifndef PLYBOOT_STORE_MOUNT_H
#define PLYBOOT_STORE_MOUNT_H

#include "stack.h"

#define STORE_MOUNT_PATH "/run/plyboot/store"

struct store_mount {
	int fd; /* of its root; -1 before the first store_mount_prepare() */
};

/* Make it hold the layers of `stack` that it hasn't yet, and writable: mounted the first time,
 * enlarged later. ERROR_NOSPACE, with both numbers, when MemAvailable is less; ERROR_KERNEL. */
int store_mount_prepare(struct store_mount *store, const struct stack *stack, struct error *e);

/* Read-only from here on, by whatever path it is reached. ERROR_KERNEL. */
int store_mount_freeze(struct store_mount *store, struct error *e);

#endif

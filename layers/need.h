/* How much memory a stack takes to boot, out of its signed numbers. */
#ifndef PLYBOOT_NEED_H
#define PLYBOOT_NEED_H

#include "stack.h"

/* Each saturates. */
struct need {
	uint64_t tmpfs_bytes;   /* the store's size= */
	uint64_t kernel_bytes;  /* outside it */
	uint64_t working_bytes; /* while unpacking: what takes most */
	uint64_t inodes;        /* the store's nr_inodes= */
};

/* Of the layers that `is_there` doesn't say to be in the store already (NULL: of all). */
struct need need_of(const struct stack *stack, uint64_t page_bytes, unsigned cpus,
	bool (*is_there)(const void *context, size_t index), const void *context);

/* All the memory together: what must be available when the unpacking begins. */
uint64_t need_bytes(const struct need *need);

#endif

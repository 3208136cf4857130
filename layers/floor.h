/*
 * The floor: no stack below it boots. The highest of what several sources say, each of which can
 * only raise it:
 *
 * - init.conf in the initramfs. Whoever vouches for the initramfs vouches for it.
 * - the record, raised by `plyboot confirm`. It keeps a device from falling back by accident; it is
 *   worth nothing against who writes the disk, since an older copy of the record can be put back.
 *
 * A counter that can't be turned back (an NV index of a TPM, a fuse, an RPMB partition) is a third
 * source: one more floors_add() where these two are added, in /init and in `plyboot confirm`.
 */
#ifndef PLYBOOT_FLOOR_H
#define PLYBOOT_FLOOR_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct record;

struct floor_source {
	const char *name; /* in messages: "version 3 is below the floor 4 of <name>" */
	/* The floor of the stacks of this name; 0: none. What fails refuses them all: who can't be
	 * asked can't be said to allow anything. */
	int (*read)(const void *context, const char *stack, uint64_t *floor, struct error *e);
	/* Raise it, never lower it, so that it holds after a power cut. NULL: not from here. */
	int (*raise)(void *context, const char *stack, uint64_t floor, struct error *e);
	void *context; /* of both */
};

enum { FLOOR_SOURCES = 4 };

struct floors {
	size_t count;
	struct floor_source list[FLOOR_SOURCES];
};

void floors_add(struct floors *floors, const struct floor_source *source);

/* init.conf's: `*floor` counts for every name. It has to stay there. */
void floors_add_fixed(struct floors *floors, const uint64_t *floor);

/* The record's. record_confirm() raises it, in one write with the confirmation. */
void floors_add_record(struct floors *floors, const struct record *record);

/* The highest, and whose it is ("" for 0). The first error of a source, with its name. */
int floors_highest(const struct floors *floors, const char *stack, uint64_t *floor,
	const char **whose, struct error *e);

/* Raise it in every source that can. The first error ends it. */
int floors_raise(const struct floors *floors, const char *stack, uint64_t floor, struct error *e);

#endif

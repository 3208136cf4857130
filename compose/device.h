/* The disks of the running system, as boot.json names them. */
#ifndef PLYBOOT_DEVICE_H
#define PLYBOOT_DEVICE_H

#include "../layers/record_io.h"
#include "booted.h"
#include "layout.h"

/* Open the record. ERROR_DEVICE: this boot had none, or it can't be used; with `write`, also when
 * it can't be written. Only one process has it at a time: others wait a moment for it. */
int device_open_record(
	const struct booted *booted, bool write, struct record_io *out, struct error *e);

/* The record for who only wants to know, closed again so that `confirm` need not wait. False: there
 * is none, `out` has an empty one, and why. */
bool device_read_record(const struct booted *booted, struct record_io *out);

/*
 * Open the layers partition as a store: in a mount that is attached nowhere, so that nobody else
 * sees it, and that goes with the layout. ERROR_DEVICE: boot.json names none, or
 * it is not there; ERROR_IO: it can't be read; ERROR_KERNEL: it can't be mounted (not root, no
 * ext4, not mounted read-write); and those of layout_open(). The booted one must stay.
 */
int device_open_layers(
	const struct booted *booted, bool write, struct layout *out, struct error *e);

/* A stack file that will not be tried. */
struct device_refused {
	char file_name[STACK_FILE_NAME_SIZE];
	struct error why;
};

/* The layers partition's stacks as the next boot will see them. */
struct device_stacks {
	struct candidates found;
	size_t refused_count;
	struct device_refused refused[LIMIT_STACK_FILES];
};

/* Errors of the source. To be freed with candidates_free(&out->found). */
int device_find_stacks(struct layout *layers, const struct candidate_policy *policy,
	struct device_stacks *out, struct error *e);

#endif

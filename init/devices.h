/* From LABEL=, UUID=, PARTLABEL=, PARTUUID= or /dev/... to one block device. */
#ifndef PLYBOOT_DEVICES_H
#define PLYBOOT_DEVICES_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "ext4.h"

enum { DEVICES_PATH_SIZE = 256 };

/* Waits until `deadline_us` (clock.h) for the device to turn up. ERROR_DEVICE: it didn't, or two
 * match; the message has what was looked for, how long, and what there is. */
int devices_find(
	const char *wanted, uint64_t deadline_us, char out[DEVICES_PATH_SIZE], struct error *e);

/* Is there an ext2/3/4 file system on it? ERROR_IO when it can't be read, ERROR_DEVICE when not. */
int devices_identify_ext4(const char *path, struct ext4_identity *out, struct error *e);

#endif

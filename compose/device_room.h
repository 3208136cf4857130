/* Which stacks a device can do without. */
#ifndef PLYBOOT_DEVICE_ROOM_H
#define PLYBOOT_DEVICE_ROOM_H

#include "device.h"
#include "named.h"

/*
 * Remove stack files from the layers partition: those below the floor, and, as long as less than
 * `room_bytes` would be free once nothing names their blobs, others: worn out ones first, then the
 * oldest. What runs, the newest confirmed one and what boots next stay. They go from `named` as
 * well, so that a sweep takes their blobs. Each is a line of standard output.
 *
 * ERROR_NOSPACE: not even so is there that much room; nothing was removed. ERROR_IO.
 */
int device_remove_stacks(const struct booted *booted, struct layout *layers, uint64_t room_bytes,
	bool dry_run, struct named *named, struct error *e);

#endif

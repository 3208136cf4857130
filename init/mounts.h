/* The first mounts: /dev, /proc, /sys, /run. */
#ifndef PLYBOOT_MOUNTS_H
#define PLYBOOT_MOUNTS_H

#include "error.h"

enum { MOUNTS_COUNT = 4 };
extern const char *const mounts_carried[MOUNTS_COUNT]; /* "dev", ...: they go to the new root */

/* ERROR_KERNEL names the file system that could not be mounted. Mounted already (devtmpfs) is fine.
 * Makes /run/plyboot too. */
int mounts_make(struct error *e);

/* A kernel that panics for good is a device lost: it reboots after MOUNTS_PANIC_S, unless the
 * command line or its configuration says when (kernel.panic, `panic=`). */
enum { MOUNTS_PANIC_S = 10 };
void mounts_set_panic(void);

#endif

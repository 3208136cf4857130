/* Mounting ext4 partitions, and saying in the kernel's own words why it can't be. */
#ifndef PLYBOOT_PARTITION_H
#define PLYBOOT_PARTITION_H

#include "error.h"

/* Read-only, nosuid, nodev, noexec, and attached nowhere: the file system is there for as long as a
 * descriptor of it is open. `*dir_fd` is its root. If its journal can't be replayed, without doing
 * so. ERROR_DEVICE: not ext4 (nothing was mounted); ERROR_IO: unreadable; ERROR_KERNEL: not
 * mounted. */
int partition_open_read_only(const char *device, int *dir_fd, struct error *e);

/* Read-write, nosuid, nodev, at a path. The same errors. */
int partition_mount(const char *device, const char *at, struct error *e);

/* The first complaint that a descriptor of fsopen holds: put it in front of errno's own words. */
int partition_fs_error(int fs_fd, int sys_errno, const char *what, struct error *e);

#endif

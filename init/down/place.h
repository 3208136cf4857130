/* Where this program stands while it takes the mounts away. */
#ifndef PLYBOOT_DOWN_PLACE_H
#define PLYBOOT_DOWN_PLACE_H

#include <stdbool.h>

/* The tmpfs that /init made: this program, and links `state` and `watchdog` to devices. */
#define PLACE_HOME "/run/initramfs"

/* As process 1: into that tmpfs, with the old root at /oldroot, unless systemd has done so, and
 * with no descriptor of the old root left. True: the old root can be unmounted. Else this is a
 * process among others, whose root is still in use by process 1. The working directory is that
 * tmpfs. */
bool place_take(void);

#endif

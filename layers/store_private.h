/* Shared by store.c and synthetic.c. */
#ifndef PLYBOOT_STORE_PRIVATE_H
#define PLYBOOT_STORE_PRIVATE_H

#include <stdbool.h>

/* openat2 below a directory, through no symlink, on the same mount; "" is the directory itself. */
int store_open_below(int dir_fd, const char *path, int flags);

/* Does overlayfs take the directory for opaque? -1 with errno when that can't be told: it must not
 * pass for a no. */
int store_is_opaque(int fd, bool *out);

#endif

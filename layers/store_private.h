/* Shared by store.c and synthetic.c. */
#ifndef PLYBOOT_STORE_PRIVATE_H
#define PLYBOOT_STORE_PRIVATE_H

/* openat2 below a directory, through no symlink, on the same mount; "" is the directory itself. */
int store_open_below(int dir_fd, const char *path, int flags);

#endif

/* Small files, read whole. */
#ifndef PLYBOOT_FILES_H
#define PLYBOOT_FILES_H

#include <stddef.h>

#include "error.h"
#include "paths.h"

/* Read a file of at most `max_bytes` (ERROR_LIMIT), also one of /proc or /sys whose size is
 * unknown.
 * `*bytes` has a NUL behind it and is the caller's to free. Errors of error_errno(). */
int files_read(int dir_fd, const char *path, size_t max_bytes, char **bytes, size_t *size_bytes,
	struct error *e);

/* Write a file so that after a power cut it is there whole or not at all: beside it, fsync, rename,
 * fsync of the directory. */
int files_write(
	int dir_fd, const char *name, const char *bytes, size_t size_bytes, struct error *e);

/* The names in a directory, but "." and "..", behind those that are in the list: 0, or -1 with the
 * list to be freed all the same. */
int files_list(int dir_fd, struct path_list *names, struct error *e);

/* Write all of it. */
int files_write_all(int fd, const char *bytes, size_t size_bytes);

#endif

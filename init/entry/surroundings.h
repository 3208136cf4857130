/* What programs made for containers expect around them, as far as it is not there already. */
#ifndef PLYBOOT_ENTRY_SURROUNDINGS_H
#define PLYBOOT_ENTRY_SURROUNDINGS_H

#include "error.h"

/* /proc, /sys, /dev, /run, /dev/pts, /dev/shm, /dev/mqueue, the links in /dev, the loopback
 * interface, the host name in /etc/hostname. What can't be had is said, and done without. */
void surroundings_make(void);

/* The working directory: made, with the directories above it, if it is missing. ERROR_TYPE,
 * ERROR_IO, ERROR_NOSPACE. */
int surroundings_enter(const char *directory, struct error *e);

/* A regular file of at most `max_bytes` as a string with a NUL behind it; bytes of the file that
 * are NUL end it. The caller frees. ERROR_MISSING, ERROR_TYPE, ERROR_LIMIT, ERROR_IO,
 * ERROR_NOSPACE. */
int surroundings_read(
	const char *path, size_t max_bytes, char **text, size_t *size_bytes, struct error *e);

#endif

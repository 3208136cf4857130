/*
 * What a reset keeps of an upper: paths, each with all that is below it, in another upper that has
 * nothing else. Files are linked, so that it takes directories alone.
 */
#ifndef PLYBOOT_KEEP_H
#define PLYBOOT_KEEP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "asked.h"

struct keep_request {
	int from_fd, into_fd; /* uppers, of one file system; nothing is in the second */
	int scratch_fd;       /* a third directory there, empty before and after */
	const struct asked *keep;
	void (*progress)(void); /* now and then */
};

/* Where an upper has a path. */
struct keep_place {
	int parent_fd; /* the directory that has it; the caller's to close; -1: there is none */
	size_t hider;  /* so much of the path is an opaque directory, or no directory; 0: nothing is
			*/
	struct stat st; /* of what is there */
};

/* 1, or 0: the upper has nothing there. -1 with an error, and then `parent_fd` is -1, too. */
int keep_find(int upper_fd, const char *path, struct keep_place *out, struct error *e);

/* Carry all that is there, look whether that and nothing else has come, and count it. A directory
 * above a kept path gets its metadata, and merges with what the layers have; what is kept in one
 * that hid the layers' still hides them. ERROR_LIMIT; those of error_errno(). */
int keep_carry(const struct keep_request *request, uint64_t *names, struct error *e);

#endif

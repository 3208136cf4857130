/* A private directory that goes away again. */
#ifndef PLYBOOT_SCRATCH_H
#define PLYBOOT_SCRATCH_H

#include <linux/limits.h>
#include <stdbool.h>

#include "../layers/error.h"

struct scratch {
	int parent_fd; /* -1: there is none */
	int fd;
	char name[32];
};

#define SCRATCH_INIT                                                                               \
	{                                                                                          \
		.parent_fd = -1, .fd = -1                                                          \
	}

/* In TMPDIR, or /tmp. ERROR_IO, ERROR_NOSPACE. */
int scratch_open(struct scratch *out, struct error *e);

/* In the directory `parent_fd`, which is duplicated: on the file system of what is in there. */
int scratch_open_in(int parent_fd, struct scratch *out, struct error *e);

/* Is this the name of one that scratch_open_in() made? */
bool scratch_has_name(const char *name);

/* Remove it with all that is in it; harmless when there is none. */
void scratch_remove(struct scratch *scratch);
#define SCOPED_SCRATCH __attribute__((cleanup(scratch_remove))) struct scratch

#endif

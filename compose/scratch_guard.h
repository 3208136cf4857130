/* Who is killed can't clean up: a process of its own does it then. */
#ifndef PLYBOOT_SCRATCH_GUARD_H
#define PLYBOOT_SCRATCH_GUARD_H

#include <sys/types.h>

#include "scratch.h"

struct scratch_guard {
	int pipe_fd; /* -1: there is none */
	pid_t pid;
};

#define SCRATCH_GUARD_INIT                                                                         \
	{                                                                                          \
		.pipe_fd = -1                                                                      \
	}

/* From here on until scratch_guard_end(): should this process, and all that it forks and that don't
 * start another program, end without a word, the directory goes, in some seconds, whatever is still
 * written into it meanwhile. ERROR_IO, ERROR_NOSPACE. */
int scratch_guard_begin(const struct scratch *scratch, struct scratch_guard *out, struct error *e);

/* When the directory is gone; harmless when there is no guard. */
void scratch_guard_end(struct scratch_guard *guard);

#endif

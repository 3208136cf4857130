/* What the program reads and writes, and the other ends of it. */
#ifndef PLYBOOT_RUN_STREAMS_H
#define PLYBOOT_RUN_STREAMS_H

#include "../entry/launch.h"

/* Ours don't block; -1: there is none. */
struct streams {
	struct launch_streams theirs;
	int input_fd;      /* to write to */
	int output_fds[2]; /* to read from; of one output or a terminal the first alone */
};

struct job;

/* Pipes, or a terminal of the job's size. ERROR_KERNEL, ERROR_IO. Closed with streams_close() in
 * each case. */
int streams_open(struct streams *streams, const struct job *job, struct error *e);

/* The program has its own by now. */
void streams_close_theirs(struct streams *streams);
void streams_close(struct streams *streams);

#endif

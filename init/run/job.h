/* What the host wants run, out of its frames. Pure, but for the heap. */
#ifndef PLYBOOT_RUN_JOB_H
#define PLYBOOT_RUN_JOB_H

#include "entryconf.h"
#include "runport.h"

struct job_share {
	char *target; /* owned */
	bool writable;
	size_t there_bytes; /* of the target's path: what of it was there before it was mounted */
};

/* All zero is a new one. */
struct job {
	struct entryconf conf; /* arguments, variables, directory, user, for launch(); not of
				  entryconf_free(): job_free() knows what is owned */
	struct entryconf then; /* arguments alone: what runs when the command has ended; with none,
				  nothing does */
	bool one_output;
	bool terminal;
	uint16_t rows, columns;
	struct job_share shares[RUNPORT_MAX_SHARES];
	size_t share_count;
	size_t size_bytes; /* of all strings */
	bool started;
};

/*
 * Take one frame of the host. 1: it was START, and the job is whole, with "/" and "0:0" where
 * nothing was said. 0: more frames are needed. -1: ERROR_FORMAT for a frame that has no place in a
 * job or was there already, or no argument; ERROR_LIMIT for too much of something; ERROR_NOSPACE.
 * The caller frees in each case.
 */
int job_take(struct job *job, const struct runport_frame *frame, struct error *e);
void job_free(struct job *job);

#endif

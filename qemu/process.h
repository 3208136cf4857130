/* A child program that does not outlive us: QEMU, and the probe. */
#ifndef PLYBOOT_QEMU_PROCESS_H
#define PLYBOOT_QEMU_PROCESS_H

#include <limits.h>
#include <stddef.h>
#include <sys/types.h>

#include "../layers/error.h"

struct process {
	pid_t pid;
	int output_fd; /* its standard output and error; its end means that the program has ended */
};

/* Look `program` up in PATH. ERROR_MISSING names the Debian package that holds it. */
int process_find(const char *program, const char *package, char path[PATH_MAX], struct error *e);

/*
 * Start `path`. Standard input is empty; of the other descriptors it gets only those of `keep`
 * (besides any that the caller left without FD_CLOEXEC). Gets the signals as qemu/ending.h has
 * them, and SIGKILL when the calling thread ends. A failing exec shows as exit status 127 and a
 * word on output_fd. ERROR_IO, ERROR_NOSPACE.
 */
int process_start(const char *path, char *const arguments[], const int *keep, size_t keep_count,
	struct process *process, struct error *e);

/* SIGTERM if it still runs after `patience_ms`, SIGKILL two seconds later; closes output_fd.
 * Returns the status as wait(2) gives it, or -1 if somebody else has taken it. */
int process_end(struct process *process, unsigned patience_ms);

/* Milliseconds of a clock that only runs forward. */
long long process_clock_ms(void);

#endif

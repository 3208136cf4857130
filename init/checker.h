/* A program that is given a block device, and nothing else: what checks a file system parses what
 * somebody else may have written, so it runs in a jail (layers/jail.h). */
#ifndef PLYBOOT_CHECKER_H
#define PLYBOOT_CHECKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum { CHECKER_WORDS_SIZE = 1024 };

/* What it exits with when the jail could not be made, or the program not be run: no bit that
 * fsck(8) knows. Its last words are the reason. */
enum { CHECKER_NOT_RUN = 64 };

struct checker_request {
	const char *program; /* static */
	const char *device;  /* a path; the program sees it as /dev/<its last component> */
	const char *conf;    /* its /etc/e2fsck.conf */
	unsigned limit_ms;
	uint64_t memory_bytes;
	unsigned threads;
	unsigned demand;              /* parts of the jail without which it is not run */
	void (*alive)(void *context); /* several times a second while it runs */
	void *context;
};

struct checker_ending {
	bool in_time; /* else it was killed, and `status` means nothing */
	int status;   /* as waitpid(2) has it */
	uint64_t took_us;
	size_t words_length;
	char words[CHECKER_WORDS_SIZE]; /* the last it wrote, however much that was; no NUL */
};

/*
 * Run `<program> -p <device>` to its end, which may be that it takes longer than it may. Its input
 * is /dev/null, and the kernel's first choice when memory is short. ERROR_MISSING: no such program
 * or device; ERROR_TYPE: no block device; ERROR_KERNEL, ERROR_NOSPACE: it could not be started.
 * One that is killed and still does not end (its device does not answer) is left behind.
 */
int checker_run(const struct checker_request *request, struct checker_ending *out, struct error *e);

#endif

/* Many commands, each in a guest of its own, as TAP (version 12 and later understand it). */
#ifndef PLYBOOT_RUN_CASES_H
#define PLYBOOT_RUN_CASES_H

#include "case_file.h"

struct run_cases {
	const struct case_file *file;
	struct qemu_request request;   /* but for memory, limit and command, where a case says so */
	const struct run_given *given; /* of the options: what each case has besides its own */
	size_t jobs;
};

/* Run them, so many at once, and print each result as soon as those before it are printed. 0: all
 * are as they should be; 1: some are not; 128+N: signal N came, and all guests were ended. -1:
 * ERROR_NOSPACE, ERROR_IO. `*doubtful`: run_guest_doubts_root() of any. */
int run_cases(const struct run_cases *cases, bool *doubtful, struct error *e);

#endif

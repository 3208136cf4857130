/*
 * How many trials a test of a promise runs: PLYBOOT_COUNT, or else what `make check` wants of the
 * program as it is shipped (musl, optimised), and few with the sanitizers or without optimisation,
 * where the same trials are slow and look for something else.
 */
#ifndef PLYBOOT_TEST_PROMISE_H
#define PLYBOOT_TEST_PROMISE_H

#include <stdlib.h>
#include <time.h>

#include "tap.h"

static inline unsigned long promise_count(unsigned long full, unsigned long few)
{
	const char *text = getenv("PLYBOOT_COUNT");
	if (text != NULL && text[0] != '\0') {
		char *end;
		unsigned long count = strtoul(text, &end, 0);
		if (*end != '\0' || count == 0)
			abort();
		return count;
	}
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__)
	(void)few;
	return full;
#else
	(void)full;
	return few;
#endif
}

/* PLYBOOT_SEED, or else `otherwise`. What repeats a failure is said by the test. */
static inline unsigned long long promise_seed(unsigned long long otherwise)
{
	const char *text = getenv("PLYBOOT_SEED");
	unsigned long long seed = otherwise;
	if (text != NULL && text[0] != '\0') {
		char *end;
		seed = strtoull(text, &end, 0);
		if (*end != '\0')
			abort();
	}
	printf("# PLYBOOT_SEED=%llu\n", seed);
	return seed;
}

/* The line that says what came of it: "# P1: 500000 flips, 0 failures". */
static inline void promise_result(
	const char *promise, unsigned long trials, const char *what, unsigned long failures)
{
	ok(failures == 0 && trials > 0, "%s: %lu %s, %lu failures", promise, trials, what,
		failures);
	printf("# %s: %lu %s, %lu failures; %ld s of CPU time\n", promise, trials, what, failures,
		(long)(clock() / CLOCKS_PER_SEC));
}

#endif

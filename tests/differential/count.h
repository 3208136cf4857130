/* How many random cases, and of which seed: PLYBOOT_COUNT (1000), PLYBOOT_SEED (another each time,
 * printed). */
#ifndef PLYBOOT_TEST_COUNT_H
#define PLYBOOT_TEST_COUNT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

struct count {
	unsigned long long cases;
	uint64_t seed;
};

static inline uint64_t count_variable(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);
	char *end;
	if (text == NULL || text[0] == '\0')
		return otherwise;
	uint64_t value = strtoull(text, &end, 0);
	if (*end != '\0' || value == 0) {
		fprintf(stderr, "%s=%s is no number above 0\n", name, text);
		exit(2);
	}
	return value;
}

/* A case is made of its own seed alone, and so repeated by PLYBOOT_COUNT=1 and that. */
static inline uint64_t count_seed(const struct count *count, unsigned long long number)
{
	return count->seed + number * UINT64_C(0xd1342543de82ef95);
}

static inline struct count count_from_environment(void)
{
	uint64_t seed;
	if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
		abort();
	struct count count = {
		.cases = count_variable("PLYBOOT_COUNT", 1000),
		.seed = count_variable("PLYBOOT_SEED", seed),
	};
	printf("# PLYBOOT_COUNT=%llu PLYBOOT_SEED=0x%llx\n", count.cases,
		(unsigned long long)count.seed);
	(void)fflush(stdout);
	return count;
}

#endif

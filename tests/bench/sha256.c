/* How fast each implementation of SHA-256 is here: `make bench-hash`. */
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "digest.h"

enum { BUFFER_BYTES = 1 << 20, TRIES = 5, TRY_MS = 200 };

static uint8_t buffer[BUFFER_BYTES];

static double now_ms(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* MB a second, the best of some tries. */
static double speed(const struct sha256_implementation *implementation, size_t portion)
{
	double best = 0;
	for (int i = 0; i < TRIES; i++) {
		struct sha256 hash;
		double from = now_ms(), took;
		uint64_t bytes = 0;
		sha256_start_with(&hash, implementation);
		do {
			for (size_t at = 0; at + portion <= sizeof buffer; at += portion)
				sha256_update(&hash, buffer + at, portion);
			bytes += sizeof buffer;
			took = now_ms() - from;
		} while (took < TRY_MS);
		double here = (double)bytes / 1e3 / took;
		best = here > best ? here : best;
	}
	return best;
}

int main(void)
{
	static const size_t portions[] = {64, 4096, BUFFER_BYTES};
	printf("SHA-256 here: %s\n", sha256_implementation());
	for (const struct sha256_implementation *one = sha256_implementations; one->name; one++) {
		if (!one->usable()) {
			printf("%-24s not on this CPU\n", one->name);
			continue;
		}
		for (size_t i = 0; i < sizeof portions / sizeof *portions; i++)
			printf("%-24s %8.0f MB/s in portions of %zu bytes\n", one->name,
				speed(one, portions[i]), portions[i]);
	}
	return 0;
}

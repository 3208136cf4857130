#include "tsc.h"

#include <stdint.h>
#include <time.h>

#if defined(__x86_64__)

#include <x86intrin.h>

enum { TRIES = 16, SPAN_NS = 2000000, LOWEST_KHZ = 100000, HIGHEST_KHZ = 20000000 };

struct moment {
	uint64_t ticks;
	uint64_t ns;
};

static uint64_t clock_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* can't fail for this clock */
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Both clocks at once: of some tries the one that was interrupted least. */
static struct moment read_both(void)
{
	struct moment best = {0};
	uint64_t shortest = UINT64_MAX;

	for (int i = 0; i < TRIES; i++) {
		uint64_t before = __rdtsc();
		uint64_t ns = clock_ns();
		uint64_t after = __rdtsc();

		if (after > before && after - before < shortest) {
			shortest = after - before;
			best = (struct moment){before + shortest / 2, ns};
		}
	}
	return best;
}

static uint64_t rate_khz(struct moment from, struct moment to)
{
	if (to.ns <= from.ns || to.ticks <= from.ticks)
		return 0;
	/* Spans are milliseconds, or seconds on a machine that is very busy: no overflow. */
	return (to.ticks - from.ticks) * 1000000 / (to.ns - from.ns);
}

unsigned tsc_rate_khz(void)
{
	const struct timespec span = {.tv_nsec = SPAN_NS};
	struct moment moments[3];
	uint64_t first;
	uint64_t second;

	for (int i = 0; i < 3; i++) {
		if (i > 0)
			(void)nanosleep(&span, NULL);
		moments[i] = read_both();
	}
	first = rate_khz(moments[0], moments[1]);
	second = rate_khz(moments[1], moments[2]);
	/* A counter that does not run evenly is worse than what the guest measures. */
	if (first < LOWEST_KHZ || first > HIGHEST_KHZ || second < first - first / 500 ||
		second > first + first / 500)
		return 0;
	return (unsigned)rate_khz(moments[0], moments[2]);
}

#else

unsigned tsc_rate_khz(void)
{
	return 0;
}

#endif

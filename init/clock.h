/* Microseconds since the kernel started, and their one printed form. */
#ifndef PLYBOOT_CLOCK_H
#define PLYBOOT_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_us(void)
{
	struct timespec now = {0};
	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static inline void clock_sleep_ms(unsigned ms)
{
	struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
	while (nanosleep(&left, &left) != 0) {
	}
}

/* printf's form of microseconds as milliseconds: "%" CLOCK_MS, CLOCK_MS_OF(us) */
#define CLOCK_MS "llu.%03u"
#define CLOCK_MS_OF(us) (unsigned long long)((us) / 1000), (unsigned)((us) % 1000)

#endif

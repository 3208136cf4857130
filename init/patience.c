#include "patience.h"

#include "clock.h"
#include "console.h"
#include "watchdog.h"

static struct {
	const char *what;
	uint64_t start_us, said_us;
} waiting;

bool patience_is_over(uint64_t *said_us, uint64_t now_us)
{
	if (now_us - *said_us < PATIENCE_US)
		return false;
	*said_us = now_us;
	return true;
}

void patience_begin(const char *what)
{
	waiting.what = what;
	waiting.start_us = waiting.said_us = clock_us();
}

void patience_feed(void)
{
	uint64_t now = clock_us();
	watchdog_feed();
	if (waiting.what != NULL && patience_is_over(&waiting.said_us, now))
		console_say("%s: %llu s so far", waiting.what,
			(unsigned long long)((now - waiting.start_us) / 1000000));
}

#include "progress.h"

#include <stdio.h>
#include <string.h>

enum {
	AMOUNT_SIZE = 24,
	LEFT_SIZE = 20,
	FACTS_SIZE = 112,
	BAR_MOST = 24,
	BAR_LEAST = 4,
	SECONDS_MOST = 359999
};

static const uint64_t second_us = 1000000;

void progress_start(
	struct progress *self, enum progress_style style, uint64_t total_bytes, uint64_t now_us)
{
	*self = (struct progress){
		.style = total_bytes > 0 ? style : PROGRESS_OFF,
		.total_bytes = total_bytes,
		.start_us = now_us,
		.older = {now_us, 0},
		.newer = {now_us, 0},
	};
}

static unsigned percent_of(uint64_t done_bytes, uint64_t total_bytes)
{
	/* So that the product fits; a percent is far more than what is lost. */
	while (total_bytes > UINT64_MAX / 100) {
		total_bytes /= 2;
		done_bytes /= 2;
	}
	return (unsigned)(done_bytes * 100 / total_bytes);
}

static bool is_due(const struct progress *self, unsigned percent, uint64_t now_us)
{
	uint64_t silent_us = now_us - self->said_us;
	if (self->style == PROGRESS_OFF)
		return false;
	if (!self->said)
		return now_us - self->start_us >= PROGRESS_SILENT_US;
	if (self->style == PROGRESS_BAR)
		return silent_us >= PROGRESS_BAR_US;
	if (percent >= self->said_percent + PROGRESS_LINE_PERCENT)
		return silent_us >= PROGRESS_LINE_US;
	return silent_us >= PROGRESS_FROZEN_US;
}

/* --- the rate */

static void take_mark(struct progress *self, uint64_t done_bytes, uint64_t now_us)
{
	if (now_us - self->newer.us < PROGRESS_RATE_US)
		return;
	self->older = self->newer;
	self->newer = (struct progress_mark){now_us, done_bytes};
}

/* Bytes a second since the older mark. */
static uint64_t rate_of(const struct progress *self, uint64_t done_bytes, uint64_t now_us)
{
	uint64_t bytes = done_bytes - self->older.bytes, us = now_us - self->older.us;
	if (us == 0)
		return 0;
	if (bytes > UINT64_MAX / second_us)
		return bytes / (us / second_us + 1);
	return bytes * second_us / us;
}

/* --- words */

/* In millions, one digit behind the point; from a thousand of those on in the next unit. */
static const char *unit_of(uint64_t bytes, uint64_t *unit_bytes)
{
	static const char *const names[] = {"MB", "GB", "TB"};
	unsigned i = 0;
	for (*unit_bytes = 1000000; i < 2 && bytes / 1000 >= *unit_bytes; i++)
		*unit_bytes *= 1000;
	return names[i];
}

static void format_amount(char out[AMOUNT_SIZE], uint64_t bytes, uint64_t unit_bytes)
{
	uint64_t tenths = bytes / (unit_bytes / 10);
	(void)snprintf(out, AMOUNT_SIZE, "%llu.%u", (unsigned long long)(tenths / 10),
		(unsigned)(tenths % 10));
}

static void format_left(char out[LEFT_SIZE], uint64_t left_bytes, uint64_t rate)
{
	if (rate == 0) {
		(void)snprintf(out, LEFT_SIZE, "waiting");
		return;
	}
	uint64_t seconds = left_bytes / rate + (left_bytes % rate != 0);
	unsigned s = (unsigned)(seconds < SECONDS_MOST ? seconds : SECONDS_MOST);
	if (s < 60)
		(void)snprintf(out, LEFT_SIZE, "%u s left", s);
	else if (s < 3600)
		(void)snprintf(out, LEFT_SIZE, "%u min %u s left", s / 60, s % 60);
	else
		(void)snprintf(out, LEFT_SIZE, "%u h %u min left", s / 3600, s / 60 % 60);
}

/* "18.2 of 60.7 MB, 9.8 MB/s, 5 s left" */
static void format_facts(
	const struct progress *self, uint64_t done_bytes, uint64_t rate, char out[FACTS_SIZE])
{
	char done[AMOUNT_SIZE], total[AMOUNT_SIZE], speed[AMOUNT_SIZE], left[LEFT_SIZE];
	uint64_t unit_bytes, rate_bytes;
	const char *unit = unit_of(self->total_bytes, &unit_bytes);
	const char *rate_unit = unit_of(rate, &rate_bytes);
	format_amount(done, done_bytes, unit_bytes);
	format_amount(total, self->total_bytes, unit_bytes);
	format_amount(speed, rate, rate_bytes);
	format_left(left, self->total_bytes - done_bytes, rate);
	(void)snprintf(out, FACTS_SIZE, "%s of %s %s, %s %s/s, %s", done, total, unit, speed,
		rate_unit, left);
}

/* As long as what stands behind it leaves room for. */
static bool format_bar(unsigned percent, const char *facts, char out[PROGRESS_SIZE])
{
	char bar[BAR_MOST + 1];
	size_t behind = strlen("[] 100 %, ") + strlen(facts);
	size_t room = behind < PROGRESS_SIZE - 1 ? PROGRESS_SIZE - 1 - behind : 0;
	size_t length = room < BAR_MOST ? room : BAR_MOST;
	if (length < BAR_LEAST)
		length = 0;
	memset(bar, '.', length);
	memset(bar, '#', length * percent / 100);
	bar[length] = '\0';
	return snprintf(out, PROGRESS_SIZE, "[%s] %u %%, %s", bar, percent, facts) > 0;
}

bool progress_due(
	struct progress *self, uint64_t done_bytes, uint64_t now_us, char out[PROGRESS_SIZE])
{
	char facts[FACTS_SIZE];
	if (self->style == PROGRESS_OFF)
		return false;
	if (done_bytes > self->total_bytes)
		done_bytes = self->total_bytes;
	take_mark(self, done_bytes, now_us);
	unsigned percent = percent_of(done_bytes, self->total_bytes);
	if (!is_due(self, percent, now_us))
		return false;
	self->said = true;
	self->said_us = now_us;
	self->said_percent = percent;
	format_facts(self, done_bytes, rate_of(self, done_bytes, now_us), facts);
	if (self->style == PROGRESS_BAR)
		return format_bar(percent, facts, out);
	return snprintf(out, PROGRESS_SIZE, "unpacking: %u %%, %s", percent, facts) > 0;
}

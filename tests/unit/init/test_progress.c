/* How far unpacking is: when something is said, in which words, and in how many columns. */
#include "init/progress.h"
#include "tap.h"

#include <string.h>

static const uint64_t s = 1000000, mb = 1000000;
static struct progress progress;
static char text[PROGRESS_SIZE];

/* What is said then; "" for nothing. */
static const char *at(uint64_t done_bytes, uint64_t now_us)
{
	return progress_due(&progress, done_bytes, now_us, text) ? text : "";
}

static void test_silence(void)
{
	progress_start(&progress, PROGRESS_LINES, 60 * mb, 100 * s);
	is_str(at(mb, 100 * s), "", "nothing at once");
	is_str(at(4 * mb, 100 * s + 499999), "", "nor within half a second");
	is_str(at(5 * mb, 100 * s + s / 2), "unpacking: 8 %, 5.0 of 60.0 MB, 10.0 MB/s, 6 s left",
		"then it is said");
	progress_start(&progress, PROGRESS_OFF, 60 * mb, 0);
	is_str(at(mb, 3600 * s), "", "off: never");
	progress_start(&progress, PROGRESS_LINES, 0, 0);
	is_str(at(0, 3600 * s), "", "nothing is to be read: never");
	progress_start(&progress, PROGRESS_BAR, 0, 0);
	is_str(at(1, 3600 * s), "", "nor as a bar");
}

static void test_lines(void)
{
	progress_start(&progress, PROGRESS_LINES, 100 * mb, 0);
	(void)at(5 * mb, s / 2);
	is_str(at(25 * mb, 2 * s + s / 2 - 1), "", "not twice within two seconds");
	is_str(at(25 * mb, 2 * s + s / 2), "unpacking: 25 %, 25.0 of 100.0 MB, 10.0 MB/s, 8 s left",
		"ten percent more: after two seconds");
	is_str(at(34 * mb, 7 * s), "", "less than that: not yet");
	is_str(at(34 * mb, 7 * s + s / 2), "unpacking: 34 %, 34.0 of 100.0 MB, 4.5 MB/s, 15 s left",
		"but after five");
	is_str(at(34 * mb, 12 * s + s / 2), "unpacking: 34 %, 34.0 of 100.0 MB, 0.0 MB/s, waiting",
		"also when nothing comes");
	is_str(at(34 * mb, 17 * s + s / 2), "unpacking: 34 %, 34.0 of 100.0 MB, 0.0 MB/s, waiting",
		"again and again");
}

/* A device that is called every 10 ms for a minute, at whatever rate. */
static void test_how_often(void)
{
	uint64_t last = 0, gap = 0, least = UINT64_MAX;
	unsigned lines = 0;
	progress_start(&progress, PROGRESS_LINES, 600 * mb, 0);
	for (uint64_t now = 0; now <= 60 * s; now += s / 100) {
		if (at(now * 10, now)[0] == '\0')
			continue;
		if (lines++ > 0) {
			gap = now - last > gap ? now - last : gap;
			least = now - last < least ? now - last : least;
		}
		last = now;
	}
	ok(lines >= 10 && lines <= 14, "a minute: %u lines", lines);
	ok(least >= PROGRESS_LINE_US && gap <= PROGRESS_FROZEN_US, "never too many or too few");
	progress_start(&progress, PROGRESS_BAR, 600 * mb, 0);
	lines = 0;
	for (uint64_t now = 0; now < 10 * s; now += s / 100)
		lines += at(now * 10, now)[0] != '\0';
	is_int(lines, 95, "a bar: ten times a second, after half of one");
}

static void test_bar(void)
{
	progress_start(&progress, PROGRESS_BAR, 60 * mb, 0);
	is_str(at(0, s / 2), "[........................] 0 %, 0.0 of 60.0 MB, 0.0 MB/s, waiting",
		"an empty bar");
	is_str(at(30 * mb, 3 * s),
		"[############............] 50 %, 30.0 of 60.0 MB, 10.0 MB/s, 3 s left", "half");
	is_str(at(60 * mb, 6 * s),
		"[########################] 100 %, 60.0 of 60.0 MB, 10.0 MB/s, 0 s left", "full");
}

static void test_rate(void)
{
	progress_start(&progress, PROGRESS_BAR, 1000 * mb, 0);
	for (unsigned i = 1; i <= 30; i++)
		(void)at(i * 10 * mb, i * s);
	ok(strstr(at(311 * mb, 31 * s), " 10.0 GB, ") == NULL &&
			strstr(text, "0.3 of 1.0 GB, ") != NULL,
		"in the unit of the total: %s", text);
	for (unsigned i = 1; i <= 6; i++)
		(void)at((311 + i) * mb, (31 + i) * s);
	ok(strstr(at(318 * mb, 38 * s), " 1.0 MB/s, 11 min 22 s left") != NULL,
		"six seconds later the old rate is forgotten: %s", text);
	progress_start(&progress, PROGRESS_LINES, 100000 * mb, 0);
	is_str(at(5 * mb, s), "unpacking: 0 %, 0.0 of 100.0 GB, 5.0 MB/s, 5 h 33 min left",
		"hours");
}

/* The child that unpacks says how far it is; the signed numbers may be anything below 2^63. */
static void test_extremes(void)
{
	static const uint64_t totals[] = {
		1, 99, 999 * 1000000u, UINT64_MAX / 100, UINT64_MAX / 100 + 1, UINT64_MAX};
	size_t most = 0;
	for (size_t i = 0; i < sizeof totals / sizeof totals[0]; i++) {
		for (unsigned part = 0; part <= 4; part++) {
			for (unsigned style = PROGRESS_BAR; style <= PROGRESS_LINES; style++) {
				progress_start(&progress, (enum progress_style)style, totals[i], 0);
				(void)at(totals[i] / 4 * part, s / 2 + part);
				(void)at(UINT64_MAX, 90 * s);
				size_t length = strlen(text);
				most = length > most ? length : most;
				ok(strstr(text, "100 %") != NULL && strspn(text, "[#.]") <= 26,
					"%s", text);
			}
		}
	}
	ok(most + strlen("plyboot: ") <= 79, "never more than 79 columns");
	progress_start(&progress, PROGRESS_BAR, UINT64_MAX, 0);
	(void)at(1, UINT64_MAX);
	ok(strstr(text, "0 %, 0.0 of 18446744.0 TB, ") != NULL, "a clock at its end: %s", text);
}

int main(void)
{
	test_silence();
	test_lines();
	test_how_often();
	test_bar();
	test_rate();
	test_extremes();
	return done();
}

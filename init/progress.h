/* How far unpacking is: when it is to be said, and in which words. Pure: the clock and the console
 * are the caller's. */
#ifndef PLYBOOT_PROGRESS_H
#define PLYBOOT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

enum progress_style {
	PROGRESS_OFF,
	PROGRESS_BAR,  /* one line that is drawn again and again */
	PROGRESS_LINES /* for what only takes whole lines */
};

enum {
	PROGRESS_SIZE = 71,           /* with its NUL: a line of 79 columns behind "plyboot: " */
	PROGRESS_SILENT_US = 500000,  /* what takes no longer needs no word */
	PROGRESS_BAR_US = 100000,     /* no bar is drawn sooner after the one before */
	PROGRESS_LINE_US = 2000000,   /* nor a line said */
	PROGRESS_FROZEN_US = 5000000, /* but after so long one is, whatever there is to say */
	PROGRESS_LINE_PERCENT = 10,   /* before, when there is so much more */
	PROGRESS_RATE_US = 3000000    /* the rate is that of the last one or two of these */
};

struct progress {
	enum progress_style style;
	uint64_t total_bytes, start_us;
	bool said; /* anything so far, and then: */
	uint64_t said_us;
	unsigned said_percent;
	struct progress_mark {
		uint64_t us, bytes;
	} older, newer; /* what the rate is taken from */
};

void progress_start(
	struct progress *self, enum progress_style style, uint64_t total_bytes, uint64_t now_us);

/* `done_bytes` of the total are done; over it counts as it. True: `out` is to be shown now, as
 * printable ASCII without a newline. Microseconds are those of a clock that never goes back. */
bool progress_due(
	struct progress *self, uint64_t done_bytes, uint64_t now_us, char out[PROGRESS_SIZE]);

#endif

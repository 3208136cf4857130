/* The archive of the running system's uppers, on the state partition (init/state_private.h). */
#ifndef PLYBOOT_UPPERS_H
#define PLYBOOT_UPPERS_H

#include <time.h>

#include "../layers/aside_mark.h"
#include "../layers/owners.h"
#include "booted.h"

struct archived_upper {
	unsigned long number;
	bool owned; /* `owner` is known */
	struct owner owner;
	bool aside; /* it may come back by itself; `mark` says why it was taken away */
	struct aside_mark mark;
	bool asked; /* it is to be the upper from the next boot on */
};

struct uppers {
	int home_fd, archive_fd; /* -1: there is none yet */
	size_t count;
	struct archived_upper *list; /* owned; by number */
};

#define UPPERS_INIT                                                                                \
	{                                                                                          \
		.home_fd = -1, .archive_fd = -1                                                    \
	}

/* Those of the running stack's name. `run` as with booted_read(). Nobody else changes them as long
 * as this is open. ERROR_MISSING: no state partition is there, or no stack runs. ERROR_IO,
 * ERROR_NOSPACE, ERROR_FORMAT, ERROR_LIMIT. */
int uppers_open(const struct booted *booted, const char *run, struct uppers *out, struct error *e);
void uppers_close(struct uppers *uppers);
#define SCOPED_UPPERS __attribute__((cleanup(uppers_close))) struct uppers

/* NULL: there is none of that number. */
struct archived_upper *uppers_find(const struct uppers *uppers, unsigned long number);

struct upper_amount {
	uint64_t files; /* names, of whatever kind, below it */
	uint64_t bytes; /* that its files and directories take on the disk */
	time_t archived;
};

/* What names too long for a path hold is not counted. */
int uppers_measure(const struct uppers *uppers, const struct archived_upper *upper,
	struct upper_amount *out, struct error *e);

/* Ask for it, or take that back; when it returns, that is on the disk. ERROR_IO, ERROR_NOSPACE. */
int uppers_ask(
	const struct uppers *uppers, struct archived_upper *upper, bool wanted, struct error *e);

/* For good. Out of the archive at once; what is left after a signal or a power cut goes at the next
 * boot. */
int uppers_remove(const struct uppers *uppers, const struct archived_upper *upper, struct error *e);

/* Is it neither set aside nor asked for? */
bool uppers_is_free(const struct archived_upper *upper);

/* All that are, and says of each on standard output what becomes of it; `dry_run`: would become. */
int uppers_remove_all(const struct uppers *uppers, bool dry_run, struct error *e);

#endif

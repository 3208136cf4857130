/*
 * Who began a persistent path. Where a stack on trial does, `<escaped>%by` beside the path holds
 * the SHA-256 of that stack's signed text, in hex and without a newline, for as long as nobody
 * knows how the trial ends. Once the record has the stack as confirmed, the note goes: the path is
 * the device's own. When another stack boots before that, the path is moved to `<escaped>%x<n>`,
 * never removed, and begun anew.
 *
 * No escaped path has a % before anything but a 2, so that none has one of these names; and with
 * them none is longer than a name may be. A note without a path means nothing.
 */
#ifndef PLYBOOT_BEGUN_H
#define PLYBOOT_BEGUN_H

#include "candidate.h"
#include "record.h"
#include "report.h"

struct begun {
	int paths_fd;
	const char *path, *name;           /* in the root; as persist_name() has it */
	const struct candidate *candidate; /* that boots */
	const struct record *record;       /* NULL: none is kept, and nothing is ever on trial */
	bool trial_upper;                  /* what it writes elsewhere may be dropped */
};

/* Before the path is served. 1: it is there, for this stack. 0: there is none, or none any more,
 * which is said: it may get its name, for what is to be noted is on the disk. -1: ERROR_LIMIT when
 * 99 are put away already; errors of error_errno(). A note that is none of ours is said. */
int begun_settle(const struct begun *begun, struct report *report, struct error *e);

/* It could not be begun: nor does a note stay, unless there is a path all the same. */
void begun_give_up(const struct begun *begun);

#endif

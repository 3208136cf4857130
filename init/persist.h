/* Persistent paths: directories of the root that lie on the state partition itself, without an
 * overlay: <state>/plyboot/<stack name>/paths/<persist_name()>. Whose they are: begun.h. */
#ifndef PLYBOOT_PERSIST_H
#define PLYBOOT_PERSIST_H

#include "candidate.h"
#include "record.h"
#include "report.h"

struct persist_request {
	const struct candidate *candidate;
	const struct record *record; /* NULL: none is kept, and nothing is ever on trial */
	const char *device;          /* of the state: as in init.conf, or "none" */
	uint64_t deadline_us;
	bool keep_nothing; /* as if there were no state, and no word about it */
	const char *init;  /* what must still be there to be run */
};

/* Mount the stack's persistent paths over the root in OVERLAY_PATH; what the state has none of yet
 * is copied from there first. One that can't be served stays as the root has it: said loudly, and
 * in the report. */
void persist_mount(const struct persist_request *request, struct report *report);

#endif

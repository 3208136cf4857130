/* What the running system writes to: a directory on the state partition, a tmpfs, or nothing. */
#ifndef PLYBOOT_UPPER_H
#define PLYBOOT_UPPER_H

#include "candidate.h"
#include "record.h"
#include "report.h"

enum { UPPER_PATH_SIZE = 192 };

struct upper_dirs {
	enum upper kind;
	bool trial;                                         /* what is written may be dropped */
	char upper[UPPER_PATH_SIZE], work[UPPER_PATH_SIZE]; /* absolute; "" for UPPER_NONE */
	char base[UPPER_PATH_SIZE]; /* only read, between the upper and the layers; "": none */
};

struct upper_request {
	const struct candidate *candidate;
	const struct record *record; /* NULL: none is kept, and nothing is ever on trial */
	bool counted;                /* this boot is, in the record */
	unsigned upper_tries; /* boots without a confirm until an upper is set aside; 0: never */
	const char *device;   /* of the state: as in init.conf, or "none" */
	uint64_t deadline_us;
	bool keep_nothing; /* a volatile one even where the stack asks for a persistent one */
	int model_fd;      /* a directory with the metadata that the root is to have */
};

/* A persistent upper that can't be had becomes a volatile one: said, and noted in the report with
 * the reason. ERROR_UPPER: the stack refuses the one that is there. Errors of the volatile one. */
int upper_prepare(const struct upper_request *request, struct report *report,
	struct upper_dirs *out, struct error *e);

/* The same for an upper that turned out to be unusable. */
int upper_fall_back(const struct upper_request *request, const char *why, struct report *report,
	struct upper_dirs *out, struct error *e);

/* The trial upper of this stack can't be used, and so `plyboot confirm` must not keep it: it goes.
 */
void upper_drop_trial(const struct upper_request *request, struct report *report);

/* upper and work on the state partition. ERROR_UPPER: the stack refuses what is there; each other
 * error means that this state can't be used. */
int state_prepare(const struct upper_request *request, struct report *report,
	struct upper_dirs *out, struct error *e);

#endif

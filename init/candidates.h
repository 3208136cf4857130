/* What could boot here, with what is said of the rest. */
#ifndef PLYBOOT_CANDIDATES_H
#define PLYBOOT_CANDIDATES_H

#include "candidate.h"

struct report;

/* Look at every stack file. Each one that is refused is noted in the report with its reason.
 * ERROR_CONFIG when there are stacks of several names and none was chosen; the first refusal's code
 * when nothing is left, ERROR_MISSING when there was nothing; errors of the source. */
int candidates_find(struct source *source, const struct candidate_policy *policy,
	struct report *report, struct candidates *out, struct error *e);

#endif

/* The stacks that could boot here: verified, for this machine, not below the floor. */
#ifndef PLYBOOT_CANDIDATES_H
#define PLYBOOT_CANDIDATES_H

#include "signed.h"
#include "source.h"
#include "stack.h"

struct candidate {
	char file_name[STACK_FILE_NAME_SIZE];
	struct digest text; /* of the signed bytes */
	struct stack stack;
	struct signed_by who;
	bool tried;
};

struct candidates {
	size_t count;
	struct candidate list[LIMIT_STACK_FILES]; /* sorted by file name */
};

struct record;
struct report;

struct candidates_policy {
	struct signature_policy signatures;
	const char *name; /* NULL: any, but all of one name */
	uint64_t floor;   /* of the initramfs */
	const struct record *record;
	const char *machine, *kernel_release; /* of uname(2) */
};

/* What a stack says of itself, held against this machine and its policy: nothing else decides what
 * is a candidate, once its signature has been verified. ERROR_FORMAT: it lies in a file of another
 * name; ERROR_ROLLBACK: below the floor of the initramfs, or of the record; ERROR_TARGET: for
 * another machine, kernel or /init. */
int candidates_check(const struct candidates_policy *policy, const struct stack *stack,
	const char *file_name, struct error *e);

/* Look at every stack file. Each one that is refused is noted in the report with its reason.
 * ERROR_CONFIG when there are stacks of several names and none was chosen; the first refusal's code
 * when nothing is left, ERROR_MISSING when there was nothing; errors of the source. */
int candidates_find(struct source *source, const struct candidates_policy *policy,
	struct report *report, struct candidates *out, struct error *e);

#endif

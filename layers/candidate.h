/* The stacks that could boot on a device: verified, for this machine, not below the floor. One
 * judgement, for /init and for the commands that say what /init will do. */
#ifndef PLYBOOT_CANDIDATE_H
#define PLYBOOT_CANDIDATE_H

#include "floor.h"
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

struct candidate_policy {
	struct signature_policy signatures;
	const char *name; /* NULL: any, but all of one name */
	struct floors floors;
	const char *machine, *kernel_release; /* of uname(2) */
};

/* The names of stack files, sorted. Those of other names than the policy's are passed over. */
struct candidate_names {
	size_t count, left_out; /* left out: over LIMIT_STACK_FILES, or too long a name */
	char list[LIMIT_STACK_FILES][STACK_FILE_NAME_SIZE];
};

/* Errors of the source. */
int candidate_list(struct source *source, const struct candidate_policy *policy,
	struct candidate_names *out, struct error *e);

/* What a stack says of itself, held against this machine and its policy: nothing else decides what
 * is a candidate, once its signature has been verified. ERROR_FORMAT: it lies in a file of another
 * name; ERROR_ROLLBACK: below a floor; ERROR_TARGET: for another machine, kernel or /init; errors
 * of a floor's source. */
int candidate_check(const struct candidate_policy *policy, const struct stack *stack,
	const char *file_name, struct error *e);

/* Verify, decode and check the bytes of a stack file. On success `out->stack` is the caller's to
 * free. Errors of signed_verify(), stack_decode() and candidate_check(). */
int candidate_judge(const struct candidate_policy *policy, const char *file_name,
	const uint8_t *bytes, size_t size_bytes, struct candidate *out, struct error *e);

/* The same of a file of the source. */
int candidate_read(struct source *source, const struct candidate_policy *policy,
	const char *file_name, struct candidate *out, struct error *e);

/* ERROR_CONFIG when there are stacks of several names: which one is meant nobody said. */
int candidates_check_names(const struct candidates *found, struct error *e);

void candidates_free(struct candidates *found);

#endif

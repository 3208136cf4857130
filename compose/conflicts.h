/* Where an upper hides what one stack changed against another, that the upper was written under. */
#ifndef PLYBOOT_CONFLICTS_H
#define PLYBOOT_CONFLICTS_H

#include "changes.h"
#include "stack_trees.h"

enum conflict_did { CONFLICT_ADDED, CONFLICT_CHANGED, CONFLICT_REPLACED, CONFLICT_REMOVED };

struct conflict {
	const char *path;
	enum conflict_did did; /* the new stack */
	char was, is;          /* as in struct layer_entry, of both stacks; '\0': nothing */
	/* What of the upper hides it: at this path or above it. */
	const struct change *by;
};

typedef int conflict_taker(void *context, const struct conflict *conflict, struct error *e);

/*
 * Each path where `new` has something else than `old`, and the running system shows, by these
 * changes to `new`, something else than `new` has there. A time alone is no difference. In the
 * order of a walk; ends with the first that `take` fails for.
 */
int conflicts_find(const struct stack_tree *old, const struct stack_tree *new,
	const struct changes *changes, conflict_taker *take, void *context, struct error *e);

#endif

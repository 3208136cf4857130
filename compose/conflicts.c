#include "conflicts.h"

#include <stdio.h>
#include <string.h>

#include "compare.h"
#include "interrupt.h"
#include "path_order.h"

/* --- what hides */

/* Does nothing of the layers show below it? */
static bool ends_tree(const struct change *change)
{
	return change->kind == CHANGE_REMOVED ||
	       (change->kind == CHANGE_TYPE && !S_ISDIR(change->is));
}

static const struct change *hiding_above(const struct changes *changes, const char *path)
{
	char above[LIMIT_PATH_BYTES + 1];
	for (size_t i = 0; path[i] != '\0'; above[i] = path[i], i++) {
		if (path[i] != '/')
			continue;
		above[i] = '\0';
		const struct change *change = changes_at(changes, above);
		if (change != NULL && ends_tree(change))
			return change;
	}
	return NULL;
}

/* What keeps that which the new stack has at this path (or that it has nothing) from showing. */
static const struct change *hiding(const struct changes *changes, const char *path, bool there)
{
	const struct change *change = changes_at(changes, path);
	if (change == NULL)
		return there ? hiding_above(changes, path) : NULL;
	bool differs = change->kind == CHANGE_MODIFIED
			       ? (change->differs & ~(unsigned)COMPARE_TIME) != 0
			       : change->kind != CHANGE_NONE;
	return differs ? change : NULL;
}

/* --- what the stack did */

static bool describe(const char *path, const struct stack_tree *old, const struct merged_node *was,
	const struct stack_tree *new, const struct merged_node *is, struct conflict *out)
{
	out->path = path;
	out->was = was != NULL ? was->entry->type : '\0';
	out->is = is != NULL ? is->entry->type : '\0';
	if (was == NULL)
		out->did = CONFLICT_ADDED;
	else if (is == NULL)
		out->did = CONFLICT_REMOVED;
	else if (out->was != out->is)
		out->did = CONFLICT_REPLACED;
	else
		out->did = CONFLICT_CHANGED;
	return out->did != CONFLICT_CHANGED || !stack_tree_same(old, was, new, is);
}

int conflicts_find(const struct stack_tree *old, const struct stack_tree *new,
	const struct changes *changes, conflict_taker *take, void *context, struct error *e)
{
	const struct merged *from = &old->merged, *to = &new->merged;
	size_t o = 0, n = 0;
	while (o < from->count || n < to->count) {
		const struct merged_node *was = &from->nodes[o], *is = &to->nodes[n];
		struct conflict conflict;
		int order = o == from->count ? 1
			    : n == to->count ? -1
					     : path_compare(was->entry->path, is->entry->path);
		o += order <= 0;
		n += order >= 0;
		if (interrupt_check(e) != 0)
			return -1;
		if (!describe(order <= 0 ? was->entry->path : is->entry->path, old,
			    order <= 0 ? was : NULL, new, order >= 0 ? is : NULL, &conflict))
			continue;
		conflict.by = hiding(changes, conflict.path, order >= 0);
		if (conflict.by != NULL && take(context, &conflict, e) != 0)
			return -1;
	}
	return 0;
}

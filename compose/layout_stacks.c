#include <stdlib.h>
#include <string.h>

#include "layout.h"

static int add_name(void *context, const char *name, struct error *e)
{
	struct layout_stacks *stacks = context;
	char **names = realloc(stacks->names, (stacks->count + 1) * sizeof *names);
	if (names == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	stacks->names = names;
	names[stacks->count] = strdup(name);
	if (names[stacks->count] == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	stacks->count++;
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int layout_list_stacks(struct layout *layout, struct layout_stacks *out, struct error *e)
{
	*out = (struct layout_stacks){0};
	int result = layout->source->ops->list_stacks(layout->source, add_name, out, e);
	if (result == 0 && out->count == 0)
		result = error_set(
			e, ERROR_MISSING, 0, "the store `%s` has no stacks", layout->path);
	if (result != 0) {
		layout_stacks_free(out);
		return -1;
	}
	qsort(out->names, out->count, sizeof *out->names, compare_names);
	return 0;
}

void layout_stacks_free(struct layout_stacks *stacks)
{
	for (size_t i = 0; i < stacks->count; i++)
		free(stacks->names[i]);
	free(stacks->names);
	*stacks = (struct layout_stacks){0};
}

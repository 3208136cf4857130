/* From a path to a node, as the kernel would walk it with this tree for its root. */
#include <stdlib.h>
#include <string.h>

#include "../layers/scope.h"
#include "merged.h"
#include "path_order.h"

enum { SYMLINKS_MOST = 40, TEXT_MOST_BYTES = 2 * (LIMIT_PATH_BYTES + 1) };

const struct merged_node *merged_find(const struct merged *merged, const char *path)
{
	size_t low = 0, high = merged->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = path_compare(path, merged->nodes[middle].entry->path);
		if (order == 0)
			return &merged->nodes[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

uint32_t merged_names(const struct merged *merged, const struct merged_node *node)
{
	if (node->entry->type == '5' || node->entry->type == LAYER_INDEX_WHITEOUT)
		return 1;
	return merged->fates[node->layer][node->entry->leader].visible;
}

struct walking {
	const struct merged *merged;
	const char *given;
	const struct merged_node *at;
	char rest[TEXT_MOST_BYTES + 1]; /* of the path, to be walked */
	unsigned followed;
};

static int missing(const struct walking *walking, const char *why, struct error *e)
{
	return error_set(e, ERROR_MISSING, 0, "`%s` %s", walking->given, why);
}

/* The child `name` of where we are, from `length` bytes. */
static int step(struct walking *walking, const char *name, size_t length, struct error *e)
{
	char path[2 * LIMIT_PATH_BYTES + 2];
	const char *parent = walking->at->entry->path;
	size_t used = strlen(parent);
	if (length > LIMIT_COMPONENT_BYTES)
		return missing(walking, "is not there: a name has at most 255 bytes", e);
	memcpy(path, parent, used);
	if (used > 0)
		path[used++] = '/';
	memcpy(path + used, name, length);
	path[used + length] = '\0';
	const struct merged_node *found = merged_find(walking->merged, path);
	if (found == NULL)
		return missing(walking, "is not there", e);
	if (found->entry->type == LAYER_INDEX_WHITEOUT && walking->rest[0] != '\0')
		return missing(walking, "is not there: the layer removes what it lies in", e);
	walking->at = found;
	return 0;
}

/* Put the symlink's target in front of what is left, which is nothing or begins with a slash; it
 * begins in the symlink's directory. */
static int follow(struct walking *walking, struct error *e)
{
	const char *target = walking->at->entry->link;
	size_t length = strlen(target), rest = strlen(walking->rest);
	if (++walking->followed > SYMLINKS_MOST)
		return error_set(e, ERROR_PATH, 0, "`%s` leads through more than %d symlinks",
			walking->given, SYMLINKS_MOST);
	if (length + rest > TEXT_MOST_BYTES)
		return error_set(
			e, ERROR_PATH, 0, "`%s` becomes too long by symlinks", walking->given);
	memmove(walking->rest + length, walking->rest, rest + 1);
	memcpy(walking->rest, target, length);
	walking->at = target[0] == '/' ? &walking->merged->nodes[0]
				       : &walking->merged->nodes[walking->at->parent];
	return 0;
}

/* The next name of `rest`, taken out of it together with the slash behind it. */
static size_t take_name(struct walking *walking, char name[LIMIT_PATH_BYTES + 2])
{
	size_t skip = strspn(walking->rest, "/"), length = strcspn(walking->rest + skip, "/");
	size_t kept = length <= LIMIT_PATH_BYTES ? length : LIMIT_PATH_BYTES + 1;
	memcpy(name, walking->rest + skip, kept);
	memmove(walking->rest, walking->rest + skip + length,
		strlen(walking->rest + skip + length) + 1);
	return kept;
}

static int go(struct walking *walking, bool follow_last, struct error *e)
{
	char name[LIMIT_PATH_BYTES + 2];
	for (;;) {
		if (walking->at->entry->type == '2' && (follow_last || walking->rest[0] != '\0') &&
			follow(walking, e) != 0)
			return -1;
		bool is_directory = walking->at->entry->type == '5';
		if (walking->rest[0] != '\0' && !is_directory)
			return error_set(e, ERROR_TYPE, 0,
				"`%s` leads through something that is no directory",
				walking->given);
		size_t length = take_name(walking, name);
		if (length == 0)
			return 0;
		if (length == 1 && name[0] == '.')
			continue;
		if (length == 2 && name[0] == '.' && name[1] == '.')
			walking->at = &walking->merged->nodes[walking->at->parent];
		else if (step(walking, name, length, e) != 0)
			return -1;
	}
}

int merged_resolve(const struct merged *merged, const char *path, bool follow_last,
	const struct merged_node **out, struct error *e)
{
	size_t length = strlen(path);
	if (length > LIMIT_PATH_BYTES)
		return error_set(
			e, ERROR_PATH, 0, "a path of more than %u bytes", LIMIT_PATH_BYTES);
	SCOPED_FREE struct walking *walking = calloc(1, sizeof *walking);
	if (walking == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	*walking = (struct walking){.merged = merged, .given = path, .at = &merged->nodes[0]};
	memcpy(walking->rest, path, length + 1);
	if (go(walking, follow_last, e) != 0)
		return -1;
	*out = walking->at;
	return 0;
}

/* From the root down, so that each directory of each layer is read at most once, whatever the
 * number of layers and of paths. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "scope.h"
#include "store_private.h"
#include "synthetic_private.h"

/* A slash before every other byte: otherwise "a-b" would come between "a" and "a/b". */
static int rank(char c)
{
	return c == '\0' ? 0 : c == '/' ? 1 : (unsigned char)c + 1;
}

static int compare_paths(const void *a, const void *b)
{
	const char *x = *(const char *const *)a, *y = *(const char *const *)b;
	for (; *x == *y && *x != '\0'; x++)
		y++;
	return rank(*x) - rank(*y);
}

static int collect(const struct stack_view *view, struct path_set *set, struct error *e)
{
	size_t total = 1;
	for (size_t i = 0; i < view->count; i++)
		total += view->lowers[i].count;
	set->paths = calloc(total, sizeof *set->paths);
	if (set->paths == NULL)
		return error_errno(e, ENOMEM, "collect implied directories");
	set->paths[set->count++] = ""; /* the root's metadata is always wanted */
	for (size_t i = 0; i < view->count; i++)
		for (size_t j = 0; j < view->lowers[i].count; j++)
			set->paths[set->count++] = view->lowers[i].items[j].path;
	qsort(set->paths, set->count, sizeof *set->paths, compare_paths);
	size_t unique = 1;
	for (size_t i = 1; i < set->count; i++)
		if (strcmp(set->paths[i], set->paths[unique - 1]) != 0)
			set->paths[unique++] = set->paths[i];
	set->count = unique;
	return 0;
}

void node_list_free(struct node_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].layers);
	free(list->items);
	free(list->set.paths);
}

static int add_node(struct node_list *list, const struct node *node, struct error *e)
{
	if (list->count == list->capacity) {
		size_t wanted = list->capacity * 2 + 16;
		struct node *grown = reallocarray(list->items, wanted, sizeof *grown);
		if (grown == NULL)
			return error_errno(e, ENOMEM, "look at a stack's directories");
		list->items = grown;
		list->capacity = wanted;
	}
	list->items[list->count++] = *node;
	return 0;
}

void node_path(
	const struct node_list *list, const struct node *node, char out[LIMIT_PATH_BYTES + 1])
{
	memcpy(out, list->set.paths[node->first], node->length);
	out[node->length] = '\0';
}

/* The last part of its path: not terminated, `*length` bytes. */
static const char *node_name(const struct node_list *list, const struct node *node, size_t *length)
{
	size_t above = list->items[node->parent].length;
	size_t start = above == 0 ? 0 : above + 1;
	*length = node->length - start;
	return list->set.paths[node->first] + start;
}

static int add_children(struct node_list *list, size_t parent, struct error *e)
{
	const struct node node = list->items[parent]; /* the list moves as it grows */
	const char *const *paths = list->set.paths;
	size_t start = node.length == 0 ? 0 : node.length + 1;
	size_t at = node.first + (paths[node.first][node.length] == '\0' ? 1 : 0);
	list->items[parent].children = list->count;
	while (at < node.end) {
		struct node child = {.first = at, .parent = parent, .described_by = NO_LAYER};
		child.length = start + strcspn(paths[at] + start, "/");
		do
			at++;
		while (at < node.end && strncmp(paths[at], paths[child.first], child.length) == 0 &&
			paths[at][child.length] == '/');
		child.end = at;
		if (add_node(list, &child, e) != 0)
			return -1;
	}
	list->items[parent].child_count = list->count - list->items[parent].children;
	return 0;
}

static struct node *find_child(
	const struct node_list *list, const struct node *parent, const char *name)
{
	size_t low = parent->children, high = low + parent->child_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2, length;
		const char *other = node_name(list, &list->items[middle], &length);
		int order = strncmp(name, other, length);
		if (order == 0 && name[length] == '\0')
			return &list->items[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* A layer below those that were looked at before has the name: a directory adds to what shows
 * there; anything else, a whiteout above all, hides what is below. */
static int see(struct node *child, int layer, int dir_fd, const char *name, struct error *e)
{
	struct stat st;
	if (child->covered)
		return 0;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return error_errno(e, errno, "look at `%.80s`", name);
	if (!S_ISDIR(st.st_mode)) {
		child->covered = true;
		return 0;
	}
	int *grown = reallocarray(child->layers, child->layer_count + 1, sizeof *grown);
	if (grown == NULL)
		return error_errno(e, ENOMEM, "look at `%.80s`", name);
	child->layers = grown;
	child->layers[child->layer_count++] = layer;
	return 0;
}

static int see_entries(
	const struct node_list *list, const struct node *node, int layer, DIR *dir, struct error *e)
{
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(dir);
		if (entry == NULL)
			return errno == 0 ? 0 : error_errno(e, errno, "read a directory");
		struct node *child = find_child(list, node, entry->d_name);
		if (child != NULL && see(child, layer, dirfd(dir), entry->d_name, e) != 0)
			return -1;
	}
}

/* What one layer has in a directory; `*opaque`: nothing of lower ones shows there. */
static int see_directory(const struct node_list *list, const struct node *node, int layer,
	bool *opaque, struct error *e)
{
	char path[LIMIT_PATH_BYTES + 1];
	node_path(list, node, path);
	SCOPED_FD fd =
		store_open_below(list->view->lowers[layer].root_fd, path, O_RDONLY | O_DIRECTORY);
	if (fd < 0 || store_is_opaque(fd, opaque) != 0)
		return error_errno(e, errno, "look at `%.80s`", path);
	DIR *dir = fdopendir(fd);
	if (dir == NULL)
		return error_errno(e, errno, "read `%.80s`", path);
	(void)scope_take_fd(&fd);
	int result = see_entries(list, node, layer, dir, e);
	(void)closedir(dir);
	return result == 0 ? 0 : error_wrap(e, "`%.80s`", path);
}

/* The topmost layer that has an entry for it describes it; overlayfs would show what one above it
 * implies. A fresh one has no more to do with what is below. */
static void describe(const struct node_list *list, struct node *node)
{
	char path[LIMIT_PATH_BYTES + 1];
	bool implied_above = false;
	node_path(list, node, path);
	for (size_t i = 0; i < node->layer_count; i++) {
		const struct implied *implied =
			synthetic_implied(&list->view->lowers[node->layers[i]], path);
		if (implied == NULL) {
			node->described_by = node->layers[i];
			node->wanted = implied_above;
			return;
		}
		implied_above = true;
		if (implied->fresh)
			return;
	}
}

/* overlayfs merges nothing with what the topmost layer has here, and would list the whiteouts in
 * it. (Of several that it merges it lists none, whichever has them.) */
static int merge_alone(const struct node_list *list, struct node *node, struct error *e)
{
	char path[LIMIT_PATH_BYTES + 1];
	node_path(list, node, path);
	if (node->layer_count == 0 || node->wanted)
		return 0;
	const struct lower *top = &list->view->lowers[node->layers[0]];
	bool alone = node->layer_count == 1;
	if (!synthetic_has_whiteouts(top, path))
		return 0;
	if (!alone) {
		SCOPED_FD fd = store_open_below(top->root_fd, path, O_RDONLY | O_DIRECTORY);
		if (fd < 0 || store_is_opaque(fd, &alone) != 0)
			return error_errno(e, errno, "look at `%.80s`", path);
	}
	node->wanted = alone;
	return 0;
}

static int expand(struct node_list *list, size_t index, struct error *e)
{
	describe(list, &list->items[index]);
	if (merge_alone(list, &list->items[index], e) != 0 || add_children(list, index, e) != 0)
		return -1;
	struct node *node = &list->items[index];
	bool opaque = node->child_count == 0;
	for (size_t i = 0; i < node->layer_count && !opaque; i++) {
		if (see_directory(list, node, node->layers[i], &opaque, e) != 0)
			return -1;
	}
	free(node->layers);
	node->layers = NULL;
	node->layer_count = 0;
	return 0;
}

static int start_list(struct node_list *list, struct error *e)
{
	struct node root = {.described_by = NO_LAYER};
	if (collect(list->view, &list->set, e) != 0)
		return -1;
	root.end = list->set.count;
	root.layers = calloc(list->view->count, sizeof *root.layers);
	if (root.layers == NULL)
		return error_errno(e, ENOMEM, "look at a stack's directories");
	for (size_t i = list->view->count; i-- > 0;)
		root.layers[root.layer_count++] = (int)i;
	if (add_node(list, &root, e) == 0)
		return 0;
	free(root.layers);
	return -1;
}

/* Wanted is only what overlayfs would show wrongly, or the name would do nothing and cost an
 * inode; and all that it lies in. */
int node_list_fill(struct node_list *list, struct error *e)
{
	if (start_list(list, e) != 0)
		return -1;
	for (size_t i = 0; i < list->count; i++)
		if (expand(list, i, e) != 0)
			return -1;
	list->items[0].wanted = true;
	for (size_t i = list->count; i-- > 0;)
		if (list->items[i].wanted)
			list->items[list->items[i].parent].wanted = true;
	return 0;
}

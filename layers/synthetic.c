#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "scope.h"
#include "store_private.h"
#include "synthetic_private.h"
#include "xattrs.h"

static int compare_implied(const void *a, const void *b)
{
	const struct implied *x = a, *y = b;
	int order = strcmp(x->path, y->path);
	return order != 0 ? order : (int)x->whiteouts - (int)y->whiteouts;
}

static const struct implied *find(const struct lower *lower, const char *path, bool whiteouts)
{
	const struct implied key = {.path = path, .whiteouts = whiteouts};
	if (lower->count == 0)
		return NULL;
	return bsearch(&key, lower->items, lower->count, sizeof key, compare_implied);
}

const struct implied *synthetic_implied(const struct lower *lower, const char *path)
{
	return find(lower, path, false);
}

bool synthetic_has_whiteouts(const struct lower *lower, const char *path)
{
	return find(lower, path, true) != NULL;
}

static int read_whole(int fd, char *text, size_t size)
{
	for (size_t used = 0; used < size;) {
		errno = EIO; /* for an end that comes too early */
		ssize_t got = read(fd, text + used, size - used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -1;
		used += (size_t)got;
	}
	return 0;
}

/* The list was written by store_add() into a directory of ours; it was sorted then. */
static int read_implied(int layer_fd, struct lower *lower, struct error *e)
{
	static const char what[] = "read the list of implied directories";
	SCOPED_FD fd = openat(layer_fd, "implied", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0)
		return error_errno(e, errno, "%s", what);
	size_t size = (size_t)st.st_size;
	lower->text = malloc(size + 1);
	if (lower->text == NULL)
		return error_errno(e, ENOMEM, "%s", what);
	if (read_whole(fd, lower->text, size) != 0)
		return error_errno(e, errno, "%s", what);
	lower->text[size] = '\0';

	size_t count = 0;
	for (size_t at = 0; at < size; at += strlen(lower->text + at) + 1)
		count++;
	lower->items = calloc(count + 1, sizeof *lower->items);
	if (lower->items == NULL)
		return error_errno(e, ENOMEM, "%s", what);
	for (size_t at = 0; at < size; at += strlen(lower->text + at) + 1)
		lower->items[lower->count++] = (struct implied){.path = lower->text + at + 1,
			.fresh = lower->text[at] == 'f',
			.whiteouts = lower->text[at] == 'w'};
	return 0;
}

static int open_lower(int store_fd, const struct digest *id, struct lower *lower, struct error *e)
{
	char name[DIGEST_HEX + 1];
	digest_format_hex(id, name);
	SCOPED_FD layer_fd = store_open_below(store_fd, name, O_RDONLY | O_DIRECTORY);
	if (layer_fd >= 0)
		lower->root_fd = store_open_below(layer_fd, "root", O_RDONLY | O_DIRECTORY);
	if (lower->root_fd < 0)
		return error_errno(e, errno, "open layer %.12s in the store", name);
	return read_implied(layer_fd, lower, e);
}

static void close_view(struct stack_view *view)
{
	for (size_t i = 0; i < view->count; i++) {
		scope_close(&view->lowers[i].root_fd);
		free(view->lowers[i].text);
		free(view->lowers[i].items);
	}
	free(view->lowers);
}

static int open_view(int store_fd, const struct digest *ids, size_t count, struct stack_view *view,
	struct error *e)
{
	view->lowers = calloc(count, sizeof *view->lowers);
	if (view->lowers == NULL)
		return error_errno(e, ENOMEM, "look at a stack's layers");
	view->count = count;
	for (size_t i = 0; i < count; i++)
		view->lowers[i].root_fd = -1;
	for (size_t i = 0; i < count; i++)
		if (open_lower(store_fd, &ids[i], &view->lowers[i], e) != 0)
			return -1;
	return 0;
}

int store_copy_metadata(int from_fd, int to_fd, struct error *e)
{
	struct stat st;
	char names[XATTR_NAMES_BYTES];
	ssize_t size = flistxattr(from_fd, names, sizeof names);
	if (fstat(from_fd, &st) != 0 || (size < 0 && errno != EOPNOTSUPP))
		return error_errno(e, errno, "read metadata");
	if (fchown(to_fd, st.st_uid, st.st_gid) != 0)
		return error_errno(e, errno, "copy an owner");
	SCOPED_FREE char *value = malloc(LIMIT_XATTR_VALUE_BYTES);
	if (value == NULL)
		return error_errno(e, ENOMEM, "copy xattrs");
	for (ssize_t at = 0; at < size; at += (ssize_t)strlen(names + at) + 1) {
		const char *name = names + at;
		if (strncmp(name, "trusted.", 8) == 0)
			continue;
		ssize_t length = fgetxattr(from_fd, name, value, LIMIT_XATTR_VALUE_BYTES);
		if (length < 0 || fsetxattr(to_fd, name, value, (size_t)length, 0) != 0)
			return error_errno(e, errno, "copy xattr `%.80s`", name);
	}
	const struct timespec times[2] = {st.st_atim, st.st_mtim};
	if (fchmod(to_fd, st.st_mode & 07777) != 0 || futimens(to_fd, times) != 0)
		return error_errno(e, errno, "copy mode and times");
	return 0;
}

/* As an implied directory of a layer: see tree_names.c. */
static int set_default_metadata(int fd, const char *path, struct error *e)
{
	static const struct timespec epoch[2];
	if (fchmod(fd, 0755) != 0 || futimens(fd, epoch) != 0)
		return error_errno(e, errno, "set up `%.80s`", path);
	return 0;
}

static int copy_metadata(
	const struct node_list *list, const struct node *node, int root_fd, struct error *e)
{
	char path[LIMIT_PATH_BYTES + 1];
	node_path(list, node, path);
	SCOPED_FD to = store_open_below(root_fd, path, O_RDONLY | O_DIRECTORY);
	if (to < 0)
		return error_errno(e, errno, "open `%.80s`", path);
	if (node->described_by == NO_LAYER)
		return set_default_metadata(to, path, e);
	SCOPED_FD from = store_open_below(
		list->view->lowers[node->described_by].root_fd, path, O_RDONLY | O_DIRECTORY);
	if (from < 0)
		return error_errno(e, errno, "look at `%.80s`", path);
	return store_copy_metadata(from, to, e) == 0 ? 0 : error_wrap(e, "`%.80s`", path);
}

/* First all names, then all metadata: a child changes its parent's time and inherits its default
 * ACL. */
static int write_list(const struct node_list *list, int root_fd, struct error *e)
{
	for (size_t i = 1; i < list->count; i++) {
		char path[LIMIT_PATH_BYTES + 1];
		if (!list->items[i].wanted)
			continue;
		node_path(list, &list->items[i], path);
		if (mkdirat(root_fd, path, 0755) != 0)
			return error_errno(e, errno, "make `%.80s`", path);
	}
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].wanted && copy_metadata(list, &list->items[i], root_fd, e) != 0)
			return -1;
	return 0;
}

static int fill(const struct stack_view *view, int into_fd, const char *name, struct error *e)
{
	struct node_list list = {.view = view};
	if (mkdirat(into_fd, name, 0755) != 0)
		return error_errno(e, errno, "make its root");
	SCOPED_FD root_fd = store_open_below(into_fd, name, O_RDONLY | O_DIRECTORY);
	if (root_fd < 0)
		return error_errno(e, errno, "open its root");
	int result = node_list_fill(&list, e);
	if (result == 0)
		result = write_list(&list, root_fd, e);
	node_list_free(&list);
	return result;
}

int store_make_synthetic(int store_fd, const struct digest *ids, size_t count, int into_fd,
	const char *name, struct error *e)
{
	struct stack_view view = {0};
	int result = open_view(store_fd, ids, count, &view, e);
	if (result == 0)
		result = fill(&view, into_fd, name, e);
	close_view(&view);
	return result == 0 ? 0 : error_wrap(e, "synthetic layer");
}

/* What stands where in a layer's tree: parents, directories that are only implied, whiteouts. */
#include "tree_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "scope.h"
#include "syscalls.h"

int tree_open_below(int dir_fd, const char *path, int flags)
{
	return sys_openat2(dir_fd, path[0] == '\0' ? "." : path, flags, 0, SYS_RESOLVE_STRICT);
}

/* Our whiteouts are what overlayfs takes for one. Without privileges (names_only) a file with a
 * mode that nothing else gets stands for it, since an overlayfs below TMPDIR refuses to make 0/0.
 */
static const mode_t stand_in_mode = S_IFREG | S_ISVTX;

bool tree_is_whiteout(const struct tree *tree, const struct stat *st)
{
	if (tree->names_only)
		return st->st_mode == stand_in_mode;
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

int tree_make_plain(int dir_fd, const char *name, mode_t mode)
{
	SCOPED_FD fd =
		openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? -1 : fchmod(fd, mode);
}

static int make_whiteout(const struct tree *tree, int dir_fd, const char *name)
{
	if (tree->names_only)
		return tree_make_plain(dir_fd, name, stand_in_mode & 07777);
	return mknodat(dir_fd, name, S_IFCHR, makedev(0, 0));
}

int tree_note_origin(struct tree *tree, const char *path, enum tree_origin origin, struct error *e)
{
	uint32_t order =
		(uint32_t)tree->origins.count; /* far fewer than a layer may have entries */
	return path_list_add(&tree->origins, path, order * 2 + (uint32_t)origin, e);
}

/* A directory nobody described: 0755, and root's, as whatever is made here. */
int tree_make_implied(
	struct tree *tree, int dir_fd, const char *name, const char *path, struct error *e)
{
	if (mkdirat(dir_fd, name, 0755) != 0)
		return error_errno(e, errno, "make directory `%.80s`", path);
	tree->implied_made++;
	return tree_note_origin(tree, path, ORIGIN_IMPLIED, e);
}

int tree_refuse_parent(const char *path, struct error *e)
{
	return error_set(e, ERROR_PATH, 0,
		"`%.80s` leads through something that is not a directory of this layer", path);
}

int tree_replace_whiteout(
	struct tree *tree, int dir_fd, const char *name, const char *path, struct error *e)
{
	struct stat st;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return error_errno(e, errno, "look at `%.80s`", path);
	if (!tree_is_whiteout(tree, &st))
		return tree_refuse_parent(path, e);
	if (unlinkat(dir_fd, name, 0) != 0)
		return error_errno(e, errno, "replace whiteout `%.80s`", path);
	if (path_list_add(&tree->removed, path, 0, e) != 0)
		return -1;
	return tree_make_implied(tree, dir_fd, name, path, e);
}

int tree_open_parent(struct tree *tree, const char *path, int *out, struct error *e)
{
	return tree_enter(tree, path, path_parent_length(path), out, e);
}

/* Another one may come in its place. */
static int forget_directory(struct tree *tree, const char *path, struct error *e)
{
	return tree_note_origin(tree, path, ORIGIN_SETTLED, e) == 0
		       ? tree_drop_inheritable(tree, path, e)
		       : -1;
}

int tree_make_way(struct tree *tree, int dir_fd, const char *path, struct error *e)
{
	const char *name = path_base(path);
	struct stat st;
	if (path[0] == '\0')
		return error_set(e, ERROR_PATH, 0, "the root of a layer must be a directory");
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0 : error_errno(e, errno, "look at `%.80s`", path);
	if (tree_is_whiteout(tree, &st) && path_list_add(&tree->removed, path, 0, e) != 0)
		return -1;
	if (unlinkat(dir_fd, name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0) == 0)
		return S_ISDIR(st.st_mode) ? forget_directory(tree, path, e) : 0;
	if (errno == ENOTEMPTY || errno == EEXIST)
		return error_set(e, ERROR_PATH, 0,
			"`%.80s` would replace a directory of the same layer that is not empty",
			path);
	return error_errno(e, errno, "replace `%.80s`", path);
}

bool tree_is_gone(int error_number)
{
	return error_number == ENOENT || error_number == ENOTDIR || error_number == ELOOP;
}

int tree_add_opaque(struct tree *tree, const char *path, struct error *e)
{
	int dir_fd; /* as the parent of a child would be: made when it is not there */
	if (tree_enter(tree, path, strlen(path), &dir_fd, e) != 0)
		return -1;
	return path_list_add(&tree->opaque, path, 0, e);
}

/* The root is not listed: overlayfs always merges it with the synthetic layer's. */
static int note_whiteout_in(struct tree *tree, const char *path, struct error *e)
{
	char parent[LIMIT_PATH_BYTES + 1];
	const struct path_list *list = &tree->whiteouts;
	size_t length = path_parent_length(path);
	memcpy(parent, path, length);
	parent[length] = '\0';
	if (length == 0 ||
		(list->count > 0 && strcmp(list->items[list->count - 1].path, parent) == 0))
		return 0;
	return path_list_add(&tree->whiteouts, parent, IMPLIED_NOT, e);
}

int tree_add_whiteout(struct tree *tree, const char *path, struct error *e)
{
	int dir_fd;
	if (tree_open_parent(tree, path, &dir_fd, e) != 0)
		return -1;
	if (make_whiteout(tree, dir_fd, path_base(path)) == 0)
		return note_whiteout_in(tree, path, e);
	if (errno != EEXIST)
		return error_errno(e, errno, "create whiteout of `%.80s`", path);
	/* This layer's own entry of that name stays, and hides the lower one by being there. */
	return path_list_add(&tree->removed, path, 0, e);
}

/* Add the directories among `from`, those side by side once. */
static int list_directories(const struct tree *tree, const struct path_list *from,
	struct path_list *out, struct error *e)
{
	for (size_t i = 0; i < from->count; i++) {
		const char *path = from->items[i].path;
		if (i > 0 && strcmp(path, from->items[i - 1].path) == 0)
			continue;
		SCOPED_FD fd = tree_open_below(tree->root_fd, path, O_PATH | O_DIRECTORY);
		if (fd < 0 && !tree_is_gone(errno))
			return error_errno(e, errno, "open `%.80s`", path);
		if (fd >= 0 && path_list_add(out, path, from->items[i].value, e) != 0)
			return -1;
	}
	return 0;
}

int tree_list_opaque(struct tree *tree, struct path_list *out, struct error *e)
{
	/* Other entries than directories hide lower ones by being there. */
	if (list_directories(tree, &tree->opaque, out, e) != 0)
		return -1;
	return list_directories(tree, &tree->removed, out, e);
}

/* Those whose last event is that they were made without an entry; and those with whiteouts. */
int tree_list_implied(struct tree *tree, struct path_list *out, struct error *e)
{
	struct path_list *origins = &tree->origins;
	path_list_sort(&tree->removed);
	path_list_sort(origins);
	for (size_t i = 0; i < origins->count; i++) {
		const char *path = origins->items[i].path;
		bool last =
			i + 1 == origins->count || strcmp(path, origins->items[i + 1].path) != 0;
		if (!last || origins->items[i].value % 2 != ORIGIN_IMPLIED)
			continue;
		bool fresh = path_list_has(&tree->removed, path);
		if (path_list_add(out, path, fresh ? IMPLIED_FRESH : IMPLIED_MERGED, e) != 0)
			return -1;
	}
	path_list_sort(&tree->whiteouts);
	return list_directories(tree, &tree->whiteouts, out, e);
}

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

/* A directory nobody described: 0755, root, and time zero when its children are there, so that
 * equal layers give equal trees. */
static int make_implied(
	struct tree *tree, int dir_fd, const char *name, const char *path, struct error *e)
{
	if (mkdirat(dir_fd, name, 0700) != 0)
		return error_errno(e, errno, "make directory \"%.80s\"", path);
	if (!tree->names_only && (fchownat(dir_fd, name, 0, 0, AT_SYMLINK_NOFOLLOW) != 0 ||
					 fchmodat(dir_fd, name, 0755, 0) != 0))
		return error_errno(e, errno, "set up directory \"%.80s\"", path);
	return path_list_add(&tree->implied, path, 0, e);
}

static int refuse_parent(const char *path, struct error *e)
{
	return error_set(e, ERROR_PATH, 0,
		"\"%.80s\" leads through something that is not a directory of this layer", path);
}

static int replace_whiteout(
	struct tree *tree, int dir_fd, const char *name, const char *path, struct error *e)
{
	struct stat st;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return error_errno(e, errno, "look at \"%.80s\"", path);
	if (!tree_is_whiteout(tree, &st))
		return refuse_parent(path, e);
	if (unlinkat(dir_fd, name, 0) != 0)
		return error_errno(e, errno, "replace whiteout \"%.80s\"", path);
	if (path_list_add(&tree->removed, path, 0, e) != 0)
		return -1;
	return make_implied(tree, dir_fd, name, path, e);
}

/* One component down, making it when this layer has no entry for it. `path` ends with `name`. */
static int step_down(struct tree *tree, int dir_fd, const char *name, const char *path, int *out,
	struct error *e)
{
	int fd = tree_open_below(dir_fd, name, O_PATH | O_DIRECTORY);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		int made = errno == ENOENT ? make_implied(tree, dir_fd, name, path, e)
					   : replace_whiteout(tree, dir_fd, name, path, e);
		if (made != 0)
			return -1;
		fd = tree_open_below(dir_fd, name, O_PATH | O_DIRECTORY);
	}
	if (fd < 0)
		return errno == ELOOP || errno == EXDEV
			       ? refuse_parent(path, e)
			       : error_errno(e, errno, "open \"%.80s\"", path);
	*out = fd;
	return 0;
}

static int walk_down(struct tree *tree, const char *path, size_t length, int *out, struct error *e)
{
	char prefix[LIMIT_PATH_BYTES + 1];
	SCOPED_FD fd = tree_open_below(tree->root_fd, "", O_PATH | O_DIRECTORY);
	if (fd < 0)
		return error_errno(e, errno, "open the layer's root");
	memcpy(prefix, path, length);
	prefix[length] = '\0';
	for (size_t begin = 0; begin < length;) {
		size_t end = begin + strcspn(prefix + begin, "/");
		char kept = prefix[end];
		prefix[end] = '\0';
		int next = -1;
		if (step_down(tree, fd, prefix + begin, prefix, &next, e) != 0)
			return -1;
		(void)close(fd);
		fd = next;
		prefix[end] = kept;
		begin = end + 1;
	}
	*out = scope_take_fd(&fd);
	return 0;
}

int tree_open_parent(struct tree *tree, const char *path, int *out, struct error *e)
{
	size_t length = path_parent_length(path);
	if (tree->parent_fd >= 0 && strncmp(tree->parent, path, length) == 0 &&
		tree->parent[length] == '\0') {
		*out = tree->parent_fd;
		return 0;
	}
	scope_close(&tree->parent_fd);
	memcpy(tree->parent, path, length);
	tree->parent[length] = '\0';
	tree->parent_fd = tree_open_below(tree->root_fd, tree->parent, O_PATH | O_DIRECTORY);
	if (tree->parent_fd < 0) {
		int error_number = errno;
		if (error_number == ELOOP || error_number == EXDEV)
			return refuse_parent(path, e);
		if (error_number != ENOENT && error_number != ENOTDIR)
			return error_errno(e, error_number, "open \"%.80s\"", tree->parent);
		if (walk_down(tree, path, length, &tree->parent_fd, e) != 0)
			return -1;
	}
	*out = tree->parent_fd;
	return 0;
}

int tree_make_way(struct tree *tree, int dir_fd, const char *path, struct error *e)
{
	const char *name = path_base(path);
	struct stat st;
	if (path[0] == '\0')
		return error_set(e, ERROR_PATH, 0, "the root of a layer must be a directory");
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0 : error_errno(e, errno, "look at \"%.80s\"", path);
	if (tree_is_whiteout(tree, &st) && path_list_add(&tree->removed, path, 0, e) != 0)
		return -1;
	if (unlinkat(dir_fd, name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0) == 0)
		return 0;
	if (errno == ENOTEMPTY || errno == EEXIST)
		return error_set(e, ERROR_PATH, 0,
			"\"%.80s\" would replace a directory of the same layer that is not empty",
			path);
	return error_errno(e, errno, "replace \"%.80s\"", path);
}

bool tree_is_gone(int error_number)
{
	return error_number == ENOENT || error_number == ENOTDIR || error_number == ELOOP;
}

int tree_add_opaque(struct tree *tree, const char *path, struct error *e)
{
	if (path[0] != '\0') {
		/* As the parent of a child would be: made when it is not there. */
		SCOPED_FD fd = -1;
		if (walk_down(tree, path, strlen(path), &fd, e) != 0)
			return -1;
	}
	return path_list_add(&tree->opaque, path, 0, e);
}

int tree_add_whiteout(struct tree *tree, const char *path, struct error *e)
{
	int dir_fd;
	if (tree_open_parent(tree, path, &dir_fd, e) != 0)
		return -1;
	if (make_whiteout(tree, dir_fd, path_base(path)) == 0)
		return 0;
	if (errno != EEXIST)
		return error_errno(e, errno, "create whiteout of \"%.80s\"", path);
	/* This layer's own entry of that name stays, and hides the lower one by being there. */
	return path_list_add(&tree->removed, path, 0, e);
}

/* Add the directories among `from`: other entries hide lower ones by being there. */
static int list_directories(const struct tree *tree, const struct path_list *from,
	struct path_list *out, struct error *e)
{
	for (size_t i = 0; i < from->count; i++) {
		const char *path = from->items[i].path;
		SCOPED_FD fd = tree_open_below(tree->root_fd, path, O_PATH | O_DIRECTORY);
		if (fd < 0 && !tree_is_gone(errno))
			return error_errno(e, errno, "open \"%.80s\"", path);
		if (fd >= 0 && path_list_add(out, path, 0, e) != 0)
			return -1;
	}
	return 0;
}

int tree_list_opaque(struct tree *tree, struct path_list *out, struct error *e)
{
	if (list_directories(tree, &tree->opaque, out, e) != 0)
		return -1;
	return list_directories(tree, &tree->removed, out, e);
}

int tree_list_implied(struct tree *tree, struct path_list *out, struct error *e)
{
	static const struct timespec epoch[2];
	path_list_sort(&tree->removed);
	for (size_t i = 0; i < tree->implied.count; i++) {
		const char *path = tree->implied.items[i].path;
		SCOPED_FD fd = tree_open_below(tree->root_fd, path, O_RDONLY | O_DIRECTORY);
		if (fd < 0 && !tree_is_gone(errno))
			return error_errno(e, errno, "open \"%.80s\"", path);
		if (fd < 0 || tree_has_directory(tree, path))
			continue; /* something else took its place, or it got an entry of its own */
		/* A root without an entry is as its owner made it. */
		if (path[0] != '\0' && !tree->names_only && futimens(fd, epoch) != 0)
			return error_errno(e, errno, "set time of \"%.80s\"", path);
		bool fresh = path_list_has(&tree->removed, path);
		if (path_list_add(out, path, fresh ? IMPLIED_FRESH : IMPLIED_MERGED, e) != 0)
			return -1;
	}
	return 0;
}

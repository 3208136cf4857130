#include "tree_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "scope.h"

int tree_open(int root_fd, bool names_only, struct tree **out, struct error *e)
{
	struct tree *tree = calloc(1, sizeof *tree);
	if (tree == NULL)
		return error_errno(e, ENOMEM, "start a tree");
	tree->root_fd = root_fd;
	tree->names_only = names_only;
	tree->umask_before = umask(0); /* modes are given when things are made */
	if (tree_levels_open(tree, e) != 0) {
		tree_close(tree);
		return -1;
	}
	*out = tree;
	return 0;
}

void tree_close(struct tree *tree)
{
	if (tree == NULL)
		return;
	tree_levels_close(tree);
	tree_free_inheritable(tree);
	path_list_free(&tree->opaque);
	path_list_free(&tree->removed);
	path_list_free(&tree->whiteouts);
	path_list_free(&tree->origins);
	(void)umask(tree->umask_before);
	free(tree);
}

uint64_t tree_implied_made(const struct tree *tree)
{
	return tree->implied_made;
}

int tree_set_xattr_failed(const char *path, const char *name, struct error *e)
{
	int error_number = errno;
	enum error_code code = ERROR_XATTR;
	if (error_number == ENOSPC || error_number == ENOMEM)
		code = ERROR_NOSPACE;
	else if (error_number == EOPNOTSUPP)
		code = ERROR_KERNEL;
	return error_set(e, code, error_number, "set xattr `%.80s` of `%.80s`", name, path);
}

static int set_xattrs(const struct tree_entry *entry, int fd, struct error *e)
{
	for (size_t i = 0; i < entry->xattrs.count; i++) {
		const struct xattr *x = &entry->xattrs.items[i];
		if (strcmp(x->name, XATTR_ACL_DEFAULT) == 0)
			continue; /* tree_keep_inheritable() */
		if (fsetxattr(fd, x->name, x->value, x->size_bytes, 0) != 0)
			return tree_set_xattr_failed(entry->path, x->name, e);
	}
	return 0;
}

/* What is made here belongs to 0:0 already: nothing inherits a group (tree_inherit.c). */
static bool is_roots(const struct tree_entry *entry)
{
	return entry->uid == 0 && entry->gid == 0;
}

/* chown first, for it clears capabilities and setuid bits; chmod after ACLs, for they change the
 * mode. `made_mode`: what it has; `mode`: what it is to get. */
static int set_owner_xattrs_mode(const struct tree_entry *entry, int fd, bool is_new,
	mode_t made_mode, mode_t mode, struct error *e)
{
	if (!(is_new && is_roots(entry)) && fchown(fd, entry->uid, entry->gid) != 0)
		return error_errno(e, errno, "set owner of `%.80s`", entry->path);
	if (set_xattrs(entry, fd, e) != 0)
		return -1;
	if (is_new && made_mode == mode && entry->xattrs.count == 0)
		return 0;
	if (fchmod(fd, mode) != 0)
		return error_errno(e, errno, "set mode of `%.80s`", entry->path);
	return 0;
}

/* Special bits only when the owner is set. */
static mode_t first_mode(const struct tree *tree, const struct tree_entry *entry)
{
	return tree->names_only ? 0600 : entry->mode & 0777;
}

int tree_begin_file(struct tree *tree, const struct tree_entry *entry, int *out, struct error *e)
{
	int dir_fd;
	const char *name = path_base(entry->path);
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	if (tree_open_parent(tree, entry->path, &dir_fd, e) != 0)
		return -1;
	int fd = name[0] == '\0' ? -1 : openat(dir_fd, name, flags, first_mode(tree, entry));
	if (fd < 0 && (name[0] == '\0' || errno == EEXIST)) {
		if (tree_make_way(tree, dir_fd, entry->path, e) != 0)
			return -1;
		fd = openat(dir_fd, name, flags, first_mode(tree, entry));
	}
	if (fd < 0)
		return error_errno(e, errno, "create `%.80s`", entry->path);
	*out = fd;
	return 0;
}

int tree_end_file(struct tree *tree, const struct tree_entry *entry, int fd, struct error *e)
{
	SCOPED_FD owned = fd;
	const struct timespec times[2] = {entry->mtime, entry->mtime};
	if (!tree->names_only) {
		if (set_owner_xattrs_mode(
			    entry, fd, true, first_mode(tree, entry), entry->mode, e) != 0)
			return -1;
		if (futimens(fd, times) != 0)
			return error_errno(e, errno, "set time of `%.80s`", entry->path);
	}
	(void)scope_take_fd(&owned);
	if (close(fd) != 0)
		return error_errno(e, errno, "write `%.80s`", entry->path);
	return 0;
}

/* `*existed`: it was there already, and keeps what it holds. */
static int make_directory(struct tree *tree, int dir_fd, const struct tree_entry *entry,
	bool *existed, struct error *e)
{
	const char *name = path_base(entry->path);
	mode_t mode = tree->names_only ? 0700 : entry->mode & 0777;
	struct stat st;
	*existed = false;
	if (mkdirat(dir_fd, name, mode) == 0)
		return 0;
	if (errno == EEXIST && fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		*existed = S_ISDIR(st.st_mode);
		if (*existed)
			return 0;
		if (tree_make_way(tree, dir_fd, entry->path, e) != 0)
			return -1;
		if (mkdirat(dir_fd, name, mode) == 0)
			return 0;
	}
	return error_errno(e, errno, "make directory `%.80s`", entry->path);
}

/* What an earlier entry of the same directory set. (Default ACLs are not set yet.) */
static int clear_xattrs(const struct tree_entry *entry, int fd, struct error *e)
{
	char names[XATTR_NAMES_BYTES];
	ssize_t size = flistxattr(fd, names, sizeof names);
	if (size < 0 && errno != EOPNOTSUPP)
		return error_errno(e, errno, "list xattrs of `%.80s`", entry->path);
	for (ssize_t at = 0; at < size; at += (ssize_t)strlen(names + at) + 1) {
		const struct xattr x = {.name = names + at};
		bool ours = xattr_is_user(&x) || strcmp(x.name, XATTR_ACL_ACCESS) == 0;
		if (ours && fremovexattr(fd, x.name) != 0)
			return error_errno(e, errno, "replace xattrs of `%.80s`", entry->path);
	}
	return 0;
}

/* Go down into it; its time is set when it is left. */
static int enter_directory(
	struct tree *tree, int dir_fd, const struct tree_entry *entry, struct error *e)
{
	const char *name = path_base(entry->path);
	SCOPED_FD fd = tree_open_below(dir_fd, name, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return error_errno(e, errno, "open `%.80s`", entry->path);
	return tree_push(tree, name, scope_take_fd(&fd), &entry->mtime, e);
}

int tree_add_directory(struct tree *tree, const struct tree_entry *entry, struct error *e)
{
	int dir_fd;
	bool is_root = entry->path[0] == '\0', existed = is_root;
	if (tree_open_parent(tree, entry->path, &dir_fd, e) != 0)
		return -1;
	if (!is_root && (make_directory(tree, dir_fd, entry, &existed, e) != 0 ||
				enter_directory(tree, dir_fd, entry, e) != 0))
		return -1;
	struct level *level = tree_deepest(tree);
	level->dirty = true;
	level->mtime = entry->mtime;
	if ((existed && tree_note_origin(tree, entry->path, ORIGIN_SETTLED, e) != 0) ||
		tree_keep_inheritable(tree, entry, existed, e) != 0)
		return -1;
	if (tree->names_only)
		return 0;
	if (existed && clear_xattrs(entry, level->fd, e) != 0)
		return -1;
	return set_owner_xattrs_mode(
		entry, level->fd, !existed, entry->mode & 0777, entry->mode & ~(mode_t)S_ISGID, e);
}

int tree_add_symlink(struct tree *tree, const struct tree_entry *entry, struct error *e)
{
	int dir_fd;
	const struct timespec times[2] = {entry->mtime, entry->mtime};
	const char *name = path_base(entry->path);
	if (tree_open_parent(tree, entry->path, &dir_fd, e) != 0)
		return -1;
	int made = name[0] == '\0' ? -1 : symlinkat(entry->link, dir_fd, name);
	if (made != 0 && (name[0] == '\0' || errno == EEXIST)) {
		if (tree_make_way(tree, dir_fd, entry->path, e) != 0)
			return -1;
		made = symlinkat(entry->link, dir_fd, name);
	}
	if (made != 0)
		return error_errno(e, errno, "create symlink `%.80s`", entry->path);
	if (tree->names_only)
		return 0;
	if (!is_roots(entry) &&
		fchownat(dir_fd, name, entry->uid, entry->gid, AT_SYMLINK_NOFOLLOW) != 0)
		return error_errno(e, errno, "set owner of symlink `%.80s`", entry->path);
	if (utimensat(dir_fd, name, times, AT_SYMLINK_NOFOLLOW) != 0)
		return error_errno(e, errno, "set time of symlink `%.80s`", entry->path);
	return 0;
}

static int refuse_target(const struct tree_entry *entry, const char *why, struct error *e)
{
	return error_set(e, ERROR_PATH, 0, "hard link `%.80s` to `%.80s`, %s", entry->path,
		entry->link, why);
}

/* The directory of a hard link's first name. `*borrowed`: it is the one that is open anyway. */
static int open_target_parent(struct tree *tree, const struct tree_entry *entry, int dir_fd,
	int *out, bool *borrowed, struct error *e)
{
	size_t length = path_parent_length(entry->link);
	*borrowed = length == path_parent_length(entry->path) &&
		    memcmp(entry->link, entry->path, length) == 0;
	*out = dir_fd;
	if (*borrowed)
		return 0;
	char parent[LIMIT_PATH_BYTES + 1];
	memcpy(parent, entry->link, length);
	parent[length] = '\0';
	*out = tree_open_below(tree->root_fd, parent, O_PATH | O_DIRECTORY);
	if (*out >= 0)
		return 0;
	return tree_is_gone(errno) || errno == EXDEV
		       ? refuse_target(entry, "which is no file of this layer", e)
		       : error_errno(e, errno, "open `%.80s`", parent);
}

/* The first name must be an entry of this layer: a lower layer's file is not there to link to. */
static int check_target(
	const struct tree *tree, const struct tree_entry *entry, int from_fd, struct error *e)
{
	struct stat st;
	const char *name = path_base(entry->link);
	if (fstatat(from_fd, name[0] == '\0' ? "." : name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? refuse_target(entry, "which is no file of this layer", e)
				       : error_errno(e, errno, "look at `%.80s`", entry->link);
	if (S_ISDIR(st.st_mode) || tree_is_whiteout(tree, &st))
		return refuse_target(entry, "which is a directory or was removed", e);
	return 0;
}

/* By its parent, since linkat(AT_EMPTY_PATH) needs CAP_DAC_READ_SEARCH. */
static int link_from(
	struct tree *tree, const struct tree_entry *entry, int from_fd, int dir_fd, struct error *e)
{
	const char *from = path_base(entry->link), *name = path_base(entry->path);
	if (check_target(tree, entry, from_fd, e) != 0)
		return -1;
	int made = name[0] == '\0' ? -1 : linkat(from_fd, from, dir_fd, name, 0);
	if (made != 0 && (name[0] == '\0' || errno == EEXIST)) {
		if (tree_make_way(tree, dir_fd, entry->path, e) != 0)
			return -1;
		made = linkat(from_fd, from, dir_fd, name, 0);
	}
	if (made != 0)
		return error_errno(
			e, errno, "hard link `%.80s` to `%.80s`", entry->path, entry->link);
	return 0;
}

int tree_add_hard_link(struct tree *tree, const struct tree_entry *entry, struct error *e)
{
	int dir_fd, from_fd;
	bool borrowed;
	if (strcmp(entry->path, entry->link) == 0)
		return refuse_target(entry, "itself", e);
	if (tree_open_parent(tree, entry->path, &dir_fd, e) != 0 ||
		open_target_parent(tree, entry, dir_fd, &from_fd, &borrowed, e) != 0)
		return -1;
	SCOPED_FD owned = borrowed ? -1 : from_fd;
	return link_from(tree, entry, from_fd, dir_fd, e);
}

static int set_xattrs_here(const struct tree_entry *entry, struct error *e)
{
	for (size_t i = 0; i < entry->xattrs.count; i++) {
		const struct xattr *x = &entry->xattrs.items[i];
		if (lsetxattr(path_base(entry->path), x->name, x->value, x->size_bytes, 0) != 0)
			return tree_set_xattr_failed(entry->path, x->name, e);
	}
	return 0;
}

/* A descriptor on a device or FIFO would have to be O_PATH, which fsetxattr() refuses; so by name,
 * from within its directory, whose parents were checked. The caller's working directory comes back.
 */
static int set_xattrs_by_name(const struct tree_entry *entry, int dir_fd, struct error *e)
{
	if (entry->xattrs.count == 0)
		return 0;
	SCOPED_FD back = openat(AT_FDCWD, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (back < 0 || fchdir(dir_fd) != 0)
		return error_errno(e, errno, "enter the directory of `%.80s`", entry->path);
	int result = set_xattrs_here(entry, e);
	if (fchdir(back) != 0)
		return error_errno(e, errno, "leave the directory of `%.80s`", entry->path);
	return result;
}

static int make_special(const struct tree *tree, int dir_fd, const struct tree_entry *entry)
{
	mode_t kind = entry->type == '3' ? S_IFCHR : entry->type == '4' ? S_IFBLK : S_IFIFO;
	const char *name = path_base(entry->path);
	if (tree->names_only)
		return tree_make_plain(dir_fd, name, 0600);
	return mknodat(dir_fd, name, kind | 0600, entry->device);
}

int tree_add_special(struct tree *tree, const struct tree_entry *entry, struct error *e)
{
	int dir_fd;
	const struct timespec times[2] = {entry->mtime, entry->mtime};
	const char *name = path_base(entry->path);
	if (tree_open_parent(tree, entry->path, &dir_fd, e) != 0 ||
		tree_make_way(tree, dir_fd, entry->path, e) != 0)
		return -1;
	if (make_special(tree, dir_fd, entry) != 0)
		return error_errno(e, errno, "create device or FIFO `%.80s`", entry->path);
	if (tree->names_only)
		return 0;
	if (!is_roots(entry) &&
		fchownat(dir_fd, name, entry->uid, entry->gid, AT_SYMLINK_NOFOLLOW) != 0)
		return error_errno(e, errno, "set owner of `%.80s`", entry->path);
	if (set_xattrs_by_name(entry, dir_fd, e) != 0)
		return -1;
	if (fchmodat(dir_fd, name, entry->mode, 0) != 0 ||
		utimensat(dir_fd, name, times, AT_SYMLINK_NOFOLLOW) != 0)
		return error_errno(e, errno, "set metadata of `%.80s`", entry->path);
	return 0;
}

int tree_finish(
	struct tree *tree, struct path_list *opaque, struct path_list *implied, struct error *e)
{
	if (tree_leave_all(tree, e) != 0 || tree_set_inheritable(tree, e) != 0 ||
		tree_list_opaque(tree, opaque, e) != 0)
		return -1;
	return tree_list_implied(tree, implied, e);
}

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
	tree->parent_fd = -1;
	*out = tree;
	return 0;
}

void tree_close(struct tree *tree)
{
	if (tree == NULL)
		return;
	for (size_t i = 0; i < tree->directory_count; i++) {
		free(tree->directories[i].path);
		free(tree->directories[i].default_acl);
	}
	free(tree->directories);
	path_list_free(&tree->opaque);
	path_list_free(&tree->removed);
	path_list_free(&tree->implied);
	scope_close(&tree->parent_fd);
	free(tree);
}

static int set_xattr_failed(const struct tree_entry *entry, const char *name, struct error *e)
{
	int error_number = errno;
	enum error_code code = ERROR_XATTR;
	if (error_number == ENOSPC || error_number == ENOMEM)
		code = ERROR_NOSPACE;
	else if (error_number == EOPNOTSUPP)
		code = ERROR_KERNEL;
	return error_set(
		e, code, error_number, "set xattr \"%.80s\" of \"%.80s\"", name, entry->path);
}

static int set_xattrs(const struct tree_entry *entry, int fd, struct error *e)
{
	for (size_t i = 0; i < entry->xattrs.count; i++) {
		const struct xattr *x = &entry->xattrs.items[i];
		if (strcmp(x->name, XATTR_ACL_DEFAULT) == 0)
			continue; /* tree_finish() */
		if (fsetxattr(fd, x->name, x->value, x->size_bytes, 0) != 0)
			return set_xattr_failed(entry, x->name, e);
	}
	return 0;
}

/* chown first, for it clears capabilities and setuid bits; chmod after ACLs, for they change the
 * mode */
static int set_owner_xattrs_mode(const struct tree_entry *entry, int fd, struct error *e)
{
	if (fchown(fd, entry->uid, entry->gid) != 0)
		return error_errno(e, errno, "set owner of \"%.80s\"", entry->path);
	if (set_xattrs(entry, fd, e) != 0)
		return -1;
	if (fchmod(fd, entry->mode) != 0)
		return error_errno(e, errno, "set mode of \"%.80s\"", entry->path);
	return 0;
}

int tree_begin_file(struct tree *tree, const struct tree_entry *entry, int *out, struct error *e)
{
	int dir_fd;
	if (tree_open_parent(tree, entry->path, &dir_fd, e) != 0)
		return -1;
	const char *name = path_base(entry->path);
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = name[0] == '\0' ? -1 : openat(dir_fd, name, flags, 0600);
	if (fd < 0 && (name[0] == '\0' || errno == EEXIST)) {
		if (tree_make_way(tree, dir_fd, entry->path, e) != 0)
			return -1;
		fd = openat(dir_fd, name, flags, 0600);
	}
	if (fd < 0)
		return error_errno(e, errno, "create \"%.80s\"", entry->path);
	*out = fd;
	return 0;
}

int tree_end_file(struct tree *tree, const struct tree_entry *entry, int fd, struct error *e)
{
	SCOPED_FD owned = fd;
	const struct timespec times[2] = {entry->mtime, entry->mtime};
	if (!tree->names_only) {
		if (set_owner_xattrs_mode(entry, fd, e) != 0)
			return -1;
		if (futimens(fd, times) != 0)
			return error_errno(e, errno, "set time of \"%.80s\"", entry->path);
	}
	(void)scope_take_fd(&owned);
	if (close(fd) != 0)
		return error_errno(e, errno, "write \"%.80s\"", entry->path);
	return 0;
}

static int remember_directory(struct tree *tree, const struct tree_entry *entry, struct error *e)
{
	if (tree->directory_count == tree->directory_capacity) {
		size_t capacity = tree->directory_capacity == 0 ? 64 : tree->directory_capacity * 2;
		struct directory *more =
			reallocarray(tree->directories, capacity, sizeof *tree->directories);
		if (more == NULL)
			return error_errno(e, ENOMEM, "remember \"%.80s\"", entry->path);
		tree->directories = more;
		tree->directory_capacity = capacity;
	}
	struct directory *d = &tree->directories[tree->directory_count];
	*d = (struct directory){
		.path = strdup(entry->path), .order = tree->directory_count, .mtime = entry->mtime};
	if (d->path == NULL)
		return error_errno(e, ENOMEM, "remember \"%.80s\"", entry->path);
	tree->directory_count++;
	for (size_t i = 0; i < entry->xattrs.count; i++) {
		const struct xattr *x = &entry->xattrs.items[i];
		if (strcmp(x->name, XATTR_ACL_DEFAULT) != 0)
			continue;
		free(d->default_acl);
		d->default_acl = malloc(x->size_bytes + 1);
		if (d->default_acl == NULL)
			return error_errno(e, ENOMEM, "remember \"%.80s\"", entry->path);
		memcpy(d->default_acl, x->value, x->size_bytes);
		d->default_acl_bytes = x->size_bytes;
	}
	return 0;
}

/* `*existed`: it was there already, and keeps what it holds. */
static int make_directory(struct tree *tree, const char *path, bool *existed, struct error *e)
{
	int dir_fd;
	*existed = path[0] == '\0';
	if (*existed)
		return 0;
	if (tree_open_parent(tree, path, &dir_fd, e) != 0)
		return -1;
	const char *name = path_base(path);
	if (mkdirat(dir_fd, name, 0700) == 0)
		return 0;
	struct stat st;
	if (errno == EEXIST && fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		*existed = S_ISDIR(st.st_mode);
		if (*existed)
			return 0;
		if (tree_make_way(tree, dir_fd, path, e) != 0)
			return -1;
		if (mkdirat(dir_fd, name, 0700) == 0)
			return 0;
	}
	return error_errno(e, errno, "make directory \"%.80s\"", path);
}

/* What an earlier entry of the same directory set. (Default ACLs are not set yet.) */
static int clear_xattrs(const struct tree_entry *entry, int fd, struct error *e)
{
	char names[XATTR_NAMES_BYTES];
	ssize_t size = flistxattr(fd, names, sizeof names);
	if (size < 0 && errno != EOPNOTSUPP)
		return error_errno(e, errno, "list xattrs of \"%.80s\"", entry->path);
	for (ssize_t at = 0; at < size; at += (ssize_t)strlen(names + at) + 1) {
		const struct xattr x = {.name = names + at};
		bool ours = xattr_is_user(&x) || strcmp(x.name, XATTR_ACL_ACCESS) == 0;
		if (ours && fremovexattr(fd, x.name) != 0)
			return error_errno(e, errno, "replace xattrs of \"%.80s\"", entry->path);
	}
	return 0;
}

int tree_add_directory(struct tree *tree, const struct tree_entry *entry, struct error *e)
{
	bool existed;
	if (make_directory(tree, entry->path, &existed, e) != 0 ||
		remember_directory(tree, entry, e) != 0)
		return -1;
	if (tree->names_only)
		return 0;
	SCOPED_FD fd = tree_open_below(tree->root_fd, entry->path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return error_errno(e, errno, "open \"%.80s\"", entry->path);
	if (existed && clear_xattrs(entry, fd, e) != 0)
		return -1;
	return set_owner_xattrs_mode(entry, fd, e);
}

int tree_add_symlink(struct tree *tree, const struct tree_entry *entry, struct error *e)
{
	int dir_fd;
	const struct timespec times[2] = {entry->mtime, entry->mtime};
	const char *name = path_base(entry->path);
	if (tree_open_parent(tree, entry->path, &dir_fd, e) != 0 ||
		tree_make_way(tree, dir_fd, entry->path, e) != 0)
		return -1;
	if (symlinkat(entry->link, dir_fd, name) != 0)
		return error_errno(e, errno, "create symlink \"%.80s\"", entry->path);
	if (tree->names_only)
		return 0;
	if (fchownat(dir_fd, name, entry->uid, entry->gid, AT_SYMLINK_NOFOLLOW) != 0 ||
		utimensat(dir_fd, name, times, AT_SYMLINK_NOFOLLOW) != 0)
		return error_errno(e, errno, "set metadata of symlink \"%.80s\"", entry->path);
	return 0;
}

/* The first name must be an entry of this layer: a lower layer's file is not there to link to. */
static int open_link_target(
	struct tree *tree, const struct tree_entry *entry, int *out, struct error *e)
{
	SCOPED_FD fd = tree_open_below(tree->root_fd, entry->link, O_PATH | O_NOFOLLOW);
	struct stat st;
	if (fd < 0 && (tree_is_gone(errno) || errno == EXDEV))
		return error_set(e, ERROR_PATH, 0,
			"hard link \"%.80s\" to \"%.80s\", which is no file of this layer",
			entry->path, entry->link);
	if (fd < 0 || fstat(fd, &st) != 0)
		return error_errno(e, errno, "look at \"%.80s\"", entry->link);
	if (S_ISDIR(st.st_mode) || tree_is_whiteout(tree, &st))
		return error_set(e, ERROR_PATH, 0,
			"hard link \"%.80s\" to \"%.80s\", which is a directory or was removed",
			entry->path, entry->link);
	*out = scope_take_fd(&fd);
	return 0;
}

int tree_add_hard_link(struct tree *tree, const struct tree_entry *entry, struct error *e)
{
	int dir_fd;
	if (strcmp(entry->path, entry->link) == 0)
		return error_set(e, ERROR_PATH, 0, "hard link \"%.80s\" to itself", entry->path);
	SCOPED_FD target_fd = -1;
	if (open_link_target(tree, entry, &target_fd, e) != 0 ||
		tree_open_parent(tree, entry->path, &dir_fd, e) != 0 ||
		tree_make_way(tree, dir_fd, entry->path, e) != 0)
		return -1;
	/* By its parent, since linkat(AT_EMPTY_PATH) needs CAP_DAC_READ_SEARCH. */
	char parent[LIMIT_PATH_BYTES + 1];
	size_t length = path_parent_length(entry->link);
	memcpy(parent, entry->link, length);
	parent[length] = '\0';
	SCOPED_FD from_fd = tree_open_below(tree->root_fd, parent, O_PATH | O_DIRECTORY);
	if (from_fd < 0 ||
		linkat(from_fd, path_base(entry->link), dir_fd, path_base(entry->path), 0) != 0)
		return error_errno(
			e, errno, "hard link \"%.80s\" to \"%.80s\"", entry->path, entry->link);
	return 0;
}

static int set_xattrs_here(const struct tree_entry *entry, struct error *e)
{
	for (size_t i = 0; i < entry->xattrs.count; i++) {
		const struct xattr *x = &entry->xattrs.items[i];
		if (lsetxattr(path_base(entry->path), x->name, x->value, x->size_bytes, 0) != 0)
			return set_xattr_failed(entry, x->name, e);
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
		return error_errno(e, errno, "enter the directory of \"%.80s\"", entry->path);
	int result = set_xattrs_here(entry, e);
	if (fchdir(back) != 0)
		return error_errno(e, errno, "leave the directory of \"%.80s\"", entry->path);
	return result;
}

int tree_add_special(struct tree *tree, const struct tree_entry *entry, struct error *e)
{
	int dir_fd;
	mode_t kind = entry->type == '3' ? S_IFCHR : entry->type == '4' ? S_IFBLK : S_IFIFO;
	const struct timespec times[2] = {entry->mtime, entry->mtime};
	const char *name = path_base(entry->path);
	if (tree_open_parent(tree, entry->path, &dir_fd, e) != 0 ||
		tree_make_way(tree, dir_fd, entry->path, e) != 0)
		return -1;
	if (tree->names_only)
		return tree_make_plain(dir_fd, name, 0600) == 0
			       ? 0
			       : error_errno(e, errno, "create \"%.80s\"", entry->path);
	if (mknodat(dir_fd, name, kind | 0600, entry->device) != 0)
		return error_errno(e, errno, "create device or FIFO \"%.80s\"", entry->path);
	if (fchownat(dir_fd, name, entry->uid, entry->gid, AT_SYMLINK_NOFOLLOW) != 0)
		return error_errno(e, errno, "set owner of \"%.80s\"", entry->path);
	if (set_xattrs_by_name(entry, dir_fd, e) != 0)
		return -1;
	if (fchmodat(dir_fd, name, entry->mode, 0) != 0 ||
		utimensat(dir_fd, name, times, AT_SYMLINK_NOFOLLOW) != 0)
		return error_errno(e, errno, "set metadata of \"%.80s\"", entry->path);
	return 0;
}

static int finish_directory(const struct tree *tree, const struct directory *d, struct error *e)
{
	const struct timespec times[2] = {d->mtime, d->mtime};
	SCOPED_FD fd = tree_open_below(tree->root_fd, d->path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return tree_is_gone(errno) ? 0 /* an entry behind it took its place */
					   : error_errno(e, errno, "open \"%.80s\"", d->path);
	if (d->default_acl != NULL &&
		fsetxattr(fd, XATTR_ACL_DEFAULT, d->default_acl, d->default_acl_bytes, 0) != 0) {
		const struct tree_entry entry = {.path = d->path};
		return set_xattr_failed(&entry, XATTR_ACL_DEFAULT, e);
	}
	if (futimens(fd, times) != 0)
		return error_errno(e, errno, "set time of \"%.80s\"", d->path);
	return 0;
}

/* By path, and entries of one path in their order. */
static int compare_directories(const void *a, const void *b)
{
	const struct directory *left = a, *right = b;
	int order = strcmp(left->path, right->path);
	return order != 0 ? order : (left->order > right->order) - (left->order < right->order);
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(((const struct directory *)a)->path, ((const struct directory *)b)->path);
}

bool tree_has_directory(const struct tree *tree, const char *path)
{
	const struct directory key = {.path = (char *)path};
	return tree->directory_count > 0 && bsearch(&key, tree->directories, tree->directory_count,
						    sizeof key, compare_paths) != NULL;
}

static int finish_directories(struct tree *tree, struct error *e)
{
	struct directory *all = tree->directories;
	if (tree->directory_count > 0)
		qsort(all, tree->directory_count, sizeof *all, compare_directories);
	for (size_t i = 0; i < tree->directory_count && !tree->names_only; i++) {
		bool last =
			i + 1 == tree->directory_count || compare_paths(&all[i], &all[i + 1]) != 0;
		if (last && finish_directory(tree, &all[i], e) != 0)
			return -1;
	}
	return 0;
}

int tree_finish(
	struct tree *tree, struct path_list *opaque, struct path_list *implied, struct error *e)
{
	if (finish_directories(tree, e) != 0 || path_list_add(&tree->implied, "", 0, e) != 0 ||
		tree_list_opaque(tree, opaque, e) != 0)
		return -1;
	return tree_list_implied(tree, implied, e);
}

#include "merge.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "ceilings.h"
#include "paths.h"
#include "scope.h"
#include "store.h"
#include "syscalls.h"

#define OPAQUE "trusted.overlay.opaque"
#define IMPURE "trusted.overlay.impure"
#define ORIGIN "trusted.overlay.origin"

/* Any name in the scratch directory: one thing at a time is made there. */
static const char made[] = "made";

enum { RENAME_SWAP = 2 }; /* RENAME_EXCHANGE; linux/fs.h clashes with sys/mount.h */

/* A directory whose entries are still to be merged. `exact`: `into` must have nothing there that
 * `from` lacks, for one above or it itself is opaque in `from`. */
struct pending {
	const char *path;
	bool exact;
};

struct merge {
	const struct merge_request *request;
	struct path_list pending; /* value: exact */
	uint64_t entries;
};

/* One directory of both. */
struct pair {
	struct merge *merge;
	const char *path;
	int from, into;
	bool exact;
};

static int failed(const struct pair *pair, const char *name, const char *what, struct error *e)
{
	return error_errno(e, errno, "%s \"%.80s/%.80s\"", what, pair->path, name);
}

static bool is_absent(int sys_errno)
{
	return sys_errno == ENODATA || sys_errno == EOPNOTSUPP;
}

/* 1 or 0; -1 when that can't be read: what is hidden must not come back because of a bad sector. */
static int has_xattr(int fd, const char *name, struct error *e)
{
	if (fgetxattr(fd, name, NULL, 0) >= 0)
		return 1;
	return is_absent(errno) ? 0 : error_errno(e, errno, "read the xattr \"%.80s\"", name);
}

/* As overlayfs reads its own: "y", and nothing else. */
static int has_flag(int fd, const char *flag, struct error *e)
{
	char value[2];
	ssize_t size = fgetxattr(fd, flag, value, sizeof value);
	if (size >= 0)
		return size == 1 && value[0] == 'y';
	return is_absent(errno) || errno == ERANGE
		       ? 0
		       : error_errno(e, errno, "read the xattr \"%.80s\"", flag);
}

/* --- a directory's metadata */

/* What an upper's directory has for its users; overlayfs's own is not copied. */
static bool is_own(const char *name)
{
	return strncmp(name, "trusted.overlay.", 16) != 0;
}

static ssize_t list_xattrs(int fd, char **names, struct error *e)
{
	ssize_t size = flistxattr(fd, NULL, 0);
	if (size < 0 && errno == EOPNOTSUPP)
		return 0;
	if (size < 0)
		return error_errno(e, errno, "list xattrs");
	*names = malloc((size_t)size + 1);
	if (*names == NULL)
		return error_errno(e, ENOMEM, "list xattrs");
	size = flistxattr(fd, *names, (size_t)size);
	return size < 0 ? error_errno(e, errno, "list xattrs") : size;
}

static int copy_xattr(int from, int into, const char *name, char *value, struct error *e)
{
	ssize_t size = fgetxattr(from, name, value, LIMIT_XATTR_VALUE_BYTES);
	if (size < 0 || fsetxattr(into, name, value, (size_t)size, 0) != 0)
		return error_errno(e, errno, "copy the xattr \"%.80s\"", name);
	return 0;
}

static int remove_other_xattrs(int from, int into, struct error *e)
{
	SCOPED_FREE char *there = NULL;
	ssize_t size = list_xattrs(into, &there, e);
	for (ssize_t at = 0; at < size; at += (ssize_t)strlen(there + at) + 1) {
		int has = is_own(there + at) ? has_xattr(from, there + at, e) : 1;
		if (has < 0)
			return -1;
		if (has == 0 && fremovexattr(into, there + at) != 0)
			return error_errno(e, errno, "remove the xattr \"%.80s\"", there + at);
	}
	return size < 0 ? -1 : 0;
}

static int copy_xattrs(int from, int into, struct error *e)
{
	SCOPED_FREE char *names = NULL;
	SCOPED_FREE char *value = malloc(LIMIT_XATTR_VALUE_BYTES);
	if (value == NULL)
		return error_errno(e, ENOMEM, "copy xattrs");
	ssize_t size = list_xattrs(from, &names, e);
	int result = size < 0 ? -1 : 0;
	for (ssize_t at = 0; result == 0 && at < size; at += (ssize_t)strlen(names + at) + 1) {
		if (is_own(names + at))
			result = copy_xattr(from, into, names + at, value, e);
	}
	return result;
}

/* Without an origin overlayfs lists the whiteouts of a directory that the layers lack as names that
 * are not there. An empty one says that it isn't known. */
static int carry_origin(int from, int into, struct error *e)
{
	int needed = has_xattr(from, ORIGIN, e);
	int there = needed > 0 ? has_xattr(into, ORIGIN, e) : 1;
	if (needed < 0 || there < 0)
		return -1;
	if (there == 0 && fsetxattr(into, ORIGIN, "", 0, 0) != 0)
		return error_errno(e, errno, "set " ORIGIN);
	return 0;
}

static int set_flag(int fd, const char *flag, struct error *e)
{
	if (fsetxattr(fd, flag, "y", 1, 0) == 0)
		return 0;
	return error_errno(e, errno, "set %s", flag);
}

int merge_is_opaque(int fd, struct error *e)
{
	return has_flag(fd, OPAQUE, e);
}

int merge_make_opaque(int fd, struct error *e)
{
	return set_flag(fd, OPAQUE, e);
}

static int carry_flag(int from, int into, const char *flag, struct error *e)
{
	int has = has_flag(from, flag, e);
	return has > 0 ? set_flag(into, flag, e) : has;
}

/* Times last: whatever comes into a directory changes them. */
int merge_copy_metadata(int from, int into, struct error *e)
{
	struct stat st;
	if (fstat(from, &st) != 0)
		return error_errno(e, errno, "look at it");
	if (fchown(into, st.st_uid, st.st_gid) != 0)
		return error_errno(e, errno, "set its owner");
	if (remove_other_xattrs(from, into, e) != 0 || copy_xattrs(from, into, e) != 0)
		return -1;
	if (carry_flag(from, into, IMPURE, e) != 0 || carry_origin(from, into, e) != 0)
		return -1;
	const struct timespec times[2] = {st.st_atim, st.st_mtim};
	if (fchmod(into, st.st_mode & 07777) != 0 || futimens(into, times) != 0)
		return error_errno(e, errno, "set its mode and times");
	return 0;
}

/* --- an entry */

/* What was made in the scratch directory takes its place; what had it is removed from there. */
static int place(const struct pair *pair, const char *name, bool replace, struct error *e)
{
	int scratch = pair->merge->request->scratch_fd;
	if (!replace)
		return sys_rename_noreplace(scratch, made, pair->into, name) == 0
			       ? 0
			       : failed(pair, name, "put in place", e);
	if (syscall(SYS_renameat2, scratch, made, pair->into, name, RENAME_SWAP) != 0)
		return failed(pair, name, "replace", e);
	return store_remove(scratch, made, e);
}

static int merge_other(const struct pair *pair, const char *name, const struct stat *from,
	const struct stat *into, struct error *e)
{
	int scratch = pair->merge->request->scratch_fd;
	if (into != NULL && into->st_ino == from->st_ino && into->st_dev == from->st_dev)
		return 0;
	if (linkat(pair->from, name, scratch, made, 0) != 0)
		return failed(pair, name, "link", e);
	return place(pair, name, into != NULL, e);
}

/* A new one, with all its metadata, which hides what the layers have there if it has to. */
static int make_directory(const struct pair *pair, const char *name, int from, bool opaque,
	bool replace, struct error *e)
{
	int scratch = pair->merge->request->scratch_fd;
	if (mkdirat(scratch, made, 0700) != 0)
		return failed(pair, name, "make", e);
	SCOPED_FD fd = openat(scratch, made, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return failed(pair, name, "open", e);
	if ((opaque && set_flag(fd, OPAQUE, e) != 0) || merge_copy_metadata(from, fd, e) != 0)
		return error_wrap(e, "\"%.80s/%.80s\"", pair->path, name);
	return place(pair, name, replace, e);
}

static int remember(
	struct merge *merge, const char *parent, const char *name, bool exact, struct error *e)
{
	char path[LIMIT_PATH_BYTES + 1];
	int length =
		snprintf(path, sizeof path, "%s%s%s", parent, parent[0] == '\0' ? "" : "/", name);
	if (length < 0 || (size_t)length >= sizeof path)
		return error_set(
			e, ERROR_LIMIT, 0, "a path of more than %d bytes", (int)sizeof path - 1);
	return path_list_add(&merge->pending, path, exact, e);
}

/* Where `into` has something else, or nothing: a directory of its own. What is no directory hides
 * what the layers have there, and so must what takes its place. */
static int merge_directory(
	const struct pair *pair, const char *name, const struct stat *into, struct error *e)
{
	SCOPED_FD from =
		sys_openat2(pair->from, name, O_RDONLY | O_DIRECTORY, 0, SYS_RESOLVE_STRICT);
	if (from < 0)
		return failed(pair, name, "open", e);
	int opaque = has_flag(from, OPAQUE, e);
	if (opaque < 0)
		return error_wrap(e, "\"%.80s/%.80s\"", pair->path, name);
	if (into == NULL || !S_ISDIR(into->st_mode)) {
		bool hides = into != NULL && !pair->exact;
		if (make_directory(pair, name, from, hides, into != NULL, e) != 0)
			return -1;
	}
	return remember(pair->merge, pair->path, name, pair->exact || opaque > 0, e);
}

static int merge_entry(const struct pair *pair, const char *name, struct error *e)
{
	struct stat from, into;
	const struct stat *there = &into;
	pair->merge->entries++;
	if (fstatat(pair->from, name, &from, AT_SYMLINK_NOFOLLOW) != 0)
		return failed(pair, name, "look at", e);
	if (fstatat(pair->into, name, &into, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno != ENOENT)
			return failed(pair, name, "look at", e);
		there = NULL;
	}
	return S_ISDIR(from.st_mode) ? merge_directory(pair, name, there, e)
				     : merge_other(pair, name, &from, there, e);
}

/* --- directories */

static int each_entry(int fd, const struct pair *pair,
	int (*visit)(const struct pair *pair, const char *name, struct error *e), struct error *e)
{
	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = again < 0 ? NULL : fdopendir(again);
	const struct dirent *entry;
	int result = 0;
	if (directory == NULL) {
		scope_close(&again);
		return error_errno(e, errno, "read \"%.80s\"", pair->path);
	}
	while (result == 0) {
		errno = 0;
		if ((entry = readdir(directory)) == NULL)
			break;
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			result = visit(pair, entry->d_name, e);
	}
	if (result == 0 && errno != 0)
		result = error_errno(e, errno, "read \"%.80s\"", pair->path);
	(void)closedir(directory);
	return result;
}

static int remove_hidden(const struct pair *pair, const char *name, struct error *e)
{
	struct stat st;
	if (fstatat(pair->from, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (errno != ENOENT)
		return failed(pair, name, "look at", e);
	return store_remove(pair->into, name, e);
}

/* An opaque directory hides from the moment on that it is one, so that comes first. */
static int hide(const struct pair *pair, struct error *e)
{
	if (carry_flag(pair->from, pair->into, OPAQUE, e) != 0)
		return -1;
	return each_entry(pair->into, pair, remove_hidden, e);
}

static int open_pair(struct pair *pair, struct error *e)
{
	const struct merge_request *request = pair->merge->request;
	const char *path = pair->path[0] == '\0' ? "." : pair->path;
	pair->from =
		sys_openat2(request->from_fd, path, O_RDONLY | O_DIRECTORY, 0, SYS_RESOLVE_STRICT);
	pair->into =
		sys_openat2(request->into_fd, path, O_RDONLY | O_DIRECTORY, 0, SYS_RESOLVE_STRICT);
	if (pair->from < 0 || pair->into < 0)
		return error_errno(e, errno, "open \"%.80s\"", pair->path);
	return 0;
}

static int merge_pair(const struct pair *pair, struct error *e)
{
	if (pair->exact && hide(pair, e) != 0)
		return -1;
	if (each_entry(pair->from, pair, merge_entry, e) != 0)
		return -1;
	return merge_copy_metadata(pair->from, pair->into, e);
}

static int merge_path(struct merge *merge, const char *path, bool exact, struct error *e)
{
	struct pair pair = {.merge = merge, .path = path, .from = -1, .into = -1, .exact = exact};
	int result = open_pair(&pair, e);
	if (result == 0)
		result = merge_pair(&pair, e);
	scope_close(&pair.from);
	scope_close(&pair.into);
	return result;
}

int merge_uppers(const struct merge_request *request, uint64_t *entries, struct error *e)
{
	struct merge merge = {.request = request};
	int result = store_remove(request->scratch_fd, made, e);
	if (result == 0)
		result = path_list_add(&merge.pending, "", false, e);
	for (size_t i = 0; result == 0 && i < merge.pending.count; i++) {
		result = merge_path(
			&merge, merge.pending.items[i].path, merge.pending.items[i].value != 0, e);
		if (request->progress != NULL)
			request->progress();
	}
	path_list_free(&merge.pending);
	*entries = merge.entries;
	if (result == 0 && syncfs(request->into_fd) != 0)
		result = error_errno(e, errno, "write it all to the disk");
	return result;
}

#include "scan.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "../layers/ceilings.h"
#include "../layers/scope.h"
#include "../layers/syscalls.h"
#include "interrupt.h"
#include "path_order.h"
#include "report.h"
#include "scan_xattrs.h"

/* --- entries */

void scan_entry_free(struct scan_entry *entry)
{
	for (size_t i = 0; i < entry->xattr_count; i++) {
		free(entry->xattrs[i].name);
		free(entry->xattrs[i].value);
	}
	free(entry->xattrs);
	free(entry->link);
	free(entry->foreign_mark);
	free(entry->path);
}

static int add_entry(struct scan *scan, struct scan_entry **out, struct error *e)
{
	if (scan->count == scan->capacity) {
		size_t capacity = scan->capacity * 2 + 256;
		struct scan_entry *entries = realloc(scan->entries, capacity * sizeof *entries);
		if (entries == NULL)
			return error_set(e, ERROR_NOSPACE, 0, "no memory for so many files");
		scan->entries = entries;
		scan->capacity = capacity;
	}
	*out = &scan->entries[scan->count++];
	**out = (struct scan_entry){0};
	return 0;
}

static int read_link(int dir_fd, const char *name, struct scan_entry *entry, struct error *e)
{
	char target[LIMIT_PATH_BYTES + 1];
	ssize_t length = readlinkat(dir_fd, name, target, sizeof target);
	if (length < 0)
		return error_errno(e, errno, "read the symlink `%s`", entry->path);
	if (length == sizeof target)
		return error_set(e, ERROR_LIMIT, 0, "the symlink `%s` is too long", entry->path);
	entry->link = strndup(target, (size_t)length);
	return entry->link != NULL ? 0 : error_set(e, ERROR_NOSPACE, 0, "no memory");
}

static int join(const char *parent, const char *name, char **out, struct error *e)
{
	if (strlen(parent) + 1 + strlen(name) > LIMIT_PATH_BYTES)
		return error_set(e, ERROR_LIMIT, 0, "a path of more than %u bytes below `%s`",
			LIMIT_PATH_BYTES, parent);
	if (asprintf(out, "%s%s%s", parent, parent[0] != '\0' ? "/" : "", name) < 0) {
		*out = NULL;
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	}
	return 0;
}

/* Which sockets are: nothing that a tar could hold. */
static bool is_left_out(const struct stat *st, const char *path)
{
	if (!S_ISSOCK(st->st_mode))
		return false;
	report_warning("the socket `%s` is left out", path);
	return true;
}

/* A running system goes on: who scans its upper may not want what went away. */
static int note_gone(const struct scan *scan, struct scan_entry *entry, struct error *e)
{
	if (scan->marks == SCAN_MARKS_NONE || e->code != ERROR_MISSING)
		return -1;
	entry->gone = true;
	return 0;
}

static int read_entry(int dir_fd, const char *name, enum scan_marks marks, struct scan_entry *entry,
	struct error *e)
{
	const struct stat *st = &entry->st;
	if (S_ISLNK(st->st_mode) && read_link(dir_fd, name, entry, e) != 0)
		return -1;
	entry->whiteout = marks != SCAN_MARKS_NONE && S_ISCHR(st->st_mode) && st->st_rdev == 0;
	return scan_read_xattrs(dir_fd, name, marks, entry, e);
}

int scan_name(int dir_fd, const char *path, enum scan_marks marks, struct scan_entry *out,
	struct error *e)
{
	const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
	struct scan_entry entry = {.path = strdup(path)};
	if (entry.path == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	int result = fstatat(dir_fd, name, &entry.st, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH);
	if (result != 0)
		result = error_errno(e, errno, "stat `%s`", path);
	else
		result = read_entry(dir_fd, name, marks, &entry, e);
	if (result == 0)
		*out = entry;
	else
		scan_entry_free(&entry);
	return result;
}

static int add_name(
	struct scan *scan, int dir_fd, const char *parent, const char *name, struct error *e)
{
	SCOPED_FREE char *path = NULL;
	struct stat st = {0};
	struct scan_entry *entry;
	if (interrupt_check(e) != 0 || join(parent, name, &path, e) != 0)
		return -1;
	bool there = fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (!there && (errno != ENOENT || scan->marks == SCAN_MARKS_NONE))
		return error_errno(e, errno, "stat `%s`", path);
	if (is_left_out(&st, path))
		return 0;
	if (add_entry(scan, &entry, e) != 0)
		return -1;
	entry->path = SCOPE_TAKE(path);
	entry->st = st;
	entry->gone = !there;
	if (!there || read_entry(dir_fd, name, scan->marks, entry, e) == 0)
		return 0;
	return note_gone(scan, entry, e);
}

static int add_names(struct scan *scan, DIR *dir, const char *path, struct error *e)
{
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(dir);
		if (entry == NULL)
			return errno == 0 ? 0 : error_errno(e, errno, "list `%s`", path);
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (add_name(scan, dirfd(dir), path, entry->d_name, e) != 0)
			return -1;
	}
}

static int add_directory(struct scan *scan, const char *path, struct error *e)
{
	SCOPED_FD fd = sys_openat2(scan->root_fd, path[0] == '\0' ? "." : path,
		O_DIRECTORY | O_RDONLY, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	if (fd < 0)
		return error_errno(e, errno, "open the directory `%s`", path);
	DIR *dir = fdopendir(fd);
	if (dir == NULL)
		return error_errno(e, errno, "list `%s`", path);
	(void)scope_take_fd(&fd);
	int result = add_names(scan, dir, path, e);
	(void)closedir(dir);
	return result;
}

static int compare_entries(const void *a, const void *b)
{
	return path_compare(
		((const struct scan_entry *)a)->path, ((const struct scan_entry *)b)->path);
}

/* One directory after the other as they are found, so that however deep a tree is, one is open. */
static int walk(struct scan *scan, struct error *e)
{
	for (size_t i = 0; i < scan->count; i++) {
		if (!S_ISDIR(scan->entries[i].st.st_mode))
			continue;
		/* The path stays where it is when the entries move. */
		if (add_directory(scan, scan->entries[i].path, e) != 0 &&
			note_gone(scan, &scan->entries[i], e) != 0)
			return -1;
	}
	qsort(scan->entries, scan->count, sizeof *scan->entries, compare_entries);
	return 0;
}

/* --- hard links */

static int compare_inodes(const void *a, const void *b)
{
	const struct scan_entry *x = *(struct scan_entry *const *)a;
	const struct scan_entry *y = *(struct scan_entry *const *)b;
	if (x->st.st_dev != y->st.st_dev)
		return x->st.st_dev < y->st.st_dev ? -1 : 1;
	if (x->st.st_ino != y->st.st_ino)
		return x->st.st_ino < y->st.st_ino ? -1 : 1;
	return x < y ? -1 : x > y;
}

int scan_find_leaders(struct scan *scan, struct error *e)
{
	SCOPED_FREE struct scan_entry **sorted = malloc(scan->count * sizeof *sorted);
	if (sorted == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory for hard links");
	for (size_t i = 0; i < scan->count; i++)
		sorted[i] = &scan->entries[i];
	qsort(sorted, scan->count, sizeof *sorted, compare_inodes);
	for (size_t i = 0; i < scan->count; i++) {
		struct scan_entry *entry = sorted[i];
		const struct scan_entry *before = i == 0 ? NULL : sorted[i - 1];
		entry->leader = (size_t)(entry - scan->entries);
		if (before != NULL && !S_ISDIR(entry->st.st_mode) &&
			before->st.st_dev == entry->st.st_dev &&
			before->st.st_ino == entry->st.st_ino)
			entry->leader = before->leader;
	}
	return 0;
}

static int scan_root(struct scan *scan, struct error *e)
{
	struct scan_entry *entry;
	if (add_entry(scan, &entry, e) != 0)
		return -1;
	entry->path = strdup("");
	if (entry->path == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	if (fstat(scan->root_fd, &entry->st) != 0)
		return error_errno(e, errno, "stat `%s`", scan->root);
	if (scan_read_xattrs(scan->root_fd, "", scan->marks, entry, e) != 0)
		return -1;
	return walk(scan, e);
}

int scan_tree(const char *path, bool root_owned, struct scan *out, struct error *e)
{
	return scan_upper(path, root_owned, SCAN_MARKS_NONE, out, e);
}

int scan_upper(
	const char *path, bool root_owned, enum scan_marks marks, struct scan *out, struct error *e)
{
	*out = (struct scan){.below_fd = -1, .root = path, .marks = marks};
	out->root_fd = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (out->root_fd < 0)
		return error_errno(e, errno, "open the directory `%s`", path);
	if (scan_root(out, e) != 0 || scan_find_leaders(out, e) != 0) {
		(void)error_wrap(e, "`%s`", path);
		scan_free(out);
		return -1;
	}
	for (size_t i = 0; root_owned && i < out->count; i++)
		out->entries[i].st.st_uid = out->entries[i].st.st_gid = 0;
	return 0;
}

int scan_filter(struct scan *scan, bool (*keep)(void *context, const struct scan_entry *entry),
	void *context, struct error *e)
{
	size_t kept = 0;
	for (size_t i = 0; i < scan->count; i++) {
		struct scan_entry entry = scan->entries[i];
		if (keep(context, &entry))
			scan->entries[kept++] = entry;
		else
			scan_entry_free(&entry);
	}
	scan->count = kept;
	return scan_find_leaders(scan, e);
}

const char *scan_root_of(const struct scan *scan, const struct scan_entry *entry)
{
	return entry->below ? scan->below : scan->root;
}

int scan_refuse_gone(const struct scan *scan, struct error *e)
{
	for (size_t i = 0; i < scan->count; i++) {
		if (scan->entries[i].gone)
			return error_set(e, ERROR_IO, 0, "`%s/%s` was removed while it was read",
				scan_root_of(scan, &scan->entries[i]), scan->entries[i].path);
	}
	return 0;
}

int scan_refuse_whiteouts(const struct scan *scan, struct error *e)
{
	for (size_t i = 0; i < scan->count; i++) {
		const char *path = scan->entries[i].path;
		const char *slash = strrchr(path, '/');
		if (strncmp(slash == NULL ? path : slash + 1, ".wh.", 4) == 0)
			return error_set(e, ERROR_WHITEOUT, 0,
				"`%s/%s`: a layer can't hold a file of such a name",
				scan_root_of(scan, &scan->entries[i]), path);
	}
	return 0;
}

void scan_free(struct scan *scan)
{
	for (size_t i = 0; i < scan->count; i++)
		scan_entry_free(&scan->entries[i]);
	free(scan->entries);
	scope_close(&scan->root_fd);
	scope_close(&scan->below_fd);
	*scan = (struct scan)SCAN_INIT;
}

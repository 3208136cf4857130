/*
 * A fresh directory on tmpfs with a destination in it and canaries around: what is outside the
 * destination is listed when it is made (inode, mode, owner, times, xattrs, content) and must be
 * the same later.
 *
 *     <path>/canary/...      never to be touched
 *     <path>/work/beside     a file next to the destination
 *     <path>/work/root       the destination
 */
#ifndef PLYBOOT_TEST_SANDBOX_H
#define PLYBOOT_TEST_SANDBOX_H

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "bytes.h"
#include "errors.h"
#include "layers/store.h"

/* --- listings -----------------------------------------------------------------------------------
 */

enum {
	LIST_IDENTITY = 1, /* inode, nlink and ctime too */
	LIST_TIMELESS = 2  /* no times */
};

struct listing {
	const char *skip; /* a path not to look into, or NULL */
	int flags;
	struct bytes text;
	/* inodes with more than one name, and the name that came first */
	struct seen {
		ino_t inode;
		char *path;
	} * seen;
	size_t seen_count;
};

static inline void list_text(struct listing *to, const char *text)
{
	bytes_add(&to->text, text, strlen(text));
}

static inline void list_quoted(struct listing *to, const void *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		uint8_t byte = ((const uint8_t *)data)[i];
		char text[8];
		if (byte > ' ' && byte < 0x7f && byte != '\\')
			(void)snprintf(text, sizeof text, "%c", byte);
		else
			(void)snprintf(text, sizeof text, "\\%02x", byte);
		list_text(to, text);
	}
}

static inline int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static inline void list_xattrs(struct listing *to, const char *path)
{
	static char names[65536], value[65536 + 1];
	char *sorted[1024];
	size_t count = 0;
	ssize_t size = llistxattr(path, names, sizeof names);
	for (ssize_t at = 0; at < size; at += (ssize_t)strlen(names + at) + 1)
		sorted[count++] = names + at;
	qsort(sorted, count, sizeof *sorted, compare_names);
	for (size_t i = 0; i < count; i++) {
		ssize_t length = lgetxattr(path, sorted[i], value, sizeof value);
		list_text(to, " ");
		list_quoted(to, sorted[i], strlen(sorted[i]));
		list_text(to, "=");
		list_quoted(to, value, length < 0 ? 0 : (size_t)length);
	}
}

static inline void list_contents(struct listing *to, const char *path, const struct stat *st)
{
	static char buffer[65536];
	if (S_ISLNK(st->st_mode)) {
		ssize_t length = readlink(path, buffer, sizeof buffer);
		list_text(to, " -> ");
		list_quoted(to, buffer, length < 0 ? 0 : (size_t)length);
	} else if (S_ISREG(st->st_mode)) {
		int fd = open(path, O_RDONLY | O_NOATIME);
		struct sha256 hash;
		struct digest digest;
		char hex[DIGEST_HEX + 1];
		sha256_start(&hash);
		for (ssize_t got; (got = read(fd, buffer, sizeof buffer)) > 0;)
			sha256_update(&hash, buffer, (size_t)got);
		(void)close(fd);
		sha256_finish(&hash, &digest);
		digest_format_hex(&digest, hex);
		hex[16] = '\0';
		list_text(to, " ");
		list_text(to, hex);
	}
}

/* "same as" the first name of an inode, or nothing. */
static inline void list_links(struct listing *to, const char *name, const struct stat *st)
{
	if (st->st_nlink < 2 || S_ISDIR(st->st_mode))
		return;
	for (size_t i = 0; i < to->seen_count; i++) {
		if (to->seen[i].inode == st->st_ino) {
			list_text(to, " same as ");
			list_quoted(to, to->seen[i].path, strlen(to->seen[i].path));
			return;
		}
	}
	to->seen = reallocarray(to->seen, to->seen_count + 1, sizeof *to->seen);
	if (to->seen == NULL)
		abort();
	to->seen[to->seen_count++] = (struct seen){st->st_ino, strdup(name)};
}

static inline void list_one(
	struct listing *to, const char *path, const char *name, const struct stat *st)
{
	char text[256];
	list_quoted(to, name, strlen(name));
	bool timeless = (to->flags & LIST_TIMELESS) != 0 ||
			(S_ISCHR(st->st_mode) && st->st_rdev == 0); /* nobody sees a whiteout's */
	(void)snprintf(text, sizeof text, " %06o %u:%u %lld.%09ld", (unsigned)st->st_mode,
		(unsigned)st->st_uid, (unsigned)st->st_gid,
		timeless ? 0 : (long long)st->st_mtim.tv_sec, timeless ? 0 : st->st_mtim.tv_nsec);
	list_text(to, text);
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) {
		(void)snprintf(text, sizeof text, " %u,%u", major(st->st_rdev), minor(st->st_rdev));
		list_text(to, text);
	}
	if (S_ISREG(st->st_mode)) {
		(void)snprintf(text, sizeof text, " %lld", (long long)st->st_size);
		list_text(to, text);
	}
	if (to->flags & LIST_IDENTITY) {
		(void)snprintf(text, sizeof text, " inode %llu nlink %llu ctime %lld.%09ld",
			(unsigned long long)st->st_ino, (unsigned long long)st->st_nlink,
			(long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
		list_text(to, text);
	}
	list_contents(to, path, st);
	list_links(to, name, st);
	list_xattrs(to, path);
	list_text(to, "\n");
}

static inline void list_below(struct listing *to, const char *path, const char *name)
{
	struct stat st;
	if (to->skip != NULL && strcmp(path, to->skip) == 0)
		return;
	if (lstat(path, &st) != 0) {
		list_text(to, "cannot stat\n");
		return;
	}
	list_one(to, path, name, &st);
	DIR *dir = S_ISDIR(st.st_mode) ? opendir(path) : NULL;
	if (dir == NULL)
		return;
	char **names = NULL;
	size_t count = 0;
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		names = reallocarray(names, count + 1, sizeof *names);
		if (names == NULL)
			abort();
		names[count++] = strdup(entry->d_name);
	}
	(void)closedir(dir);
	if (count > 0)
		qsort(names, count, sizeof *names, compare_names);
	for (size_t i = 0; i < count; i++) {
		char *child = NULL, *child_name = NULL;
		if (asprintf(&child, "%s/%s", path, names[i]) < 0 ||
			asprintf(&child_name, "%s/%s", name, names[i]) < 0)
			abort();
		list_below(to, child, child_name);
		free(child);
		free(child_name);
		free(names[i]);
	}
	free(names);
}

/* One line for each file at and below `path`; the caller frees the text. */
static inline struct bytes list_tree(const char *path, const char *skip, int flags)
{
	struct listing to = {.skip = skip, .flags = flags};
	list_below(&to, path, ".");
	bytes_add(&to.text, "", 1);
	for (size_t i = 0; i < to.seen_count; i++)
		free(to.seen[i].path);
	free(to.seen);
	return to.text;
}

/* True when they are the same; else the first line that differs is shown. */
static inline bool same_listing(const struct bytes *got, const struct bytes *want)
{
	const char *a = (const char *)got->data, *b = (const char *)want->data;
	if (strcmp(a, b) == 0)
		return true;
	while (*a != '\0' && *b != '\0') {
		size_t x = strcspn(a, "\n"), y = strcspn(b, "\n");
		if (x != y || strncmp(a, b, x) != 0)
			break;
		a += x + (a[x] == '\n');
		b += y + (b[y] == '\n');
	}
	printf("#  got: %.*s\n# want: %.*s\n", (int)strcspn(a, "\n"), a, (int)strcspn(b, "\n"), b);
	return false;
}

/* --- the sandbox --------------------------------------------------------------------------------
 */

struct sandbox {
	char path[128];
	char root[160];
	int root_fd;
	struct bytes before;
};

static inline const char *scratch_parent(void)
{
	struct statfs fs;
	const long tmpfs = 0x01021994;
	if (statfs("/dev/shm", &fs) == 0 && (long)fs.f_type == tmpfs &&
		access("/dev/shm", W_OK) == 0)
		return "/dev/shm";
	const char *parent = getenv("TMPDIR");
	return parent != NULL && strlen(parent) < 80 ? parent : "/tmp";
}

/* An empty directory of our own. */
static inline void scratch_make(char path[128])
{
	(void)snprintf(path, 128, "%s/plyboot-test.XXXXXX", scratch_parent());
	if (mkdtemp(path) == NULL)
		abort();
}

static inline void scratch_remove(const char *path)
{
	struct error e;
	if (store_remove(AT_FDCWD, path, &e) != 0)
		printf("# cannot remove %s: %s\n", path, e.text);
}

static inline void write_file(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size || close(fd) != 0)
		abort();
}

static inline const char *in_sandbox(const struct sandbox *sandbox, const char *path)
{
	static char full[4][PATH_MAX];
	static unsigned turn;
	char *to = full[turn++ % 4];
	(void)snprintf(to, PATH_MAX, "%s/%s", sandbox->path, path);
	return to;
}

static inline struct bytes sandbox_outside(const struct sandbox *sandbox)
{
	return list_tree(sandbox->path, sandbox->root, LIST_IDENTITY);
}

static inline void sandbox_open(struct sandbox *sandbox)
{
	*sandbox = (struct sandbox){0};
	scratch_make(sandbox->path);
	(void)snprintf(sandbox->root, sizeof sandbox->root, "%s/work/root", sandbox->path);
	int failed = mkdir(in_sandbox(sandbox, "canary"), 0750) != 0;
	failed |= mkdir(in_sandbox(sandbox, "canary/directory"), 0700) != 0;
	failed |= mkdir(in_sandbox(sandbox, "work"), 0755) != 0;
	failed |= mkdir(sandbox->root, 0755) != 0;
	write_file(in_sandbox(sandbox, "canary/file"), "tweet", 5);
	write_file(in_sandbox(sandbox, "canary/directory/file"), "chirp", 5);
	write_file(in_sandbox(sandbox, "work/beside"), "peep", 4);
	failed |= symlink("file", in_sandbox(sandbox, "canary/link")) != 0;
	(void)setxattr(in_sandbox(sandbox, "canary/file"), "user.canary", "yellow", 6, 0);
	sandbox->root_fd = open(sandbox->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (failed || sandbox->root_fd < 0)
		abort();
	sandbox->before = sandbox_outside(sandbox);
}

/* Is all outside the destination as it was? */
static inline bool sandbox_untouched(const struct sandbox *sandbox)
{
	struct bytes now = sandbox_outside(sandbox);
	bool same = same_listing(&now, &sandbox->before);
	bytes_free(&now);
	return same;
}

static inline bool sandbox_root_is_empty(const struct sandbox *sandbox)
{
	struct stat st;
	bool empty = true;
	DIR *dir = opendir(sandbox->root);
	if (dir == NULL || fstat(sandbox->root_fd, &st) != 0)
		abort();
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
		empty &= entry->d_name[0] == '.' &&
			 (entry->d_name[1] == '\0' || entry->d_name[1] == '.');
	(void)closedir(dir);
	return empty;
}

static inline void sandbox_close(struct sandbox *sandbox)
{
	(void)close(sandbox->root_fd);
	scratch_remove(sandbox->path);
	bytes_free(&sandbox->before);
}

/* Files of root's, device nodes and trusted xattrs: without them there is nothing to test. */
static inline bool have_root(void)
{
	if (geteuid() == 0)
		return true;
	printf("1..0 # SKIP needs root\n");
	return false;
}

#endif

/*
 * Real overlays on a tmpfs of the test's own, in its own mount namespace: trees that change at
 * random, and what is to be seen of them, as text.
 */
#ifndef PLYBOOT_TEST_OVERLAYS_H
#define PLYBOOT_TEST_OVERLAYS_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "digest.h"
#include "random.h"
#include "store.h"

#define MUST(expression)                                                                           \
	do {                                                                                       \
		if (!(expression)) {                                                               \
			printf("Bail out! %s:%d: %s: %s\n", __FILE__, __LINE__, #expression,       \
				strerror(errno));                                                  \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

/* The current directory is an empty tmpfs from here on, which nobody else sees. */
static inline void overlays_start(void)
{
	char path[] = "/tmp/plyboot-overlays.XXXXXX";
	MUST(unshare(CLONE_NEWNS) == 0);
	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	MUST(mkdtemp(path) != NULL);
	MUST(mount("test", path, "tmpfs", 0, "mode=0755") == 0 && chdir(path) == 0);
}

/* The name that a tmpfs was mounted on can be removed once nobody is in it. */
static inline void overlays_end(void)
{
	char path[256];
	MUST(getcwd(path, sizeof path) != NULL && chdir("/") == 0);
	MUST(umount2(path, MNT_DETACH) == 0 && rmdir(path) == 0);
}

static inline void make_empty(const char *name)
{
	struct error e;
	MUST(store_remove(AT_FDCWD, name, &e) == 0 && mkdir(name, 0755) == 0);
}

/* At "m"; `lowers`: top first, with colons. */
static inline void overlay_on(const char *lowers, const char *upper)
{
	char options[512];
	make_empty("w");
	(void)mkdir("m", 0755);
	(void)snprintf(options, sizeof options,
		"lowerdir=%s,upperdir=%s,workdir=w,metacopy=off,redirect_dir=nofollow,index=off,"
		"nfs_export=off,xino=off",
		lowers, upper);
	MUST(mount("test", "m", "overlay", 0, options) == 0);
}

static inline void overlay_off(void)
{
	MUST(umount("m") == 0);
}

/* --- changes */

/* Few names, so that they meet. */
static inline void random_path(uint64_t *seed, const char *top, char out[64])
{
	size_t depth = 1 + random_below(seed, 4);
	(void)snprintf(out, 64, "%s", top);
	for (size_t i = 0; i < depth; i++) {
		size_t used = strlen(out);
		(void)snprintf(out + used, 64 - used, "/%c", (char)('a' + random_below(seed, 4)));
	}
}

static inline void write_something(uint64_t *seed, const char *path)
{
	char text[24];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return;
	int length = snprintf(
		text, sizeof text, "%llu", (unsigned long long)random_below(seed, 1000000));
	MUST(write(fd, text, (size_t)length) == length && close(fd) == 0);
}

static inline void stamp(uint64_t *seed, const char *path)
{
	struct timespec times[2] = {{.tv_sec = (time_t)random_below(seed, 100000)},
		{.tv_sec = (time_t)random_below(seed, 100000), .tv_nsec = 123456789}};
	(void)utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
}

/* Most of these may fail, for what is there or is not; then they change nothing. */
static inline void change_at_random(uint64_t *seed, const char *top)
{
	struct error e;
	char path[64], other[64];
	random_path(seed, top, path);
	random_path(seed, top, other);
	/* Near the top rather a directory than one less, so that there is something below. */
	uint64_t what = random_below(seed, 14);
	if (strlen(path) - strlen(top) == 2 && what != 5 && random_below(seed, 8) != 0)
		what = what < 8 ? 3 : what % 2 == 0 ? 8 : 13;
	switch (what) {
	case 0:
	case 1:
	case 2:
		write_something(seed, path);
		break;
	case 3:
	case 4:
	case 5:
		(void)mkdir(path, 0755);
		break;
	case 6:
		(void)store_remove(AT_FDCWD, path, &e);
		break;
	case 7:
		(void)rename(path, other);
		break;
	case 8:
		(void)chmod(path, (mode_t)(0700 | random_below(seed, 64)));
		break;
	case 9:
		(void)chown(path, (uid_t)random_below(seed, 5), (gid_t)random_below(seed, 5));
		break;
	case 10:
		if (random_below(seed, 2) == 0)
			(void)setxattr(path, "trusted.a", other, random_below(seed, 6), 0);
		else
			(void)removexattr(path, "trusted.a");
		break;
	case 11:
		(void)symlink(other, path);
		break;
	case 12:
		(void)link(path, other);
		break;
	default:
		stamp(seed, path);
	}
}

/* --- what is to be seen */

struct view {
	char *text; /* owned */
	size_t size_bytes, capacity;
	struct {
		ino_t inode;
		unsigned number;
	} seen[256]; /* which names are one file */
	size_t seen_count;
};

__attribute__((format(printf, 2, 3))) static inline void view_add(
	struct view *view, const char *format, ...)
{
	va_list args;
	if (view->capacity - view->size_bytes < 8192) {
		view->capacity += 65536;
		MUST((view->text = realloc(view->text, view->capacity)) != NULL);
	}
	va_start(args, format);
	view->size_bytes += (size_t)vsnprintf(
		view->text + view->size_bytes, view->capacity - view->size_bytes, format, args);
	va_end(args);
}

static inline unsigned view_number(struct view *view, ino_t inode)
{
	for (size_t i = 0; i < view->seen_count; i++) {
		if (view->seen[i].inode == inode)
			return view->seen[i].number;
	}
	MUST(view->seen_count < sizeof view->seen / sizeof view->seen[0]);
	view->seen[view->seen_count].inode = inode;
	view->seen[view->seen_count].number = (unsigned)view->seen_count;
	return (unsigned)view->seen_count++;
}

static inline void view_contents(struct view *view, const char *path, const struct stat *st)
{
	char bytes[256], value[64];
	ssize_t size = 0;
	if (S_ISLNK(st->st_mode))
		size = readlink(path, bytes, sizeof bytes);
	else if (S_ISREG(st->st_mode)) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		MUST(fd >= 0 && (size = read(fd, bytes, sizeof bytes)) >= 0 && close(fd) == 0);
	}
	view_add(view, " \"%.*s\"", (int)size, bytes);
	ssize_t length = lgetxattr(path, "trusted.a", value, sizeof value);
	if (length >= 0)
		view_add(view, " a=%.*s", (int)length, value);
	if (!S_ISDIR(st->st_mode))
		view_add(view, " #%u", view_number(view, st->st_ino));
}

static inline int view_order(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static inline void view_tree(struct view *view, const char *path, unsigned skip)
{
	struct stat st;
	struct dirent **list;
	if (lstat(path, &st) != 0) {
		view_add(view, "%s GHOST\n", path + skip);
		return;
	}
	view_add(view, "%s %o %u:%u %llx %lld.%09ld", path + skip, st.st_mode, st.st_uid, st.st_gid,
		(unsigned long long)st.st_rdev, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	view_contents(view, path, &st);
	view_add(view, "\n");
	if (!S_ISDIR(st.st_mode))
		return;
	int count = scandir(path, &list, NULL, view_order);
	MUST(count >= 0 && strlen(path) < 250);
	for (int i = 0; i < count; i++) {
		char below[512];
		(void)snprintf(below, sizeof below, "%s/%s", path, list[i]->d_name);
		if (strcmp(list[i]->d_name, ".") != 0 && strcmp(list[i]->d_name, "..") != 0)
			view_tree(view, below, skip);
		free(list[i]);
	}
	free(list);
}

/* All below a directory; the caller frees. */
static inline char *view_of(const char *top)
{
	struct view view = {.text = NULL};
	view_tree(&view, top, (unsigned)strlen(top));
	return view.text;
}

static inline char *view_overlay(const char *lowers, const char *upper)
{
	overlay_on(lowers, upper);
	char *text = view_of("m");
	overlay_off();
	return text;
}

/* The first line that differs, for a person. */
static inline bool same_view(const char *is, const char *wanted)
{
	if (strcmp(is, wanted) == 0)
		return true;
	while (*is != '\0' && strcspn(is, "\n") == strcspn(wanted, "\n") &&
		strncmp(is, wanted, strcspn(is, "\n")) == 0) {
		is += strcspn(is, "\n") + 1;
		wanted += strcspn(wanted, "\n") + 1;
	}
	printf("# is %.*s\n# not %.*s\n", (int)strcspn(is, "\n"), is, (int)strcspn(wanted, "\n"),
		wanted);
	return false;
}

#endif

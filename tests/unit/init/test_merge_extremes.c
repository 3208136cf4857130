/*
 * init/merge.c where it meets what a path, a file system or a kernel has limits for, which anybody
 * on the trial's system can reach.
 */
#include "init/merge.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "errors.h"
#include "overlays.h"

static unsigned steps;

static void count_step(void)
{
	steps++;
}

static int merge_with(void (*progress)(void), struct error *e)
{
	uint64_t entries;
	const struct merge_request request = {
		.from_fd = open("trial", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.into_fd = open("base", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.scratch_fd = open("scratch", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.progress = progress};
	MUST(request.from_fd >= 0 && request.into_fd >= 0 && request.scratch_fd >= 0);
	*e = (struct error){.code = ERROR_NONE};
	steps = 0;
	int result = merge_uppers(&request, &entries, e);
	(void)close(request.from_fd);
	(void)close(request.into_fd);
	(void)close(request.scratch_fd);
	return result;
}

static void begin(void)
{
	make_empty("trial");
	make_empty("base");
	make_empty("scratch");
}

static bool merges(void)
{
	struct error e;
	int result = merge_with(count_step, &e);
	if (result != 0)
		printf("# %s: %s\n", error_code_name(e.code), e.text);
	return result == 0 && rmdir("scratch") == 0 && mkdir("scratch", 0755) == 0;
}

/* --- depth */

static int go_into(int fd, const char *name)
{
	int below = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	(void)close(fd);
	return below;
}

/* The last of `depth` directories of one name, each in the other. */
static int make_deep(const char *top, const char *name, unsigned depth)
{
	int fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (unsigned i = 0; i < depth; i++) {
		MUST(mkdirat(fd, name, 0755) == 0 || errno == EEXIST);
		MUST((fd = go_into(fd, name)) >= 0);
	}
	return fd;
}

static bool is_deep(const char *top, const char *name, unsigned depth, const char *last)
{
	struct stat st;
	int fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (unsigned i = 0; i < depth && fd >= 0; i++)
		fd = go_into(fd, name);
	bool there = fd >= 0 && fstatat(fd, last, &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (fd >= 0)
		(void)close(fd);
	return there;
}

static void long_name(char out[201])
{
	memset(out, 'n', 200);
	out[200] = '\0';
}

/* Each with a file that is to be seen below, and siblings at both ends that come before or after.
 */
static void put_deep(const char *top, const char *name, unsigned depth, const char *last)
{
	int fd = make_deep(top, name, depth);
	MUST(mkdirat(fd, last, 0700) == 0 && close(fd) == 0);
}

static void deeper_than_a_path(void)
{
	char name[201];
	long_name(name);
	begin();
	put_deep("trial", name, 25, "last");
	ok(merges() && is_deep("base", name, 25, "last"), "a path of 5,025 bytes is merged");
	put_deep("trial", name, 25, "later");
	ok(merges() && is_deep("base", name, 25, "later"), "  and again, over what is there");
}

/* However deep it goes; and siblings come before or after. */
static void few_descriptors(void)
{
	const unsigned depth = 3000;
	const struct rlimit few = {.rlim_cur = 24, .rlim_max = 24};
	begin();
	put_deep("trial", "d", depth, "last");
	MUST(mkdir("trial/a", 0755) == 0 && mkdir("trial/z", 0755) == 0);
	(void)fflush(stdout);
	pid_t child = fork();
	MUST(child >= 0);
	if (child == 0) {
		MUST(setrlimit(RLIMIT_NOFILE, &few) == 0);
		_exit(merges() ? 0 : 1);
	}
	int status;
	MUST(waitpid(child, &status, 0) == child);
	ok(status == 0 && is_deep("base", "d", depth, "last") && access("base/a", F_OK) == 0 &&
			access("base/z", F_OK) == 0,
		"3,000 directories, each in the other, with 24 descriptors");
}

/* PID 1 has no memory for the paths of all of them. Under a sanitizer what is freed stays. */
static void little_memory(void)
{
#ifndef __SANITIZE_ADDRESS__
	char name[201], number[201];
	struct rusage usage;
	long_name(name);
	begin();
	int fd = make_deep("trial", name, 18), status;
	for (int i = 0; i < 4000; i++) {
		(void)snprintf(number, sizeof number, "%0200d", i);
		MUST(mkdirat(fd, number, 0755) == 0);
	}
	(void)close(fd);
	(void)fflush(stdout);
	pid_t child = fork();
	MUST(child >= 0);
	if (child == 0)
		_exit(merges() ? 0 : 1);
	MUST(wait4(child, &status, 0, &usage) == child);
	ok(status == 0 && usage.ru_maxrss < 8192,
		"4,000 directories with long names, 18 levels deep: %ld KiB", usage.ru_maxrss);
#endif
}

/* At the third directory somebody moves the one that the merge is in. */
static void move_it(void)
{
	count_step();
	if (steps == 3)
		MUST(rename("trial/a/b", "trial/elsewhere") == 0);
}

static void moved_meanwhile(void)
{
	struct error e;
	begin();
	MUST(mkdir("trial/a", 0755) == 0 && mkdir("trial/a/b", 0755) == 0);
	int result = merge_with(move_it, &e);
	(void)error_is(result, &e, ERROR_IO, "a directory that is moved while it is merged");
	ok(strstr(e.text, "`/a/b` was moved") != NULL, "  by its name: %s", e.text);
	ok(merges() && access("base/elsewhere", F_OK) == 0, "  and the next merge ends it");
}

static void far_down(void)
{
	struct error e;
	char name[201];
	long_name(name);
	begin();
	int fd = make_deep("trial", name, 25);
	MUST(mkdirat(fd, "here", 0755) == 0 && close(fd) == 0);
	fd = make_deep("base", name, 25);
	MUST(mkdirat(fd, "here", 0755) == 0);
	MUST((fd = go_into(fd, "here")) >= 0);
	int top = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	MUST(top >= 0 && fchdir(fd) == 0 && mount("test", ".", "tmpfs", 0, NULL) == 0);
	MUST(fchdir(top) == 0 && close(top) == 0 && close(fd) == 0);
	int result = merge_with(NULL, &e);
	(void)error_is(result, &e, ERROR_IO, "what is mounted far below is not gone into");
	ok(e.sys_errno == EXDEV && strstr(e.text, "`...") != NULL &&
			strstr(e.text, "n/here`") != NULL,
		"  the end of its path is told");
}

/* --- names of one file */

/* On a file system with 65,000 names for a file at most. */
static void ext4_on(void)
{
	MUST(system("truncate -s 64M image && mkfs.ext4 -q -F -O ^has_journal image && mkdir -p e "
		    "&& "
		    "mount -o loop image e") == 0);
	MUST(chdir("e") == 0);
}

static void ext4_off(void)
{
	MUST(chdir("..") == 0 && umount("e") == 0);
}

enum { MOST_NAMES = 65000 };

/* All the names that a file can have; the further ones in a directory. */
static void use_up(const char *path, const char *directory)
{
	char name[64];
	MUST(mkdir(directory, 0755) == 0);
	for (unsigned i = 1; i < MOST_NAMES; i++) {
		(void)snprintf(name, sizeof name, "%s/%u", directory, i);
		MUST(link(path, name) == 0);
	}
}

static bool is_whiteout(const char *path, struct stat *st)
{
	return lstat(path, st) == 0 && S_ISCHR(st->st_mode) && st->st_rdev == 0;
}

static unsigned count_whiteouts(const char *directory)
{
	unsigned count = 0;
	char name[64];
	struct stat st;
	for (unsigned i = 1; i < MOST_NAMES; i++) {
		(void)snprintf(name, sizeof name, "%s/%u", directory, i);
		count += is_whiteout(name, &st);
	}
	return count;
}

/* So many that they are names of two others when they are merged. */
static void whiteouts_of_one_inode(void)
{
	struct stat a, b, c, again;
	begin();
	MUST(mknod("trial/a", S_IFCHR, 0) == 0 && mknod("trial/c", S_IFCHR, 0) == 0);
	MUST(mknod("base/c", S_IFCHR, 0) == 0 && lstat("base/c", &c) == 0);
	use_up("trial/a", "trial/b");
	ok(merges(), "whiteouts with all the names that an inode can have");
	ok(is_whiteout("base/a", &a) && count_whiteouts("base/b") == MOST_NAMES - 1,
		"  are whiteouts");
	ok(is_whiteout("base/b/1", &b) && is_whiteout("base/b/64999", &again) &&
			(a.st_nlink == MOST_NAMES - 1 || b.st_nlink == MOST_NAMES - 1),
		"  of two others, as few as can be");
	ok(is_whiteout("base/c", &again) && again.st_ino == c.st_ino,
		"  what was one already stays it");
	ok(merges() && is_whiteout("base/a", &again) && again.st_ino == a.st_ino,
		"  and the next merge changes nothing");
}

static void file_of_all_names(void)
{
	struct error e;
	MUST(rename("trial", "old-trial") == 0 &&
		rename("base", "old-base") == 0); /* quickly gone */
	begin();
	MUST(mkdir("trial/d", 0755) == 0 && system("echo 1 >trial/d/f") == 0);
	use_up("trial/d/f", "names");
	int result = merge_with(NULL, &e);
	(void)error_is(result, &e, ERROR_IO, "a file with all the names that one can have");
	ok(e.sys_errno == EMLINK && strncmp(e.text, "link `/d/f`: ", 13) == 0,
		"  which and why: %s", e.text);
	ok(access("base/d/f", F_OK) != 0 && rmdir("scratch") == 0, "  nothing is left behind");
}

/* --- marks of overlayfs */

static bool has(const char *path, const char *name, const char *value)
{
	char is[32];
	ssize_t size = lgetxattr(path, name, is, sizeof is);
	return value == NULL
		       ? size < 0 && errno == ENODATA
		       : size == (ssize_t)strlen(value) && memcmp(is, value, strlen(value)) == 0;
}

static void put_xattr(const char *path, const char *name, const char *value)
{
	(void)mkdir(path, 0755);
	MUST(setxattr(path, name, value, strlen(value), 0) == 0);
}

#define PROTECTED "trusted.overlay.protattr"
#define NESTED "trusted.overlay.overlay.opaque"

static bool can_write_in(const char *lowers, const char *upper)
{
	overlay_on(lowers, upper);
	bool can = mkdir("m/was/x", 0755) == 0 && rmdir("m/was/x") == 0;
	overlay_off();
	return can;
}

/* What chattr +i and +a make of a directory. */
static void protected_directories(void)
{
	begin();
	make_empty("layers");
	put_xattr("base/was", PROTECTED, "i");
	put_xattr("base/other", PROTECTED, "i");
	MUST(mkdir("base/is", 0755) == 0 && mkdir("trial/was", 0755) == 0);
	put_xattr("trial/is", PROTECTED, "i");
	put_xattr("trial/new", PROTECTED, "a");
	put_xattr("trial/other", PROTECTED, "ai");
	ok(can_write_in("base:layers", "trial") && !can_write_in("layers", "base"),
		"a directory that was protected is not on trial");
	ok(merges() && has("base/was", PROTECTED, NULL) && can_write_in("layers", "base"),
		"  nor once it is merged");
	ok(has("base/is", PROTECTED, "i") && has("base/other", PROTECTED, "ai") &&
			has("base/new", PROTECTED, "a"),
		"  those that are, are");
}

static void marks_of_nested_overlays(void)
{
	begin();
	put_xattr("base/was", NESTED, "y");
	put_xattr("trial/is", NESTED, "y");
	put_xattr("trial/is", "trusted.overlay.redirect", "/x");
	put_xattr("base/is", "trusted.overlay.uuid", "1");
	MUST(mkdir("trial/was", 0755) == 0);
	ok(merges() && has("base/is", NESTED, "y") && has("base/was", NESTED, NULL),
		"marks of an overlay within are attributes like others");
	ok(has("base/is", "trusted.overlay.redirect", NULL) &&
			has("base/is", "trusted.overlay.uuid", "1"),
		"  its own are not");
}

/* --- the watchdog */

static void make_many(const char *top, unsigned count)
{
	char name[64];
	for (unsigned i = 0; i < count; i++) {
		(void)snprintf(name, sizeof name, "%s/%u", top, i);
		MUST(mknod(name, S_IFREG, 0) == 0);
	}
}

static void often_enough(void)
{
	begin();
	MUST(mkdir("trial/d", 0755) == 0);
	make_many("trial/d", 5000);
	bool good = merges();
	ok(good && steps >= 10 && steps < 1000, "5,000 files of a directory: %u steps", steps);
	begin();
	put_xattr("trial/d", "trusted.overlay.opaque", "y");
	MUST(mkdir("base/d", 0755) == 0);
	make_many("base/d", 5000);
	good = merges();
	ok(good && steps >= 10 && steps < 1000, "5,000 that are hidden: %u steps", steps);
}

int main(void)
{
	overlays_start();
	deeper_than_a_path();
	few_descriptors();
	little_memory();
	moved_meanwhile();
	protected_directories();
	marks_of_nested_overlays();
	often_enough();
	ext4_on();
	whiteouts_of_one_inode();
	file_of_all_names();
	ext4_off();
	far_down();
	overlays_end();
	return done();
}

/* init/seed.c: a copy is the tree, entry for entry, and there whole or not at all, whatever fails.
 */
#include "faults.h"

#include <sys/statvfs.h>

#include "init/seed.h"
#include "layers/sandbox.h"

FAULTS_CALL(syncfs, (int fd), (fd))
FAULTS_CALL(ftruncate, (int fd, off_t size), (fd, size))
FAULTS_WRAP(ssize_t, readlinkat, (int fd, const char *path, char *out, size_t size),
	(fd, path, out, size), FAULTS_SYSTEM, -1)

/* What the other file system says that it has. */
static fsblkcnt_t free_blocks;
static fsfilcnt_t free_inodes;

int __real_fstatvfs(int fd, struct statvfs *out);
int __wrap_fstatvfs(int fd, struct statvfs *out);
int __wrap_fstatvfs(int fd, struct statvfs *out)
{
	(void)fd;
	if (faults_due(FAULTS_SYSTEM, "fstatvfs"))
		return -1;
	*out = (struct statvfs){.f_frsize = 4096, .f_bavail = free_blocks, .f_favail = free_inodes};
	return 0;
}

static struct sandbox sandbox;
static char image[200]; /* what is copied, to `paths` beside it */
static char paths[200];
static int image_fd, paths_fd;
static unsigned alive_calls;

static void alive(void)
{
	alive_calls++;
}

static const char *in(const char *directory, const char *path)
{
	static char full[4][PATH_MAX];
	static unsigned turn;
	char *to = full[turn++ % 4];
	(void)snprintf(to, PATH_MAX, "%s/%s", directory, path);
	return to;
}

static void start(void)
{
	sandbox_open(&sandbox);
	(void)snprintf(image, sizeof image, "%s/image", sandbox.root);
	(void)snprintf(paths, sizeof paths, "%s/paths", sandbox.root);
	if (mkdir(image, 0755) != 0 || mkdir(paths, 0700) != 0)
		abort();
	image_fd = open(image, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	paths_fd = open(paths, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free_blocks = free_inodes = 1000000;
}

static void end(void)
{
	(void)close(image_fd);
	(void)close(paths_fd);
	ok(sandbox_untouched(&sandbox), "nothing outside was touched");
	sandbox_close(&sandbox);
}

static void set_time(const char *path, time_t seconds, long nanoseconds)
{
	const struct timespec times[2] = {{seconds, nanoseconds}, {seconds, nanoseconds}};
	if (utimensat(AT_FDCWD, in(image, path), times, AT_SYMLINK_NOFOLLOW) != 0)
		abort();
}

/* One of each, in an order that no directory is likely to give. */
static void fill(void)
{
	const mode_t modes[] = {S_IFIFO | 0640, S_IFCHR | 0666, S_IFBLK | 0600};
	int failed = mkdir(in(image, "d"), 0700) != 0 || mkdir(in(image, "d/e"), 0700) != 0;
	write_file(in(image, "file"), "content", 7);
	write_file(in(image, "d/empty"), "", 0);
	failed |= link(in(image, "file"), in(image, "d/e/hard")) != 0;
	failed |= link(in(image, "file"), in(image, "again")) != 0;
	failed |= symlink("../nowhere", in(image, "d/soft")) != 0;
	failed |= link(in(image, "d/soft"), in(image, "d/e/soft2")) != 0;
	for (unsigned i = 0; i < 3; i++) {
		char name[16];
		(void)snprintf(name, sizeof name, "d/node%u", i);
		failed |= mknod(in(image, name), modes[i], i > 0 ? makedev(1, 3) : 0) != 0;
		failed |= lchown(in(image, name), 3, 4 + i) != 0;
		set_time(name, 7, 123456789);
	}
	failed |= chown(in(image, "file"), 5, 6) != 0 || chmod(in(image, "file"), 06755) != 0;
	failed |= lchown(in(image, "d/soft"), 8, 9) != 0;
	(void)setxattr(in(image, "file"), "user.colour", "green", 5, 0);
	(void)setxattr(in(image, "d"), "user.colour", "blue", 4, 0);
	failed |= setxattr(in(image, "d"), "trusted.overlay.opaque", "y", 1, 0) != 0;
	set_time("d/soft", 5, 4);
	set_time("file", -2, 500000000);
	set_time("d/e", 1, 2);
	failed |= chown(in(image, "d"), 1, 2) != 0 || chmod(in(image, "d"), 02750) != 0;
	set_time("d", 3, 4);
	set_time(".", 5, 6);
	if (failed)
		abort();
}

/* Holes on both sides of what there is, and more than a buffer of it. */
static void add_big_file(void)
{
	static char data[200000];
	int fd = open(in(image, "big"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (char)(i * 7 % 251);
	if (fd < 0 || pwrite(fd, data, sizeof data, 1 << 20) != (ssize_t)sizeof data ||
		pwrite(fd, "x", 1, 3 << 20) != 1 || ftruncate(fd, (5 << 20) + 1) != 0 ||
		close(fd) != 0)
		abort();
}

static bool exists(const char *path)
{
	struct stat st;
	return lstat(in(paths, path), &st) == 0;
}

static bool is_copy(const char *name)
{
	struct bytes want, got;
	(void)removexattr(in(image, "d"), "trusted.overlay.opaque"); /* which is not copied */
	want = list_tree(image, NULL, 0);
	got = list_tree(in(paths, name), NULL, 0);
	bool same = same_listing(&got, &want);
	bytes_free(&want);
	bytes_free(&got);
	return same;
}

static void a_copy_is_the_tree(void)
{
	struct seed_amount amount = {0};
	struct error e = {0};
	struct stat st;
	start();
	fill();
	add_big_file();
	int result = seed_tree(image_fd, paths_fd, "var-x", alive, &amount, &e);
	ok(result == 0, "a tree is copied %s", e.text);
	char value;
	ok(getxattr(in(paths, "var-x/d"), "trusted.overlay.opaque", &value, 1) < 0,
		"without what overlayfs notes");
	ok(is_copy("var-x"), "the rest, entry for entry");
	ok(!exists("var-x%new"), "nothing is left beside it");
	ok(stat(in(paths, "var-x/big"), &st) == 0 && st.st_blocks * 512 < 1 << 20,
		"holes are holes: %lld KiB", (long long)st.st_blocks / 2);
	is_int((long long)amount.inodes, 15, "entries, and three directories of its own");
	ok(amount.bytes > 200000 && amount.bytes < 1 << 20, "about what it takes: %llu bytes",
		(unsigned long long)amount.bytes);
	ok(alive_calls > 30, "it says that it lives");
	end();
}

static void a_rest_is_removed_and_a_name_stays(void)
{
	struct seed_amount amount = {0};
	struct error e;
	start();
	write_file(in(image, "file"), "new", 3);
	if (mkdir(in(paths, "a%new"), 0700) != 0 || mkdir(in(paths, "a%new/tree"), 0700) != 0 ||
		symlink("/", in(paths, "b%new")) != 0 || mkdir(in(paths, "c"), 0700) != 0)
		abort();
	write_file(in(paths, "a%new/tree/junk"), "old", 3);
	write_file(in(paths, "c/file"), "old", 3);
	ok(seed_tree(image_fd, paths_fd, "a", alive, &amount, &e) == 0 && is_copy("a"),
		"the rest of an earlier copy is no part of it");
	ok(seed_tree(image_fd, paths_fd, "b", alive, &amount, &e) == 0 && is_copy("b"),
		"nor is a link followed");
	error_is(seed_tree(image_fd, paths_fd, "c", alive, &amount, &e), &e, ERROR_IO,
		"what has the name already");
	ok(exists("c/file") && !exists("c%new"), "stays");
	end();
}

static void sockets_are_left_out(void)
{
	struct seed_amount amount = {0};
	struct error e;
	start();
	if (mknod(in(image, "socket"), S_IFSOCK | 0600, 0) != 0)
		abort();
	ok(seed_tree(image_fd, paths_fd, "a", alive, &amount, &e) == 0 && exists("a") &&
			!exists("a/socket"),
		"nobody listens on a socket any more");
	end();
}

static void no_room_is_said_in_numbers(void)
{
	struct seed_amount amount = {.bytes = 99};
	struct error e;
	start();
	fill();
	add_big_file();
	if (seed_tree(image_fd, paths_fd, "a", alive, &amount, &e) != 0)
		abort();
	free_blocks = amount.bytes / 4096 + 1;
	free_inodes = amount.inodes;
	ok(seed_tree(image_fd, paths_fd, "b", alive, &amount, &e) == 0, "as much as it takes");
	free_blocks -= 2;
	amount.bytes = 99;
	error_is(seed_tree(image_fd, paths_fd, "c", alive, &amount, &e), &e, ERROR_NOSPACE,
		"less than that");
	ok(strstr(e.text, " KiB and 15 inodes, ") != NULL && amount.bytes == 99, "%s", e.text);
	free_blocks += 2;
	free_inodes--;
	error_is(seed_tree(image_fd, paths_fd, "c", alive, &amount, &e), &e, ERROR_NOSPACE,
		"an inode less");
	ok(strstr(e.text, " and 14 are free") != NULL, "%s", e.text);
	ok(!exists("c") && !exists("c%new"), "and nothing is made");
	end();
}

/* `depth` directories within one another, with names of `length` bytes. */
static void deep(unsigned depth, unsigned length)
{
	char name[256];
	memset(name, 'n', length);
	name[length] = '\0';
	int at = dup(image_fd);
	for (unsigned i = 0; i < depth; i++) {
		int next = mkdirat(at, name, 0755) == 0 ? openat(at, name, O_RDONLY | O_DIRECTORY)
							: -1;
		if (next < 0 || close(at) != 0)
			abort();
		at = next;
	}
	(void)close(at);
}

static void depth_takes_nothing(void)
{
	struct seed_amount amount = {0};
	struct error e = {0};
	start();
	deep(2047, 1);
	ok(seed_tree(image_fd, paths_fd, "a", alive, &amount, &e) == 0 && amount.inodes == 2047 + 3,
		"paths of 4093 bytes %s", e.text);
	end();
	start();
	deep(17, 255);
	error_is(seed_tree(image_fd, paths_fd, "a", alive, &amount, &e), &e, ERROR_LIMIT,
		"a path of 4351 bytes");
	ok(!exists("a") && !exists("a%new"), "nothing is made");
	end();
}

static int copy(struct error *e)
{
	struct seed_amount amount = {.bytes = 99};
	struct error ignored;
	if (store_remove(paths_fd, "a", &ignored) != 0 ||
		store_remove(paths_fd, "a%new", &ignored) != 0)
		abort();
	faults_begin();
	int result = seed_tree(image_fd, paths_fd, "a", alive, &amount, e);
	faults_end();
	if (result == 0)
		return is_copy("a") ? 0 : FAULTS_WRONG;
	/* Only the last flush comes after the name. */
	bool right = amount.bytes == 99 && !exists("a%new") && (!exists("a") || is_copy("a"));
	return right ? -1 : FAULTS_WRONG;
}

static void any_call_may_fail(void)
{
	static const struct faults_case one = {.name = "seed_tree", .run = copy};
	static char data[70000];
	start();
	fill();
	write_file(in(image, "d/e/data"), data, sizeof data);
	(void)is_copy("a"); /* takes overlayfs's note away */
	faults_all(&one);
	end();
}

int main(void)
{
	(void)umask(0);
	a_copy_is_the_tree();
	a_rest_is_removed_and_a_name_stays();
	sockets_are_left_out();
	no_room_is_said_in_numbers();
	depth_takes_nothing();
	any_call_may_fail();
	return done();
}

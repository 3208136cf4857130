/* P17: random trees, packed by GNU tar, unpacked by ours and by GNU tar: the same in all that a
 * file is. */
#include <sys/wait.h>

#include "layers/xattrs.h"
#include "promise.h"
#include "random.h"
#include "unpacking.h"

enum { FILES = 40 };

static uint64_t seed = 10;
static char scratch[128];

static uint64_t upto(uint64_t below)
{
	return random_below(&seed, below);
}

static const char *in_scratch(const char *name)
{
	static char full[4][256];
	static unsigned turn;
	char *to = full[turn++ % 4];
	(void)snprintf(to, sizeof full[0], "%s/%s", scratch, name);
	return to;
}

__attribute__((format(printf, 1, 2))) static int run(const char *format, ...)
{
	char command[1024];
	va_list list;
	va_start(list, format);
	(void)vsnprintf(command, sizeof command, format, list);
	va_end(list);
	return system(command);
}

/* Letters, UTF-8 composed and not, bytes that are none, blanks and control characters, long ones.
 */
static void random_name(char out[256])
{
	static const char *const parts[] = {"a", "b", "Z", "-", ".", " ", "\xc3\xa9", "e\xcc\x81",
		"\xe2\x82\xac", "\xf0\x9f\x90\xa7", "\xff", "\xc3", "\xed\xa0\x80", "\n", "\\", "*",
		"%", "=", "wh."};
	size_t length = upto(15) == 0 ? 100 + upto(120) : 1 + upto(6);
	out[0] = 'n'; /* neither ".wh.", nor "..", nor taken for an option */
	out[1] = '\0';
	while (strlen(out) < length)
		(void)strcat(out, parts[upto(sizeof parts / sizeof *parts)]);
}

static struct timespec random_time(void)
{
	static const int64_t seconds[] = {
		0, 1, -1, -86400, 1700000000, 2147483648, -2147483649, 4294967296, 8589934592};
	static const long nanoseconds[] = {0, 1, 999999999, 500000000, 123456789, 100};
	return (struct timespec){seconds[upto(9)], nanoseconds[upto(6)]};
}

static void random_xattrs(const char *path, mode_t kind)
{
	static const uint8_t capability[] = {
		1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	static const uint8_t acl[] = {2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 2, 0, 6, 0, 232,
		3, 0, 0, 4, 0, 5, 0, 255, 255, 255, 255, 16, 0, 7, 0, 255, 255, 255, 255, 32, 0, 5,
		0, 255, 255, 255, 255};
	bool plain = kind == S_IFREG || kind == S_IFDIR;
	char value[300];
	if (plain && upto(4) == 0) {
		random_fill(&seed, value, sizeof value);
		(void)setxattr(path, "user.a.b-c", value, upto(sizeof value), 0);
		(void)setxattr(path, "user.second", "", 0, 0);
	}
	if (kind == S_IFREG && upto(6) == 0)
		(void)setxattr(path, "security.capability", capability, sizeof capability, 0);
	if (plain && upto(6) == 0)
		(void)setxattr(path, XATTR_ACL_ACCESS, acl, sizeof acl, 0);
	if (kind == S_IFDIR && upto(4) == 0)
		(void)setxattr(path, XATTR_ACL_DEFAULT, acl, sizeof acl, 0);
}

struct files {
	char *paths[FILES];
	size_t count;
	size_t linkable[FILES]; /* GNU tar keeps hard links of files and symlinks only */
	size_t linkable_count;
};

static void random_file(const char *path, struct files *files)
{
	char target[256], data[20000];
	bool made, linkable = false;
	switch (upto(8)) {
	case 0:
		linkable = true;
		random_name(target);
		made = symlink(target, path) == 0;
		break;
	case 1:
		made = mknod(path, S_IFIFO | 0600, 0) == 0;
		break;
	case 2:
		made = mknod(path, (upto(2) == 0 ? S_IFCHR : S_IFBLK) | 0600,
			       makedev((unsigned)(1 + upto(4095)), (unsigned)upto(1048576))) == 0;
		break;
	case 3:
		if (files->linkable_count > 0) {
			size_t other = files->linkable[upto(files->linkable_count)];
			if (link(files->paths[other], path) != 0)
				abort();
			return; /* it has the metadata of its other name */
		}
		/* fall through */
	default:
		random_fill(&seed, data, sizeof data);
		write_file(path, data, upto(3) == 0 ? upto(sizeof data) : upto(600));
		made = linkable = true;
	}
	if (!made)
		abort();
	if (linkable)
		files->linkable[files->linkable_count++] = files->count;
	files->paths[files->count++] = strdup(path);
}

static void set_metadata(const char *path)
{
	static const mode_t modes[] = {
		0644, 0755, 0, 04755, 02755, 06711, 01777, 07777, 0400, 0070};
	struct stat st;
	if (lstat(path, &st) != 0)
		abort();
	mode_t kind = st.st_mode & S_IFMT;
	static const uid_t ids[] = {0, 1, 1000, 65534, 2097151, 2097152, 4294967294};
	bool failed = lchown(path, ids[upto(7)], ids[upto(7)]) != 0;
	random_xattrs(path, kind);
	failed |= kind != S_IFLNK && chmod(path, modes[upto(10)]) != 0;
	const struct timespec times[2] = {random_time(), random_time()};
	failed |= utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) != 0;
	if (failed)
		abort();
}

static void make_tree(const char *root)
{
	char *directories[FILES] = {strdup(root)};
	struct files files = {.count = 0};
	size_t directory_count = 1;
	if (mkdir(root, 0755) != 0)
		abort();
	for (int i = 0; i < FILES; i++) {
		char name[256], *path = NULL;
		random_name(name);
		if (asprintf(&path, "%s/%s", directories[upto(directory_count)], name) < 0)
			abort();
		if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
			strlen(path) > 3500) {
			free(path);
			continue;
		}
		if (upto(4) == 0 && directory_count < FILES) {
			if (mkdir(path, 0755) != 0)
				abort();
			directories[directory_count++] = path;
			continue;
		}
		random_file(path, &files);
		free(path);
	}
	for (size_t i = 0; i < files.count; i++) {
		set_metadata(files.paths[i]);
		free(files.paths[i]);
	}
	/* Deepest last made: its time is set before its parent's is changed by nobody. */
	while (directory_count-- > 0) {
		set_metadata(directories[directory_count]);
		free(directories[directory_count]);
	}
}

static void read_file(const char *path, struct bytes *out)
{
	char buffer[65536];
	int fd = open(path, O_RDONLY);
	for (ssize_t got; (got = read(fd, buffer, sizeof buffer)) > 0;)
		bytes_add(out, buffer, (size_t)got);
	(void)close(fd);
}

/* One tree there and back; `format` is GNU tar's. */
static bool there_and_back(unsigned long number, const char *format, bool xattrs)
{
	struct sandbox sandbox;
	struct unpack_result result;
	struct bytes tar = {0};
	struct error e;
	const char *keep = xattrs ? "--xattrs --xattrs-include='*'" : "";
	sandbox_open(&sandbox);
	bool good =
		run("cd %s && tar --format=%s %s --numeric-owner -cf tar -C in . 2>err", scratch,
			format, keep) == 0 &&
		mkdir(in_scratch("theirs"), 0755) == 0 &&
		run("cd %s && tar %s --numeric-owner -xpf tar -C theirs 2>err", scratch, keep) == 0;
	if (!good)
		(void)run("sed 's/^/# /' %s/err", scratch);
	read_file(in_scratch("tar"), &tar);
	int status = unpack_tar_bytes(&tar, (enum media)(number % 3), &sandbox, false, &result, &e);
	if (status != 0)
		printf("# tree %lu: %s\n", number, e.text);
	good &= status == 0;
	struct bytes ours = list_tree(sandbox.root, NULL, 0),
		     theirs = list_tree(in_scratch("theirs"), NULL, 0);
	struct bytes original = list_tree(in_scratch("in"), NULL, 0);
	good &= same_listing(&ours, &theirs) && sandbox_untouched(&sandbox);
	/* GNU tar is only the second witness where the format can hold all. */
	good &= strcmp(format, "posix") != 0 || !xattrs || same_listing(&ours, &original);
	if (status == 0) {
		good &= result.implied.count == 0 && result.opaque.count == 0;
		unpack_result_free(&result);
	}
	bytes_free(&ours);
	bytes_free(&theirs);
	bytes_free(&original);
	bytes_free(&tar);
	scratch_remove(in_scratch("theirs"));
	sandbox_close(&sandbox);
	return good;
}

int main(void)
{
	if (!have_root())
		return 0;
	unsigned long trees = promise_count(500, 50), bad = 0;
	scratch_make(scratch);
	(void)umask(0);
	for (unsigned long i = 0; i < trees; i++) {
		make_tree(in_scratch("in"));
		bool good = there_and_back(i, "posix", true);
		if (i % 5 == 0)
			good &= there_and_back(i, "gnu", false);
		if (!good) {
			bad++;
			printf("# tree %lu differs\n", i);
		}
		scratch_remove(in_scratch("in"));
	}
	promise_result("P17", trees, "trees beside GNU tar", bad);
	scratch_remove(scratch);
	return done();
}

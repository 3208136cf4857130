/* Random trees, with all that a layer can hold. */
#ifndef PLYBOOT_TEST_RANDOM_TREE_H
#define PLYBOOT_TEST_RANDOM_TREE_H

#include "layers/xattrs.h"
#include "random.h"
#include "sandbox.h"

enum { TREE_FILES = 40 };

static uint64_t tree_seed = 10;
static bool tree_without_user_xattrs; /* tmpfs has them from Linux 6.6 on */

static inline uint64_t upto(uint64_t below)
{
	return random_below(&tree_seed, below);
}

/* Letters, UTF-8 composed and not, bytes that are none, blanks and control characters, long ones.
 */
static inline void random_name(char out[256])
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

static inline struct timespec random_time(void)
{
	static const int64_t seconds[] = {
		0, 1, -1, -86400, 1700000000, 2147483648, -2147483649, 4294967296, 8589934592};
	static const long nanoseconds[] = {0, 1, 999999999, 500000000, 123456789, 100};
	return (struct timespec){seconds[upto(9)], nanoseconds[upto(6)]};
}

static inline void random_xattrs(const char *path, mode_t kind)
{
	static const uint8_t capability[] = {
		1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	static const uint8_t acl[] = {2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 2, 0, 6, 0, 232,
		3, 0, 0, 4, 0, 5, 0, 255, 255, 255, 255, 16, 0, 7, 0, 255, 255, 255, 255, 32, 0, 5,
		0, 255, 255, 255, 255};
	bool plain = kind == S_IFREG || kind == S_IFDIR;
	char value[300];
	if (plain && upto(4) == 0 && !tree_without_user_xattrs) {
		random_fill(&tree_seed, value, sizeof value);
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
	char *paths[TREE_FILES];
	size_t count;
	size_t linkable[TREE_FILES]; /* GNU tar keeps hard links of files and symlinks only */
	size_t linkable_count;
};

static inline void random_file(const char *path, struct files *files)
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
		random_fill(&tree_seed, data, sizeof data);
		write_file(path, data, upto(3) == 0 ? upto(sizeof data) : upto(600));
		made = linkable = true;
	}
	if (!made)
		abort();
	if (linkable)
		files->linkable[files->linkable_count++] = files->count;
	files->paths[files->count++] = strdup(path);
}

static inline void set_metadata(const char *path)
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

static inline void make_tree(const char *root)
{
	char *directories[TREE_FILES] = {strdup(root)};
	struct files files = {.count = 0};
	size_t directory_count = 1;
	if (mkdir(root, 0755) != 0)
		abort();
	for (int i = 0; i < TREE_FILES; i++) {
		char name[256], *path = NULL;
		random_name(name);
		if (asprintf(&path, "%s/%s", directories[upto(directory_count)], name) < 0)
			abort();
		if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
			strlen(path) > 3500) {
			free(path);
			continue;
		}
		if (upto(4) == 0 && directory_count < TREE_FILES) {
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

#endif

#include "seed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "files.h"
#include "paths.h"
#include "scope.h"
#include "stack.h"
#include "store.h"
#include "syscalls.h"

enum { BUFFER_BYTES = 65536 };

/*
 * Names nest as deep as a path is long, so there is no recursion: the directories are listed first,
 * parents in front of what is in them, with what all of it takes. Then all names are made, in that
 * order, and at last the directories' metadata, since each new name changes its directory's time.
 *
 * A file with several names is linked to a name in `links` when it is first seen, where the next
 * one finds it: no table of them has to be held in memory.
 */
struct seed {
	int from_fd, tree_fd, links_fd;
	struct path_list directories; /* "" is the tree itself */
	struct seed_amount amount;
	uint64_t block_bytes;
	char *buffer;
	void (*alive)(void);
};

/* One name in the directory `path`, which is open as `from` and, once there is one to write to,
 * `to`. */
struct entry {
	const char *path, *name;
	int from, to;
	struct stat st;
};

static int open_directory(int dir_fd, const char *path, struct error *e)
{
	int fd = sys_openat2(dir_fd, path[0] == '\0' ? "." : path, O_RDONLY | O_DIRECTORY, 0,
		SYS_RESOLVE_STRICT);
	return fd >= 0 ? fd : error_errno(e, errno, "open `%.80s`", path);
}

typedef int visit_fn(struct seed *seed, const struct entry *entry, struct error *e);

static int visit_directory(
	struct seed *seed, const char *path, int to, visit_fn *visit, struct error *e)
{
	struct entry entry = {.path = path, .to = to};
	int fd = open_directory(seed->from_fd, path, e);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	if (directory == NULL) {
		if (fd >= 0)
			(void)error_errno(e, errno, "read `%.80s`", path);
		scope_close(&fd);
		return -1;
	}
	int result = 0;
	entry.from = fd;
	while (result == 0) {
		errno = 0;
		const struct dirent *found = readdir(directory);
		if (found == NULL) {
			if (errno != 0)
				result = error_errno(e, errno, "read `%.80s`", path);
			break;
		}
		if (strcmp(found->d_name, ".") == 0 || strcmp(found->d_name, "..") == 0)
			continue;
		entry.name = found->d_name;
		result = fstatat(fd, found->d_name, &entry.st, AT_SYMLINK_NOFOLLOW) != 0
				 ? error_errno(e, errno, "look at it")
				 : visit(seed, &entry, e);
		if (result != 0)
			(void)error_wrap(e, "`%.80s` in `%.80s`", found->d_name, path);
		seed->alive();
	}
	(void)closedir(directory);
	return result;
}

/* --- what it takes */

static int add_directory(struct seed *seed, const struct entry *entry, struct error *e)
{
	char path[LIMIT_PATH_BYTES + 1];
	int length = snprintf(path, sizeof path, "%s%s%s", entry->path,
		entry->path[0] != '\0' ? "/" : "", entry->name);
	if ((size_t)length >= sizeof path)
		return error_set(e, ERROR_LIMIT, 0, "a path over %u bytes", LIMIT_PATH_BYTES);
	if (seed->directories.bytes > LIMIT_LIST_BYTES)
		return error_set(
			e, ERROR_LIMIT, 0, "more than %zu directories", seed->directories.count);
	return path_list_add(&seed->directories, path, 0, e);
}

/* A file's bytes are shared out among its names. */
static int measure_entry(struct seed *seed, const struct entry *entry, struct error *e)
{
	const struct stat *st = &entry->st;
	uint64_t bytes = seed->block_bytes;
	if (S_ISREG(st->st_mode))
		bytes += (uint64_t)st->st_blocks * 512 / (st->st_nlink > 0 ? st->st_nlink : 1);
	seed->amount.bytes += bytes;
	seed->amount.inodes++;
	return S_ISDIR(st->st_mode) ? add_directory(seed, entry, e) : 0;
}

static int measure(struct seed *seed, struct error *e)
{
	if (path_list_add(&seed->directories, "", 0, e) != 0)
		return -1;
	seed->amount = (struct seed_amount){.bytes = seed->block_bytes * 4, .inodes = 3};
	for (size_t i = 0; i < seed->directories.count; i++) {
		if (visit_directory(seed, seed->directories.items[i].path, -1, measure_entry, e) !=
			0)
			return -1;
	}
	return 0;
}

static int check_room(struct seed *seed, int to_fd, struct error *e)
{
	struct statvfs fs;
	if (fstatvfs(to_fd, &fs) != 0)
		return error_errno(e, errno, "statvfs");
	seed->block_bytes = fs.f_frsize;
	if (measure(seed, e) != 0)
		return -1;
	uint64_t free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (seed->amount.bytes > free_bytes || seed->amount.inodes > (uint64_t)fs.f_favail)
		return error_set(e, ERROR_NOSPACE, 0,
			"what the image has there takes %" PRIu64 " KiB and %" PRIu64
			" inodes, %" PRIu64 " KiB and %" PRIu64 " are free",
			(seed->amount.bytes + 1023) / 1024, seed->amount.inodes, free_bytes / 1024,
			(uint64_t)fs.f_favail);
	return 0;
}

/* --- the copy */

/* From `at` to `end`, where there is no hole. */
static int copy_bytes(struct seed *seed, int from, int to, off_t at, off_t end, struct error *e)
{
	if (lseek(from, at, SEEK_SET) < 0 || lseek(to, at, SEEK_SET) < 0)
		return error_errno(e, errno, "seek");
	while (at < end) {
		size_t wanted = end - at < BUFFER_BYTES ? (size_t)(end - at) : BUFFER_BYTES;
		ssize_t got = read(from, seed->buffer, wanted);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(e, errno, "read");
		if (got == 0)
			break;
		if (files_write_all(to, seed->buffer, (size_t)got) != 0)
			return error_errno(e, errno, "write");
		at += got;
		seed->alive();
	}
	return 0;
}

static int copy_content(struct seed *seed, int from, int to, off_t size, struct error *e)
{
	off_t at = 0;
	while (at < size) {
		off_t data = lseek(from, at, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			break;
		off_t hole = data < 0 ? -1 : lseek(from, data, SEEK_HOLE);
		if (hole < 0)
			return error_errno(e, errno, "look for holes");
		if (copy_bytes(seed, from, to, data, hole, e) != 0)
			return -1;
		at = hole;
	}
	return ftruncate(to, size) == 0 ? 0 : error_errno(e, errno, "set the size");
}

static int copy_file(struct seed *seed, const struct entry *entry, struct error *e)
{
	SCOPED_FD from = openat(entry->from, entry->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (from < 0)
		return error_errno(e, errno, "open");
	SCOPED_FD to = openat(
		entry->to, entry->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return error_errno(e, errno, "create");
	if (copy_content(seed, from, to, entry->st.st_size, e) != 0)
		return -1;
	return store_copy_metadata(from, to, e);
}

static int copy_symlink(const struct entry *entry, struct error *e)
{
	char target[LIMIT_PATH_BYTES + 1];
	ssize_t length = readlinkat(entry->from, entry->name, target, sizeof target - 1);
	if (length < 0)
		return error_errno(e, errno, "read the link");
	target[length] = '\0';
	if (symlinkat(target, entry->to, entry->name) != 0)
		return error_errno(e, errno, "make the link");
	return 0;
}

/* What can't be opened for it: symbolic links, devices, FIFOs. */
static int set_owner_and_times(const struct entry *entry, struct error *e)
{
	const struct stat *st = &entry->st;
	const struct timespec times[2] = {st->st_atim, st->st_mtim};
	if (fchownat(entry->to, entry->name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) != 0 ||
		utimensat(entry->to, entry->name, times, AT_SYMLINK_NOFOLLOW) != 0)
		return error_errno(e, errno, "copy owner and times");
	return 0;
}

static int make_entry(struct seed *seed, const struct entry *entry, struct error *e)
{
	mode_t mode = entry->st.st_mode;
	if (S_ISREG(mode))
		return copy_file(seed, entry, e);
	if (S_ISLNK(mode)) {
		if (copy_symlink(entry, e) != 0)
			return -1;
	} else if (mknodat(entry->to, entry->name, mode, entry->st.st_rdev) != 0) {
		return error_errno(e, errno, "make the device or FIFO");
	}
	return set_owner_and_times(entry, e);
}

static int copy_entry(struct seed *seed, const struct entry *entry, struct error *e)
{
	char known[48];
	const struct stat *st = &entry->st;
	if (S_ISSOCK(st->st_mode))
		return 0;
	if (S_ISDIR(st->st_mode)) {
		if (mkdirat(entry->to, entry->name, 0700) != 0)
			return error_errno(e, errno, "make the directory");
		return 0;
	}
	if (st->st_nlink < 2)
		return make_entry(seed, entry, e);
	(void)snprintf(known, sizeof known, "%llx-%llx", (unsigned long long)st->st_dev,
		(unsigned long long)st->st_ino);
	if (linkat(seed->links_fd, known, entry->to, entry->name, 0) == 0)
		return 0;
	if (errno != ENOENT)
		return error_errno(e, errno, "make the hard link");
	if (make_entry(seed, entry, e) != 0)
		return -1;
	if (linkat(entry->to, entry->name, seed->links_fd, known, 0) != 0)
		return error_errno(e, errno, "remember the hard link");
	return 0;
}

static int finish_directory(struct seed *seed, const char *path, struct error *e)
{
	SCOPED_FD from = open_directory(seed->from_fd, path, e);
	SCOPED_FD to = from < 0 ? -1 : open_directory(seed->tree_fd, path, e);
	if (to < 0)
		return -1;
	return store_copy_metadata(from, to, e) == 0 ? 0 : error_wrap(e, "`%.80s`", path);
}

static int copy_all(struct seed *seed, struct error *e)
{
	const struct path_list *list = &seed->directories;
	for (size_t i = 0; i < list->count; i++) {
		SCOPED_FD to = open_directory(seed->tree_fd, list->items[i].path, e);
		if (to < 0 || visit_directory(seed, list->items[i].path, to, copy_entry, e) != 0)
			return -1;
	}
	for (size_t i = list->count; i > 0; i--) {
		if (finish_directory(seed, list->items[i - 1].path, e) != 0)
			return -1;
		seed->alive();
	}
	return 0;
}

/* --- whole or not at all */

static int make_directory(int dir_fd, const char *name, struct error *e)
{
	if (mkdirat(dir_fd, name, 0700) != 0)
		return error_errno(e, errno, "make `%.80s`", name);
	return open_directory(dir_fd, name, e);
}

static int copy_beside(
	struct seed *seed, int to_fd, const char *beside, const char *name, struct error *e)
{
	SCOPED_FD place = make_directory(to_fd, beside, e);
	SCOPED_FD tree = place < 0 ? -1 : make_directory(place, "tree", e);
	SCOPED_FD links = tree < 0 ? -1 : make_directory(place, "links", e);
	if (links < 0)
		return -1;
	seed->tree_fd = tree;
	seed->links_fd = links;
	if (copy_all(seed, e) != 0)
		return -1;
	if (syncfs(to_fd) != 0)
		return error_errno(e, errno, "sync");
	if (renameat(place, "tree", to_fd, name) != 0 || fsync(to_fd) != 0)
		return error_errno(e, errno, "rename `%.80s`", beside);
	return 0;
}

int seed_tree(int from_fd, int to_fd, const char *name, void (*alive)(void),
	struct seed_amount *amount, struct error *e)
{
	struct seed seed = {.from_fd = from_fd, .alive = alive};
	struct error ignored; /* the first reason is the one to tell */
	char beside[STACK_PERSIST_SIZE + sizeof PERSIST_NEW];
	SCOPED_FREE char *buffer = malloc(BUFFER_BYTES);
	if (buffer == NULL)
		return error_errno(e, ENOMEM, "memory for a copy");
	seed.buffer = buffer;
	(void)snprintf(beside, sizeof beside, "%s%s", name, PERSIST_NEW);
	int result = store_remove(to_fd, beside, e);
	if (result == 0)
		result = check_room(&seed, to_fd, e);
	if (result == 0) {
		result = copy_beside(&seed, to_fd, beside, name, e);
		(void)store_remove(to_fd, beside, &ignored);
	}
	path_list_free(&seed.directories);
	if (result == 0)
		*amount = seed.amount;
	return result;
}

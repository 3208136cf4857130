/*
 * Unpacks a plain tar twice, in full and by names only. Both must come to the same verdict, the
 * same numbers and lists, and trees of the same names, and neither may touch what lies outside.
 * Without root only by names, twice.
 */
#ifndef PLYBOOT_FUZZ_UNPACK_BOTH_H
#define PLYBOOT_FUZZ_UNPACK_BOTH_H

#include <sys/sysmacros.h>

#include "canaries.h"
#include "feed.h"
#include "syscalls.h"
#include "unpack.h"
#include "xattrs.h"

/* Buffers of 128 KiB come and go with each input: to keep 256 MiB of them costs a third of the
 * time. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=16";
}

enum { MOST_BYTES = 1 << 24, MOST_ENTRIES = 1000, ODD_PIECE_BYTES = 700 };

struct unpacking {
	const uint8_t *tar;
	size_t size;
	size_t piece_bytes;
	bool names_only;
	const char *name; /* of the destination */
	int result;
	struct error e;
	struct unpack_result out;
	uint64_t names; /* of the tree, whatever their order */
};

/* --- the names of a tree */

static inline uint64_t names_hash(const char *path, const char *kind)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (; *path != '\0'; path++)
		hash = (hash ^ (uint8_t)*path) * UINT64_C(0x100000001b3);
	for (hash *= UINT64_C(0x100000001b3); *kind != '\0'; kind++)
		hash = (hash ^ (uint8_t)*kind) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 29;
}

/* Kinds as far as both ways of unpacking know them. */
static inline const char *names_kind(int dir_fd, const char *name, const struct stat *st,
	bool names_only, char link[LIMIT_PATH_BYTES + 1])
{
	if (S_ISDIR(st->st_mode))
		return "directory";
	if (names_only ? st->st_mode == (S_IFREG | S_ISVTX)
		       : S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0))
		return "whiteout";
	if (!S_ISLNK(st->st_mode))
		return "file";
	ssize_t length = readlinkat(dir_fd, name, link, LIMIT_PATH_BYTES);
	must(length > 0);
	link[length] = '\0';
	return link;
}

/* None but those that a layer may set: overlayfs must not be steered, whatever the type. */
static inline void check_xattrs(int dir_fd, const char *name)
{
	char names[XATTR_NAMES_BYTES];
	must(canaries.root_fd < 0 || fchdir(dir_fd) == 0);
	ssize_t size = canaries.root_fd < 0 ? 0 : llistxattr(name, names, sizeof names);
	must(canaries.root_fd < 0 || fchdir(canaries.working_fd) == 0);
	must(size >= 0);
	for (ssize_t at = 0; at < size; at += (ssize_t)strlen(names + at) + 1)
		must(strcmp(names + at, "security.capability") == 0 ||
			strncmp(names + at, "system.posix_acl_", 17) == 0 ||
			(strncmp(names + at, "user.", 5) == 0 &&
				strncmp(names + at, "user.overlay.", 13) != 0));
}

/* `path` has room for a name of LIMIT_PATH_BYTES; what is deeper is left out. */
static inline uint64_t names_of(
	int dir_fd, char *path, size_t length, unsigned depth, bool names_only)
{
	uint64_t sum = 0;
	DIR *dir = fdopendir(dir_fd);
	must(dir != NULL);
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		char link[LIMIT_PATH_BYTES + 1];
		struct stat st;
		size_t more = strlen(entry->d_name) + 1;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
			length + more > LIMIT_PATH_BYTES || depth == 0)
			continue;
		path[length] = '/';
		memcpy(path + length + 1, entry->d_name, more);
		must(fstatat(dir_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0);
		if (!names_only)
			check_xattrs(dir_fd, entry->d_name);
		sum += names_hash(path, names_kind(dir_fd, entry->d_name, &st, names_only, link));
		if (!S_ISDIR(st.st_mode))
			continue;
		int fd = openat(dir_fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		must(fd >= 0);
		sum += names_of(fd, path, length + more, depth - 1, names_only);
	}
	must(closedir(dir) == 0);
	return sum;
}

static inline uint64_t names_below(int root_fd, bool names_only)
{
	static char path[LIMIT_PATH_BYTES + 2];
	int fd = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(fd >= 0);
	return names_of(fd, path, 0, 100, names_only);
}

/* --- one way of unpacking */

/* A plain tar's pieces decode to themselves; the caller frees. */
static inline struct cut *unpacking_cuts(const struct unpacking *unpacking, size_t *count)
{
	*count = (unpacking->size + unpacking->piece_bytes - 1) / unpacking->piece_bytes;
	struct cut *cuts = calloc(*count + 1, sizeof *cuts);
	must(cuts != NULL);
	size_t left = unpacking->size;
	for (size_t i = 0; i < *count; i++) {
		size_t size = left < unpacking->piece_bytes ? left : unpacking->piece_bytes;
		cuts[i] = (struct cut){
			.size_bytes = size, .run_ends = true, .run_decoded_bytes = size};
		left -= size;
	}
	return cuts;
}

static inline void check_lists(const struct unpacking *unpacking, int root_fd)
{
	const struct path_list *const lists[] = {&unpacking->out.opaque, &unpacking->out.implied};
	for (int list = 0; list < 2; list++)
		for (size_t i = 0; i < lists[list]->count; i++) {
			const char *path = lists[list]->items[i].path;
			int fd = sys_openat2(root_fd, path[0] == '\0' ? "." : path,
				O_PATH | O_DIRECTORY, 0, SYS_RESOLVE_STRICT);
			must(fd >= 0 && close(fd) == 0);
		}
}

static inline void unpacking_job(void *context)
{
	struct unpacking *unpacking = context;
	const struct unpack_options options = {.max_unpacked_bytes = MOST_BYTES,
		.max_entries = MOST_ENTRIES,
		.names_only = unpacking->names_only};
	size_t count = 0;
	struct cut *cuts = unpacking_cuts(unpacking, &count);
	struct memory_feed feed = memory_feed(unpacking->tar, cuts, count);
	struct decoder *decoder = NULL;
	int root_fd = canaries_destination(unpacking->name);
	must(decoder_open(MEDIA_TAR, &feed.feed, &decoder, &unpacking->e) == 0);
	unpacking->result = unpack_tar(decoder, root_fd, &options, &unpacking->out, &unpacking->e);
	if (unpacking->result == 0) {
		must(unpacking->out.entries <= MOST_ENTRIES &&
			unpacking->out.unpacked_bytes <= MOST_BYTES);
		check_lists(unpacking, root_fd);
		unpacking->names = names_below(root_fd, unpacking->names_only);
	}
	decoder_close(decoder);
	memory_feed_close(&feed);
	free(cuts);
	must(close(root_fd) == 0);
	must(store_remove(canaries.work_fd, unpacking->name, &unpacking->e) == 0);
}

/* --- both */

static inline bool same_lists(const struct path_list *a, const struct path_list *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->items[i].path, b->items[i].path) != 0 ||
			a->items[i].value != b->items[i].value)
			return false;
	return true;
}

/* The machine is in order, so no error may come of it. */
static inline void check_code(const struct unpacking *unpacking)
{
	enum error_code code = unpacking->e.code;
	if (unpacking->result != 0)
		must(code == ERROR_TAR || code == ERROR_TYPE || code == ERROR_PATH ||
			code == ERROR_WHITEOUT || code == ERROR_XATTR || code == ERROR_LIMIT);
}

static inline void unpack_both(const uint8_t *tar, size_t size)
{
	/* The gate sees a piece whole before libarchive reads it, so which of two faults is found
	 * first hangs on the cuts: the same in both. */
	const size_t piece_bytes = size > 0 && tar[0] % 2 == 0 ? ODD_PIECE_BYTES : size + 1;
	struct unpacking names = {.tar = tar,
		.size = size,
		.piece_bytes = piece_bytes,
		.names_only = true,
		.name = "names"};
	struct unpacking full = {.tar = tar,
		.size = size,
		.piece_bytes = piece_bytes,
		.names_only = geteuid() != 0,
		.name = "full"};
	canaries_open();
	canaries_run(unpacking_job, &names);
	canaries_run(unpacking_job, &full);
	canaries_must_be_untouched();
	check_code(&names);
	check_code(&full);
	if (names.result != full.result || names.e.code != full.e.code)
		(void)fprintf(stderr, "by names: %s\nin full: %s\n", names.e.text, full.e.text);
	must(names.result == full.result && names.e.code == full.e.code);
	if (names.result == 0) {
		must(names.out.entries == full.out.entries &&
			names.out.unpacked_bytes == full.out.unpacked_bytes &&
			names.out.user_xattrs == full.out.user_xattrs &&
			same_lists(&names.out.opaque, &full.out.opaque) &&
			same_lists(&names.out.implied, &full.out.implied) &&
			names.names == full.names);
		unpack_result_free(&names.out);
		unpack_result_free(&full.out);
	}
}

#endif

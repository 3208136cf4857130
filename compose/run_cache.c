#include "run_cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "../layers/scope.h"
#include "../layers/store.h"
#include "../qemu/accel.h"
#include "bytes.h"
#include "output.h"
#include "report.h"
#include "run_sweep.h"

static bool is_private(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	       (st.st_mode & 0777) == 0700;
}

/* Of a file system that is read-only, or without locks, nothing could be kept. */
static bool has_locks(int fd)
{
	SCOPED_FD lock = openat(fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return lock >= 0 && (flock(lock, LOCK_SH | LOCK_NB) == 0 || errno == EWOULDBLOCK);
}

void run_cache_open(bool keep, struct run_cache *out)
{
	char directory[PATH_MAX];
	*out = (struct run_cache)RUN_CACHE_INIT;
	if (!keep || !accel_cache_directory(directory) ||
		strlen(directory) + sizeof "/run" > sizeof directory)
		return;
	(void)strcat(directory, "/run");
	(void)mkdir(directory, 0700);
	SCOPED_FD fd = open(directory, O_DIRECTORY | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || !is_private(fd) || !has_locks(fd)) {
		report_warning(
			"`%s` can't be opened or locked, or others could change what is in it: "
			"nothing is kept there",
			directory);
		return;
	}
	out->fd = scope_take_fd(&fd);
}

void run_cache_close(struct run_cache *cache)
{
	scope_close(&cache->fd);
	cache->fd = -1;
}

/* --- whole */

/* What `whole` must say of the files as they are. */
static int describe(int dir_fd, const char *const *files, struct bytes *out, struct error *e)
{
	if (bytes_print(out, e, "plyboot run 1\n") != 0)
		return -1;
	for (; *files != NULL; files++) {
		struct stat st;
		if (fstatat(dir_fd, *files, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
			return error_set(e, ERROR_MISSING, 0, "%s is no file", *files);
		if (bytes_print(out, e, "%s %ju %jd %jd.%09ld %jd.%09ld\n", *files,
			    (uintmax_t)st.st_ino, (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec,
			    st.st_mtim.tv_nsec, (intmax_t)st.st_ctim.tv_sec,
			    st.st_ctim.tv_nsec) != 0)
			return -1;
	}
	return 0;
}

static bool is_whole(int dir_fd, const char *const *files)
{
	enum { WHOLE_MAX_BYTES = 65536 };
	SCOPED_BYTES wanted = {0};
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size_bytes;
	SCOPED_FD fd = openat(dir_fd, "whole", O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	return fd >= 0 && is_private(dir_fd) && describe(dir_fd, files, &wanted, NULL) == 0 &&
	       input_read_fd(fd, "whole", WHOLE_MAX_BYTES, &bytes, &size_bytes, NULL) == 0 &&
	       size_bytes == wanted.size && memcmp(bytes, wanted.data, size_bytes) == 0;
}

static int make_whole(int dir_fd, const char *const *files, struct error *e)
{
	SCOPED_BYTES text = {0};
	SCOPED_OUTPUT output = OUTPUT_INIT;
	if (describe(dir_fd, files, &text, e) != 0 ||
		output_open_at(&output, dir_fd, "whole", 0600, e) != 0 ||
		output_write(&output, text.data, text.size, e) != 0)
		return -1;
	return output_commit(&output, OUTPUT_REPLACE, e);
}

/* --- entries */

/* By descriptor: QEMU, which is our child, opens files below it before we let go of it. */
static int hold(int fd, struct run_entry *out, struct error *e)
{
	char link[32];
	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t length = readlink(link, out->path, sizeof out->path - 1);
	if (length <= 0)
		return error_errno(e, errno, "the place of a directory of the cache");
	out->path[length] = '\0';
	return 0;
}

/* True: it is there, whole and held. */
static bool find(
	struct run_cache *cache, const char *name, const char *const *files, struct run_entry *out)
{
	struct stat held, there;
	SCOPED_FD fd = openat(cache->fd, name, O_DIRECTORY | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_SH) != 0 || !is_whole(fd, files))
		return false;
	/* It may have been removed before the lock was ours. */
	if (fstat(fd, &held) != 0 || fstatat(cache->fd, name, &there, AT_SYMLINK_NOFOLLOW) != 0 ||
		held.st_ino != there.st_ino || hold(fd, out, NULL) != 0)
		return false;
	(void)futimens(fd, NULL); /* the least recently used goes first */
	out->fd = scope_take_fd(&fd);
	return true;
}

/* Whoever has the name already made the same, unless it is broken: then it gives way. Alone with
 * the cache: flock(2) may let go of one lock before it has the other, and a sweep comes in between.
 */
static int put(struct run_cache *cache, struct scratch *scratch, const char *name,
	const char *const *files, struct run_entry *out, struct error *e)
{
	SCOPED_FD lock = run_sweep_lock(cache->fd, e);
	if (lock < 0)
		return -1;
	for (int tries = 0; tries < 3; tries++) {
		if (renameat(cache->fd, scratch->name, cache->fd, name) == 0) {
			scope_close(&scratch->parent_fd);
			scratch->parent_fd = -1; /* it is none any more */
			out->fd = scope_take_fd(&scratch->fd);
			if (flock(out->fd, LOCK_SH) != 0)
				return error_errno(e, errno, "lock a directory of the cache");
			return hold(out->fd, out, e);
		}
		if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR && errno != ELOOP)
			break;
		if (find(cache, name, files, out))
			return 0;
		run_sweep_remove(cache->fd, name);
	}
	/* A broken one that others still use stays until they end: this one is for us alone. */
	out->scratch = *scratch;
	*scratch = (struct scratch)SCRATCH_INIT;
	return hold(out->scratch.fd, out, e);
}

static int make_kept(struct run_cache *cache, const char *name, const char *const *files,
	run_cache_make *make, void *context, struct run_entry *out, struct error *e)
{
	SCOPED_SCRATCH scratch = SCRATCH_INIT;
	if (run_sweep_begin(cache->fd, cache->most_bytes, &scratch, e) != 0)
		return -1;
	if (make(context, scratch.fd, e) != 0 || make_whole(scratch.fd, files, e) != 0)
		return -1;
	/* dpkg-deb -x gives it the mode that the package's root has. */
	if (fchmod(scratch.fd, 0700) != 0)
		return error_errno(e, errno, "the mode of a directory of the cache");
	return put(cache, &scratch, name, files, out, e);
}

int run_cache_take(struct run_cache *cache, const struct digest *key, const char *const *files,
	run_cache_make *make, void *context, struct run_entry *out, struct error *e)
{
	char name[DIGEST_HEX + 1];
	digest_format_hex(key, name);
	*out = (struct run_entry)RUN_ENTRY_INIT;
	if (cache->fd < 0) {
		if (scratch_open(&out->scratch, e) != 0)
			return -1;
		if (scratch_guard_begin(&out->scratch, &out->guard, e) == 0 &&
			hold(out->scratch.fd, out, e) == 0 &&
			make(context, out->scratch.fd, e) == 0)
			return 0;
		run_entry_release(out);
		return -1;
	}
	out->found = find(cache, name, files, out);
	return out->found ? 0 : make_kept(cache, name, files, make, context, out, e);
}

void run_entry_release(struct run_entry *entry)
{
	scope_close(&entry->fd);
	entry->fd = -1;
	scratch_remove(&entry->scratch);
	scratch_guard_end(&entry->guard);
}

void run_entry_spoil(struct run_entry *entry)
{
	if (entry->fd >= 0)
		(void)unlinkat(entry->fd, "whole", 0);
}

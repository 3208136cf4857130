#include "keep.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ceilings.h"
#include "files.h"
#include "merge.h"
#include "merge_metadata.h"
#include "paths.h"
#include "scope.h"
#include "syscalls.h"

/* --- one path: "/a/b", absolute and normal */

static int open_below(int dir_fd, const char *path)
{
	return sys_openat2(dir_fd, path[0] == '\0' ? "." : path + 1, O_RDONLY | O_DIRECTORY, 0,
		SYS_RESOLVE_STRICT);
}

static int failed(const char *path, const char *what, struct error *e)
{
	return error_errno(e, errno, "%s `%.80s`", what, path);
}

/* Of "/a/b" first "/a", then all of it; false: that was all. */
static bool next_part(const char *path, char part[ASKED_PATH_SIZE])
{
	size_t at = strlen(part);
	if (path[at] == '\0')
		return false;
	at += 1 + strcspn(path + at + 1, "/");
	(void)snprintf(part, ASKED_PATH_SIZE, "%.*s", (int)at, path);
	return true;
}

/* The directory in which it is: opened from one to the next, since each may be opaque. */
static int open_parent(int upper_fd, const char *path, struct keep_place *out, struct error *e)
{
	char part[ASKED_PATH_SIZE] = "";
	SCOPED_FD fd = open_below(upper_fd, "");
	while (fd >= 0 && next_part(path, part) && path[strlen(part)] != '\0') {
		scope_close(&fd);
		fd = open_below(upper_fd, part);
		if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) {
			if (errno != ENOENT)
				out->hider = strlen(part);
			return 0;
		}
		int opaque = fd < 0 ? 0 : merge_has_flag(fd, MERGE_OPAQUE, e);
		if (opaque < 0)
			return -1;
		if (opaque > 0)
			out->hider = strlen(part);
	}
	if (fd < 0)
		return failed(part, "open", e);
	out->parent_fd = scope_take_fd(&fd);
	return 1;
}

int keep_find(int upper_fd, const char *path, struct keep_place *out, struct error *e)
{
	*out = (struct keep_place){.parent_fd = -1};
	int there = open_parent(upper_fd, path, out, e);
	if (there <= 0)
		return there;
	if (fstatat(out->parent_fd, path_base(path), &out->st, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	if (errno == ENOENT)
		return 0;
	(void)failed(path, "look at", e);
	scope_close(&out->parent_fd);
	out->parent_fd = -1;
	return -1;
}

/* --- carried */

static int carry_directory(
	const struct keep_request *request, const char *path, bool hides, struct error *e)
{
	uint64_t entries;
	SCOPED_FD from = open_below(request->from_fd, path);
	SCOPED_FD into = from < 0 ? -1 : open_below(request->into_fd, path);
	if (into < 0)
		return failed(path, "open", e);
	int opaque = hides ? 1 : merge_has_flag(from, MERGE_OPAQUE, e);
	if (opaque < 0 || (opaque > 0 && merge_set_flag(into, MERGE_OPAQUE, e) != 0))
		return -1;
	const struct merge_request merge = {.from_fd = from,
		.into_fd = into,
		.scratch_fd = request->scratch_fd,
		.progress = request->progress};
	return merge_uppers(&merge, &entries, e);
}

static int carry_place(const struct keep_request *request, const char *path,
	const struct keep_place *place, struct error *e)
{
	char part[ASKED_PATH_SIZE] = "";
	const bool whole = S_ISDIR(place->st.st_mode);
	while (next_part(path, part) && (whole || path[strlen(part)] != '\0')) {
		if (mkdirat(request->into_fd, part + 1, 0700) != 0 && errno != EEXIST)
			return failed(part, "make", e);
	}
	if (whole)
		return carry_directory(request, path, place->hider > 0, e);
	if (linkat(place->parent_fd, path_base(path), request->into_fd, path + 1, 0) != 0)
		return failed(path, "link", e);
	return 0;
}

static int carry_path(const struct keep_request *request, const char *path, struct error *e)
{
	struct keep_place place;
	int there = keep_find(request->from_fd, path, &place, e);
	if (there > 0)
		there = carry_place(request, path, &place, e);
	scope_close(&place.parent_fd);
	return there;
}

/* Once nothing more comes into them, since that changes their times; from the path upwards. */
static int finish_parents(const struct keep_request *request, const char *path, struct error *e)
{
	char part[ASKED_PATH_SIZE];
	for (size_t end = path_parent_length(path); end > 0; end = path_parent_length(part)) {
		(void)snprintf(part, sizeof part, "%.*s", (int)end, path);
		SCOPED_FD into = open_below(request->into_fd, part);
		if (into < 0 && (errno == ENOENT || errno == ENOTDIR))
			continue; /* nothing was carried there */
		SCOPED_FD from = into < 0 ? -1 : open_below(request->from_fd, part);
		if (from < 0)
			return failed(part, "open", e);
		if (merge_copy_metadata(from, into, e) != 0)
			return error_wrap(e, "`%.80s`", part);
	}
	return 0;
}

/* --- counted */

/* All names in one upper that are at or in a kept path, and the first one that is neither that nor
 * above one. */
struct count {
	const struct asked *keep;
	struct path_list pending; /* directories: "" or "/a/b" */
	uint64_t kept;
	char stray[80];
	void (*progress)(void);
};

static void judge(struct count *count, const char *path)
{
	for (size_t i = 0; i < count->keep->count; i++) {
		if (asked_is_within(path, count->keep->paths[i])) {
			count->kept++;
			return;
		}
	}
	for (size_t i = 0; i < count->keep->count; i++) {
		if (asked_is_within(count->keep->paths[i], path))
			return;
	}
	if (count->stray[0] == '\0')
		(void)snprintf(count->stray, sizeof count->stray, "%.79s", path);
}

static int count_name(
	struct count *count, int dir_fd, const char *directory, const char *name, struct error *e)
{
	char path[LIMIT_PATH_BYTES + 2];
	struct stat st;
	int length = snprintf(path, sizeof path, "%s/%s", directory, name);
	if (length < 0 || (size_t)length >= sizeof path)
		return error_set(e, ERROR_LIMIT, 0, "a path over %u bytes", LIMIT_PATH_BYTES);
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return failed(path, "look at", e);
	judge(count, path);
	return S_ISDIR(st.st_mode) ? path_list_add(&count->pending, path, 0, e) : 0;
}

static int count_directory(struct count *count, int upper_fd, const char *path, struct error *e)
{
	struct path_list names = {0};
	SCOPED_FD fd = open_below(upper_fd, path);
	int result = fd < 0 ? failed(path, "open", e) : files_list(fd, &names, e);
	for (size_t i = 0; result == 0 && i < names.count; i++)
		result = count_name(count, fd, path, names.items[i].path, e);
	path_list_free(&names);
	count->progress();
	return result;
}

/* All that is pending, and what that brings. */
static int count_pending(struct count *count, int upper_fd, struct error *e)
{
	int result = 0;
	for (size_t i = 0; result == 0 && i < count->pending.count; i++)
		result = count_directory(count, upper_fd, count->pending.items[i].path, e);
	return result;
}

/* Of the upper that it came from, below the kept paths alone. */
static int count_before(const struct keep_request *request, struct count *count, struct error *e)
{
	for (size_t i = 0; i < request->keep->count; i++) {
		struct keep_place place;
		const char *path = request->keep->paths[i];
		int there = keep_find(request->from_fd, path, &place, e);
		scope_close(&place.parent_fd);
		if (there < 0 || (there > 0 && S_ISDIR(place.st.st_mode) &&
					 path_list_add(&count->pending, path, 0, e) != 0))
			return -1;
		count->kept += there > 0;
	}
	return count_pending(count, request->from_fd, e);
}

static int count_after(const struct keep_request *request, struct count *count, struct error *e)
{
	return path_list_add(&count->pending, "", 0, e) == 0
		       ? count_pending(count, request->into_fd, e)
		       : -1;
}

static int verify(const struct keep_request *request, uint64_t *names, struct error *e)
{
	struct count before = {.keep = request->keep, .progress = request->progress};
	struct count after = before;
	int result = count_before(request, &before, e);
	if (result == 0)
		result = count_after(request, &after, e);
	path_list_free(&before.pending);
	path_list_free(&after.pending);
	if (result == 0 && after.stray[0] != '\0')
		result = error_set(e, ERROR_IO, 0,
			"the new upper holds `%s`, which is not to be kept", after.stray);
	else if (result == 0 && before.kept != after.kept)
		result = error_set(e, ERROR_IO, 0,
			"the new upper holds %llu of the %llu names that are to be kept",
			(unsigned long long)after.kept, (unsigned long long)before.kept);
	if (result == 0)
		*names = after.kept;
	return result;
}

int keep_carry(const struct keep_request *request, uint64_t *names, struct error *e)
{
	const struct asked *keep = request->keep;
	for (size_t i = 0; i < keep->count; i++) {
		if (carry_path(request, keep->paths[i], e) != 0)
			return -1;
	}
	for (size_t i = 0; i < keep->count; i++) {
		if (finish_parents(request, keep->paths[i], e) != 0)
			return -1;
	}
	if (merge_copy_metadata(request->from_fd, request->into_fd, e) != 0)
		return -1;
	return verify(request, names, e);
}

#include "reset.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "files.h"
#include "keep.h"
#include "paths.h"
#include "scope.h"
#include "spare.h"
#include "state_private.h"
#include "store.h"
#include "syscalls.h"

static const char unfinished[] = "unfinished", upper[] = "upper", paths[] = "paths",
		  made_for[] = "made-for", scratch[] = "merging";

enum { BESIDE_SIZE = STACK_NAME_SIZE + 8 };
enum { RENAME_SWAP = 2 }; /* RENAME_EXCHANGE; linux/fs.h clashes with sys/mount.h */

/* No stack's name begins with a dot. */
static const char *beside(const char *name, char out[BESIDE_SIZE])
{
	(void)snprintf(out, BESIDE_SIZE, ".reset-%s", name);
	return out;
}

static bool is_no_directory(int sys_errno)
{
	return sys_errno == ENOENT || sys_errno == ENOTDIR || sys_errno == ELOOP;
}

/* 1, or 0 where there is no directory of that name. */
static int open_if_there(int dir_fd, const char *name, int *out, struct error *e)
{
	*out = sys_openat2(
		dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, SYS_RESOLVE_STRICT);
	if (*out >= 0)
		return 1;
	return is_no_directory(errno) ? 0 : error_errno(e, errno, "open %s", name);
}

/* --- the new home */

struct staging {
	const struct reset_request *request;
	int home, made;
	struct reset_kept *kept;
};

static int has_any(const struct staging *staging, int upper_fd, struct error *e)
{
	const struct asked *keep = staging->request->keep;
	int there = 0;
	for (size_t i = 0; there == 0 && i < keep->count; i++) {
		struct keep_place place;
		there = keep_find(upper_fd, keep->paths[i], &place, e);
		scope_close(&place.parent_fd);
	}
	return there;
}

/* Whose it is stays known: as what is kept is that one's. */
static int keep_owners(const struct staging *staging, struct error *e)
{
	struct stat st;
	if (fstatat(staging->home, made_for, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		(!S_ISREG(st.st_mode) ||
			linkat(staging->home, made_for, staging->made, made_for, 0) == 0))
		return 0;
	return errno == ENOENT ? 0 : error_errno(e, errno, "link %s", made_for);
}

/* An upper without anything in it is not made: whoever boots makes it. */
static int stage_upper(const struct staging *staging, struct error *e)
{
	SCOPED_FD from = -1;
	int there = open_if_there(staging->home, upper, &from, e);
	if (there > 0)
		there = has_any(staging, from, e);
	if (there <= 0)
		return there;
	SCOPED_FD into = state_open_dir(staging->made, upper, true, e);
	SCOPED_FD made = into < 0 ? -1 : state_open_dir(staging->made, scratch, true, e);
	if (made < 0)
		return -1;
	const struct keep_request request = {.from_fd = from,
		.into_fd = into,
		.scratch_fd = made,
		.keep = staging->request->keep,
		.progress = staging->request->progress};
	if (keep_carry(&request, &staging->kept->names, e) != 0 || keep_owners(staging, e) != 0)
		return -1;
	return store_remove(staging->made, scratch, e);
}

/* The path that a name in paths/ stands for (persist_name()); false: for none. */
static bool path_of(const char *name, char out[STACK_PERSIST_SIZE + 1])
{
	size_t used = 0;
	out[used++] = '/';
	for (; *name != '\0' && used < STACK_PERSIST_SIZE; name++) {
		char c = *name == '-' ? '/' : *name;
		if (strncmp(name, "%2d", 3) == 0 || strncmp(name, "%25", 3) == 0) {
			c = name[2] == 'd' ? '-' : '%';
			name += 2;
		} else if (c == '%') {
			return false;
		}
		out[used++] = c;
	}
	out[used] = '\0';
	return *name == '\0';
}

static bool is_kept(const struct asked *keep, const char *name)
{
	char path[STACK_PERSIST_SIZE + 1];
	if (!path_of(name, path))
		return false;
	for (size_t i = 0; i < keep->count; i++) {
		if (asked_is_within(keep->paths[i], path) || asked_is_within(path, keep->paths[i]))
			return true;
	}
	return false;
}

/* An empty directory in the place of each one that is kept, which it takes once all is decided. */
static int reserve(const struct staging *staging, int from, const char *name, struct error *e)
{
	SCOPED_FD tree = -1;
	int there = open_if_there(from, name, &tree, e);
	if (there <= 0)
		return there;
	SCOPED_FD into = state_open_dir(staging->made, paths, true, e);
	SCOPED_FD place = into < 0 ? -1 : state_open_dir(into, name, true, e);
	SCOPED_FD mark = place < 0 ? -1 : state_open_dir(staging->made, unfinished, true, e);
	staging->kept->paths++;
	return mark < 0 ? -1 : 0;
}

static int stage_paths(const struct staging *staging, struct error *e)
{
	struct path_list names = {0};
	SCOPED_FD from = -1;
	int there = open_if_there(staging->home, paths, &from, e);
	if (there <= 0)
		return there;
	int result = files_list(from, &names, e);
	for (size_t i = 0; result == 0 && i < names.count; i++) {
		if (is_kept(staging->request->keep, names.items[i].path))
			result = reserve(staging, from, names.items[i].path, e);
	}
	path_list_free(&names);
	return result;
}

/* On a full partition what was kept back for mounts, and what overlayfs had to work with, make room
 * for it. */
static int stage(const struct reset_request *request, const char *name, struct reset_kept *kept,
	struct error *e)
{
	SCOPED_FD home = state_open_dir(request->all_fd, request->name, false, e);
	if (home < 0 || store_remove(request->all_fd, name, e) != 0 ||
		store_remove(home, "work", e) != 0)
		return -1;
	(void)spare_give(home, NULL); /* none: that is no news */
	SCOPED_FD made = state_open_dir(request->all_fd, name, true, e);
	const struct staging staging = {
		.request = request, .home = home, .made = made, .kept = kept};
	if (made < 0)
		return -1;
	if (request->keep->count > 0 &&
		(stage_upper(&staging, e) != 0 || stage_paths(&staging, e) != 0))
		return -1;
	if (syncfs(made) != 0)
		return error_errno(e, errno, "write it all to the disk");
	return 0;
}

int reset_home(const struct reset_request *request, struct reset_kept *kept, struct error *e)
{
	char name[BESIDE_SIZE];
	struct error ignored; /* the first reason is the one to tell */
	struct reset_kept found = {0};
	int result = stage(request, beside(request->name, name), &found, e);
	if (result == 0 && syscall(SYS_renameat2, request->all_fd, name, request->all_fd,
				   request->name, RENAME_SWAP) != 0)
		result = error_errno(e, errno, "put the new one in its place");
	if (result == 0)
		*kept = found;
	else
		(void)store_remove(request->all_fd, name, &ignored);
	return result;
}

/* --- once it is decided */

int reset_is_unfinished(int home_fd, struct error *e)
{
	return state_has(home_fd, unfinished, e);
}

/* Over the empty directory that keeps its place; what is in its place already is not in the old
 * home any more. */
static int move_in(int from, int into, const char *name, struct error *e)
{
	if (renameat(from, name, into, name) == 0 || errno == ENOENT)
		return 0;
	return error_errno(e, errno, "move paths/%s", name);
}

static int move_all(int old, int home, struct error *e)
{
	struct path_list names = {0};
	SCOPED_FD from = state_open_dir(old, paths, false, e);
	SCOPED_FD into = from < 0 ? -1 : state_open_dir(home, paths, false, e);
	if (into < 0)
		return -1;
	int result = files_list(into, &names, e);
	for (size_t i = 0; result == 0 && i < names.count; i++)
		result = move_in(from, into, names.items[i].path, e);
	path_list_free(&names);
	if (result == 0 && (fsync(into) != 0 || fsync(from) != 0))
		result = error_errno(e, errno, "move paths");
	return result;
}

static int finish_moves(int all_fd, const char *old_name, int home, struct error *e)
{
	SCOPED_FD old = state_open_dir(all_fd, old_name, false, e);
	if (old < 0 || move_all(old, home, e) != 0)
		return -1;
	if (unlinkat(home, unfinished, AT_REMOVEDIR) != 0 || fsync(home) != 0)
		return error_errno(e, errno, "remove the mark");
	return 0;
}

int reset_finish(int all_fd, const char *name, struct error *e)
{
	char old[BESIDE_SIZE];
	SCOPED_FD home = -1;
	int there = open_if_there(all_fd, name, &home, e);
	if (there > 0)
		there = reset_is_unfinished(home, e);
	int left = there < 0 ? -1 : state_has(all_fd, beside(name, old), e);
	if (left < 0 || (left == 0 && there == 0))
		return left;
	/* Whatever was exchanged must not come back. */
	if (fsync(all_fd) != 0)
		return error_errno(e, errno, "fsync plyboot/");
	if (there > 0 && finish_moves(all_fd, old, home, e) != 0)
		return -1;
	return store_remove(all_fd, old, e);
}

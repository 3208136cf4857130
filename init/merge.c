#include "merge.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "merge_metadata.h"
#include "merge_walk.h"
#include "scope.h"
#include "store.h"
#include "syscalls.h"

/* Any names in the scratch directory: one thing at a time that replaces another is made there, and
 * there may be a whiteout that gets further names. */
static const char made[] = "made", spare[] = "spare";

enum { RENAME_SWAP = 2 }; /* RENAME_EXCHANGE; linux/fs.h clashes with sys/mount.h */

enum { STEPS_UNTOLD = 256, STEPS_UNWRITTEN = 16384 };

struct merge {
	const struct merge_request *request;
	struct walk walk;
	uint64_t entries, steps; /* steps: also what was hidden */
};

/* How each part is told: what was wanted of which file. */
static int failed(const struct merge *merge, const char *name, const char *what, struct error *e)
{
	char shown[WALK_PATH_SIZE];
	return error_errno(e, errno, "%s `%s`", what, walk_path(&merge->walk, name, shown));
}

/* The error says already what can't be done. */
static int failed_at(const struct merge *merge, const char *name, struct error *e)
{
	char shown[WALK_PATH_SIZE];
	return error_wrap(e, "`%s`", walk_path(&merge->walk, name, shown));
}

/* --- an entry */

/* What was made in the scratch directory takes its place; what had it is removed from there. */
static int replace(const struct merge *merge, const char *name, struct error *e)
{
	int scratch = merge->request->scratch_fd;
	if (syscall(SYS_renameat2, scratch, made, merge->walk.into, name, RENAME_SWAP) != 0)
		return failed(merge, name, "replace", e);
	return store_remove(scratch, made, e);
}

static bool is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

/* overlayfs makes all whiteouts of a mount names of one inode as far as the file system lets it
 * (ext4: 65,000), so there is no room for a second name of each. Those here are names of another
 * one. */
static int make_whiteout(
	const struct merge *merge, int to, const char *to_name, const char *name, struct error *e)
{
	int scratch = merge->request->scratch_fd;
	if (linkat(scratch, spare, to, to_name, 0) == 0)
		return 0;
	if (errno != ENOENT && errno != EMLINK)
		return failed(merge, name, "make", e);
	if (store_remove(scratch, spare, e) != 0)
		return -1;
	if (mknodat(scratch, spare, S_IFCHR, makedev(0, 0)) != 0 ||
		linkat(scratch, spare, to, to_name, 0) != 0)
		return failed(merge, name, "make", e);
	return 0;
}

static int merge_other(const struct merge *merge, const char *name, const struct stat *from,
	const struct stat *into, struct error *e)
{
	if (into != NULL && into->st_ino == from->st_ino && into->st_dev == from->st_dev)
		return 0;
	if (into != NULL && is_whiteout(into) && is_whiteout(from))
		return 0;
	int to = into == NULL ? merge->walk.into : merge->request->scratch_fd;
	const char *to_name = into == NULL ? name : made;
	if (linkat(merge->walk.from, name, to, to_name, 0) != 0) {
		if (errno != EMLINK || !is_whiteout(from))
			return failed(merge, name, "link", e);
		if (make_whiteout(merge, to, to_name, name, e) != 0)
			return -1;
	}
	return into == NULL ? 0 : replace(merge, name, e);
}

/* A new one, with all its metadata, which hides what the layers have there if it has to. */
static int make_directory(const struct merge *merge, const char *name, int to, const char *to_name,
	bool opaque, struct error *e)
{
	SCOPED_FD from =
		sys_openat2(merge->walk.from, name, O_RDONLY | O_DIRECTORY, 0, SYS_RESOLVE_STRICT);
	if (from < 0)
		return failed(merge, name, "open", e);
	if (mkdirat(to, to_name, 0700) != 0)
		return failed(merge, name, "make", e);
	SCOPED_FD fd = openat(to, to_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return failed(merge, name, "open", e);
	if ((opaque && merge_set_flag(fd, MERGE_OPAQUE, e) != 0) ||
		merge_copy_metadata(from, fd, e) != 0)
		return failed_at(merge, name, e);
	return 0;
}

/* Where `into` has something else, or nothing: a directory of its own. What is no directory hides
 * what the layers have there, and so must what takes its place, from the first moment on. Where
 * there was nothing it is made in place: that of `from` is above it, whatever it lacks, and a
 * rename from elsewhere takes the kernel a look at each directory above. */
static int merge_directory(
	struct merge *merge, const char *name, const struct stat *into, struct error *e)
{
	int result = 0;
	if (into == NULL)
		result = make_directory(merge, name, merge->walk.into, name, false, e);
	else if (!S_ISDIR(into->st_mode)) {
		bool hides = !walk_level(&merge->walk)->exact;
		result = make_directory(merge, name, merge->request->scratch_fd, made, hides, e);
		if (result == 0)
			result = replace(merge, name, e);
	}
	return result == 0 ? walk_remember(&merge->walk, name, e) : -1;
}

static int merge_entry(struct merge *merge, const char *name, struct error *e)
{
	struct stat from, into;
	const struct stat *there = &into;
	merge->entries++;
	if (fstatat(merge->walk.from, name, &from, AT_SYMLINK_NOFOLLOW) != 0)
		return failed(merge, name, "look at", e);
	if (fstatat(merge->walk.into, name, &into, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno != ENOENT)
			return failed(merge, name, "look at", e);
		there = NULL;
	}
	return S_ISDIR(from.st_mode) ? merge_directory(merge, name, there, e)
				     : merge_other(merge, name, &from, there, e);
}

/* --- directories */

static void tell(const struct merge *merge)
{
	if (merge->request->progress != NULL)
		merge->request->progress();
}

static int write_all(const struct merge *merge, struct error *e)
{
	tell(merge);
	if (syncfs(merge->request->into_fd) != 0)
		return error_errno(e, errno, "write it all to the disk");
	tell(merge);
	return 0;
}

/* A directory may have more entries than a watchdog has patience for; and so may the disk, if all
 * is written at the end only. */
static int count_step(struct merge *merge, struct error *e)
{
	merge->steps++;
	if (merge->steps % STEPS_UNWRITTEN == 0)
		return write_all(merge, e);
	if (merge->steps % STEPS_UNTOLD == 0)
		tell(merge);
	return 0;
}

static int each_entry(struct merge *merge, int fd,
	int (*visit)(struct merge *merge, const char *name, struct error *e), struct error *e)
{
	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = again < 0 ? NULL : fdopendir(again);
	const struct dirent *entry;
	int result = 0;
	if (directory == NULL) {
		scope_close(&again);
		return failed(merge, NULL, "read", e);
	}
	while (result == 0) {
		errno = 0;
		if ((entry = readdir(directory)) == NULL)
			break;
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			result = visit(merge, entry->d_name, e) == 0 ? count_step(merge, e) : -1;
	}
	if (result == 0 && errno != 0)
		result = failed(merge, NULL, "read", e);
	(void)closedir(directory);
	return result;
}

static int remove_hidden(struct merge *merge, const char *name, struct error *e)
{
	struct stat st;
	if (fstatat(merge->walk.from, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (errno != ENOENT)
		return failed(merge, name, "look at", e);
	return store_remove(merge->walk.into, name, e) == 0 ? 0 : failed_at(merge, NULL, e);
}

/* An opaque directory hides from the moment on that it is one, so that comes first. */
static int hide(struct merge *merge, struct error *e)
{
	const struct walk *walk = &merge->walk;
	if (merge_carry_flag(walk->from, walk->into, MERGE_OPAQUE, e) != 0)
		return failed_at(merge, NULL, e);
	return each_entry(merge, walk->into, remove_hidden, e);
}

/* `into` must have nothing there that `from` lacks when that, or one above, is opaque. overlayfs
 * never asks that of the top. */
static int look_whether_exact(const struct merge *merge, struct error *e)
{
	const struct walk *walk = &merge->walk;
	int opaque = walk->depth > 1 ? merge_has_flag(walk->from, MERGE_OPAQUE, e) : 0;
	if (opaque < 0)
		return failed_at(merge, NULL, e);
	walk_level(walk)->exact |= opaque > 0;
	return 0;
}

static int merge_here(struct merge *merge, struct error *e)
{
	const struct walk *walk = &merge->walk;
	if (look_whether_exact(merge, e) != 0)
		return -1;
	if (walk_level(walk)->exact && hide(merge, e) != 0)
		return -1;
	if (each_entry(merge, walk->from, merge_entry, e) != 0)
		return -1;
	tell(merge);
	return merge_copy_metadata(walk->from, walk->into, e) == 0 ? 0 : failed_at(merge, NULL, e);
}

static int empty_scratch(const struct merge *merge, struct error *e)
{
	int scratch = merge->request->scratch_fd;
	return store_remove(scratch, made, e) == 0 ? store_remove(scratch, spare, e) : -1;
}

static int merge_all(struct merge *merge, struct error *e)
{
	const struct merge_request *request = merge->request;
	if (empty_scratch(merge, e) != 0 ||
		walk_begin(&merge->walk, request->from_fd, request->into_fd, e) != 0)
		return -1;
	int left = 1;
	while (left > 0)
		left = merge_here(merge, e) == 0 ? walk_next(&merge->walk, e) : -1;
	if (left < 0 || empty_scratch(merge, e) != 0)
		return -1;
	return write_all(merge, e);
}

int merge_uppers(const struct merge_request *request, uint64_t *entries, struct error *e)
{
	struct merge merge = {.request = request, .walk = WALK_NONE};
	int result = merge_all(&merge, e);
	walk_end(&merge.walk);
	*entries = merge.entries;
	return result;
}

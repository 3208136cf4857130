#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "scope.h"
#include "syscalls.h"

/*
 * Names nest as deep as a path is long, so neither descriptors nor stack may be spent on depth:
 * what lies two levels below is moved up to the top first, then removed like everything else there.
 * Each directory moves once.
 */
struct removal {
	int top_fd;
	uint64_t moved; /* names given so far */
	uint64_t done;  /* names that went or moved */
};

static int each_child(int dir_fd,
	int (*visit)(void *context, int dir_fd, const char *name, struct error *e), void *context,
	struct error *e)
{
	SCOPED_FD fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir == NULL)
		return error_errno(e, errno, "read a directory");
	(void)scope_take_fd(&fd);
	int result = 0;
	while (result == 0) {
		errno = 0;
		const struct dirent *entry = readdir(dir);
		if (entry == NULL) {
			if (errno != 0)
				result = error_errno(e, errno, "read a directory");
			break;
		}
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			result = visit(context, dir_fd, entry->d_name, e);
	}
	(void)closedir(dir);
	return result;
}

/* Gone, or a directory that still holds something. unlink(2) of a directory is EISDIR here, EPERM
 * in POSIX. */
static int remove_one(int dir_fd, const char *name, bool *full, uint64_t *done, struct error *e)
{
	*full = false;
	if (unlinkat(dir_fd, name, 0) == 0 || ((errno == EISDIR || errno == EPERM) &&
						      unlinkat(dir_fd, name, AT_REMOVEDIR) == 0)) {
		(*done)++;
		return 0;
	}
	if (errno == ENOENT)
		return 0;
	if (errno == ENOTEMPTY || errno == EEXIST) {
		*full = true;
		return 0;
	}
	return error_errno(e, errno, "remove `%.80s`", name);
}

static int move_up(struct removal *removal, int dir_fd, const char *name, struct error *e)
{
	char to[32];
	for (;;) {
		(void)snprintf(
			to, sizeof to, ".removing-%llu", (unsigned long long)removal->moved++);
		if (sys_rename_noreplace(dir_fd, name, removal->top_fd, to) == 0) {
			removal->done++;
			return 0;
		}
		if (errno != EEXIST)
			return error_errno(e, errno, "remove `%.80s`", name);
	}
}

static int remove_grandchild(void *context, int dir_fd, const char *name, struct error *e)
{
	bool full;
	struct removal *removal = context;
	if (remove_one(dir_fd, name, &full, &removal->done, e) != 0)
		return -1;
	return full ? move_up(removal, dir_fd, name, e) : 0;
}

static int remove_child(void *context, int dir_fd, const char *name, struct error *e)
{
	bool full;
	struct removal *removal = context;
	if (remove_one(dir_fd, name, &full, &removal->done, e) != 0)
		return -1;
	if (!full)
		return 0;
	SCOPED_FD fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_errno(e, errno, "remove `%.80s`", name);
	/* It may stay full for this round: names added while it was read may be missed. */
	return each_child(fd, remove_grandchild, context, e) == 0
		       ? remove_one(dir_fd, name, &full, &removal->done, e)
		       : -1;
}

int store_remove(int dir_fd, const char *name, struct error *e)
{
	bool full;
	uint64_t before = 0;
	if (remove_one(dir_fd, name, &full, &before, e) != 0)
		return -1;
	if (!full)
		return 0;
	struct removal removal = {
		.top_fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
	if (removal.top_fd < 0)
		return error_errno(e, errno, "remove `%.80s`", name);
	SCOPED_FD top_fd = removal.top_fd;
	while (full) {
		before = removal.done;
		if (each_child(top_fd, remove_child, &removal, e) != 0 ||
			remove_one(dir_fd, name, &full, &removal.done, e) != 0)
			return -1;
		/* A damaged directory lists names that it does not have. */
		if (full && removal.done == before)
			return error_set(e, ERROR_IO, 0, "`%.80s` can't be emptied", name);
	}
	return 0;
}

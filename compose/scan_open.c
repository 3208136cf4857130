#include <fcntl.h>

#include "../layers/scope.h"
#include "../layers/syscalls.h"
#include "scan.h"

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

int scan_check_file(const struct scan_entry *entry, int fd, struct error *e)
{
	const struct stat *then = &entry->st;
	struct stat now;
	if (fstat(fd, &now) != 0)
		return error_errno(e, errno, "stat `%s`", entry->path);
	if (now.st_ino == then->st_ino && now.st_dev == then->st_dev && S_ISREG(now.st_mode) &&
		now.st_size == then->st_size && same_time(&now.st_mtim, &then->st_mtim))
		return 0;
	return error_set(e, ERROR_IO, 0, "`%s` was changed while it was read", entry->path);
}

int scan_open_file(
	const struct scan *scan, const struct scan_entry *entry, int *fd, struct error *e)
{
	/* O_NONBLOCK: should it have become a FIFO meanwhile, that must not hold us. */
	SCOPED_FD opened = sys_openat2(entry->below ? scan->below_fd : scan->root_fd, entry->path,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0,
		RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	if (opened < 0)
		return error_errno(e, errno, "open `%s`", entry->path);
	if (scan_check_file(entry, opened, e) != 0)
		return -1;
	*fd = scope_take_fd(&opened);
	return 0;
}

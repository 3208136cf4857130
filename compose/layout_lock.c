#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "interrupt.h"
#include "layout.h"
#include "report.h"

/* Some file systems have no locks. */
static bool lacks_locks(int error)
{
	return error == ENOLCK || error == EOPNOTSUPP || error == ENOSYS || error == EINVAL;
}

static int lock(const struct layout *layout, int fd, int how, struct error *e)
{
	if (flock(fd, how | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK) {
		report_note("waiting for another plyboot with the store `%s`", layout->path);
		while (flock(fd, how) != 0) {
			if (interrupt_check(e) != 0)
				return -1;
			if (errno != EINTR)
				return error_errno(e, errno, "lock the store `%s`", layout->path);
		}
		return 0;
	}
	return error_errno(e, errno, "lock the store `%s`", layout->path);
}

int layout_lock_shared(struct layout *layout, struct error *e)
{
	struct error why;
	if (lock(layout, layout->fd, LOCK_SH, &why) == 0 || lacks_locks(why.sys_errno))
		return 0;
	if (e != NULL)
		*e = why;
	return -1;
}

int layout_lock_alone(struct layout *layout, struct error *e)
{
	return lock(layout, layout->fd, LOCK_EX, e);
}

bool layout_lock_try(struct layout *layout)
{
	/* NFS has no such lock of a directory, and says EBADF. */
	return flock(layout->fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

int layout_lock_index(struct layout *layout, struct error *e)
{
	struct error why;
	if (layout->index_fd >= 0)
		return 0;
	layout->index_fd = layout_open_directory(layout, "blobs", e);
	if (layout->index_fd < 0)
		return -1;
	/* NFS has no such lock of a directory, and says EBADF. */
	if (lock(layout, layout->index_fd, LOCK_EX, &why) == 0 || lacks_locks(why.sys_errno) ||
		why.sys_errno == EBADF)
		return 0;
	*e = why;
	return -1;
}

#include <fcntl.h>

#include "../layers/scope.h"
#include "../layers/syscalls.h"
#include "scan.h"

int scan_open_file(
	const struct scan *scan, const struct scan_entry *entry, int *fd, struct error *e)
{
	/* O_NONBLOCK: should it have become a FIFO meanwhile, that must not hold us. */
	SCOPED_FD opened = sys_openat2(scan->root_fd, entry->path,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	if (opened < 0)
		return error_errno(e, errno, "open `%s`", entry->path);
	struct stat st;
	if (fstat(opened, &st) != 0)
		return error_errno(e, errno, "stat `%s`", entry->path);
	if (st.st_ino != entry->st.st_ino || st.st_dev != entry->st.st_dev ||
		!S_ISREG(st.st_mode) || st.st_size != entry->st.st_size)
		return error_set(e, ERROR_IO, 0, "`%s` was changed while it was read", entry->path);
	*fd = scope_take_fd(&opened);
	return 0;
}

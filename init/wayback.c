#include "wayback.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "scope.h"

#define WAYBACK_PATH "/run/initramfs"

enum { PROGRAM_MAX_BYTES = 1024 * 1024 };

static int copy_program(struct error *e)
{
	SCOPED_FREE char *bytes = NULL;
	size_t size_bytes;
	if (files_read(AT_FDCWD, "/shutdown", PROGRAM_MAX_BYTES, &bytes, &size_bytes, e) != 0)
		return -1;
	SCOPED_FD fd =
		open(WAYBACK_PATH "/shutdown", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (fd < 0 || files_write_all(fd, bytes, size_bytes) != 0 || close(scope_take_fd(&fd)) != 0)
		return error_errno(e, errno, "write " WAYBACK_PATH "/shutdown");
	return 0;
}

static int make(struct error *e)
{
	if (mkdir(WAYBACK_PATH, 0755) != 0 && errno != EEXIST)
		return error_errno(e, errno, "make " WAYBACK_PATH);
	if (mount("plyboot-shutdown", WAYBACK_PATH, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") !=
		0)
		return error_set(e, ERROR_KERNEL, errno, "mount a tmpfs at " WAYBACK_PATH);
	return copy_program(e);
}

void wayback_make(struct report *report)
{
	struct error why = {0};
	if (make(&why) != 0)
		report_warn(report, "there is no way back at shutdown: %s", why.text);
}

static void link_device(struct report *report, const char *device, const char *at)
{
	if (device[0] != '\0' && symlink(device, at) != 0)
		report_warn(report, "the way back does not know %s: %s", device, strerror(errno));
}

void wayback_note_devices(struct report *report)
{
	link_device(report, report->device[INITCONF_STATE], WAYBACK_PATH "/state");
	link_device(
		report, report->watchdog != NULL ? report->watchdog : "", WAYBACK_PATH "/watchdog");
}

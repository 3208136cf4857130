#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "syscalls.h"

const char *const mounts_carried[MOUNTS_COUNT] = {"dev", "proc", "sys", "run"};

/* Options as systemd's initrd interface asks for, and as it would mount them itself. */
static const struct {
	const char *path, *type, *data;
	unsigned long flags;
	const char *option; /* of the kernel's configuration */
} first_mounts[MOUNTS_COUNT] = {
	{"/dev", "devtmpfs", "mode=0755", MS_NOSUID | MS_STRICTATIME, "DEVTMPFS"},
	{"/proc", "proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, "PROC_FS"},
	{"/sys", "sysfs", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, "SYSFS"},
	{"/run", "tmpfs", "mode=0755,size=20%", MS_NOSUID | MS_NODEV | MS_STRICTATIME, "TMPFS"},
};

int mounts_make(struct error *e)
{
	for (unsigned i = 0; i < MOUNTS_COUNT; i++) {
		const char *path = first_mounts[i].path;
		if (mkdir(path, 0755) != 0 && errno != EEXIST)
			return error_errno(e, errno, "make %s", path);
		if (mount(first_mounts[i].type, path, first_mounts[i].type, first_mounts[i].flags,
			    first_mounts[i].data) != 0 &&
			errno != EBUSY)
			return error_set(e, ERROR_KERNEL, errno, "mount %s on %s (CONFIG_%s=y)",
				first_mounts[i].type, path, first_mounts[i].option);
	}
	if (mkdir("/run/plyboot", 0755) != 0 && errno != EEXIST)
		return error_errno(e, errno, "make /run/plyboot");
	return 0;
}

void mounts_set_panic(void)
{
	char now[8] = "";
	int fd = open("/proc/sys/kernel/panic", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	if (read(fd, now, sizeof now - 1) > 0 && strcmp(now, "0\n") == 0)
		(void)dprintf(fd, "%d\n", MOUNTS_PANIC_S);
	(void)close(fd);
}

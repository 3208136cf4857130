#include "partition.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "console.h"
#include "devices.h"
#include "scope.h"
#include "syscalls.h"

/* What a disk fails to give is no fault of the kernel, nor is a file system with a wrong checksum.
 */
static enum error_code code_of(int sys_errno)
{
	return sys_errno == EIO || sys_errno == EUCLEAN || sys_errno == EBADMSG ? ERROR_IO
										: ERROR_KERNEL;
}

int partition_fs_error(int fs_fd, int sys_errno, const char *what, struct error *e)
{
	char message[256];
	enum error_code code = code_of(sys_errno);
	ssize_t got = read(fs_fd, message, sizeof message - 1);
	if (got <= 2)
		return error_set(e, code, sys_errno, "%s (the kernel's messages say more)", what);
	message[got] = '\0';
	message[strcspn(message, "\n")] = '\0';
	return error_set(e, code, sys_errno, "%s: %s", what, message + 2); /* "e ..." */
}

/* A mount that is attached nowhere, or -1. */
static int mount_ext4(
	const char *device, bool read_only, bool no_load, unsigned attributes, struct error *e)
{
	SCOPED_FD fs = sys_fsopen("ext4");
	if (fs < 0)
		return error_set(e, ERROR_KERNEL, errno,
			"the kernel has no ext4 (CONFIG_EXT4_FS=y, or its module in init.conf)");
	/* The superblock could ask for errors=panic. */
	if (sys_fsconfig_string(fs, "source", device) != 0 ||
		sys_fsconfig_string(fs, "errors", "remount-ro") != 0 ||
		(read_only && sys_fsconfig_flag(fs, "ro") != 0) ||
		(no_load && sys_fsconfig_flag(fs, "noload") != 0) || sys_fsconfig_create(fs) != 0)
		return partition_fs_error(fs, errno, device, e);
	int mounted = sys_fsmount(fs, attributes);
	if (mounted < 0)
		return partition_fs_error(fs, errno, device, e);
	return mounted;
}

int partition_open_read_only(const char *device, int *dir_fd, struct error *e)
{
	const unsigned attributes =
		MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	struct ext4_identity identity;
	if (devices_identify_ext4(device, &identity, e) != 0)
		return -1;
	int mounted = mount_ext4(device, true, false, attributes, e);
	if (mounted < 0) {
		console_debug("mount: %s; once more without its journal", e->text);
		mounted = mount_ext4(device, true, true, attributes, e);
	}
	if (mounted < 0)
		return error_wrap(e, "mount");
	/* The descriptor of fsmount is an O_PATH one: get one that can be listed. */
	int root = sys_openat2(mounted, ".", O_RDONLY | O_DIRECTORY, 0, SYS_RESOLVE_STRICT);
	int saved = errno;
	(void)close(mounted);
	if (root < 0)
		return error_errno(e, saved, "open the root of %s", device);
	*dir_fd = root;
	return 0;
}

int partition_mount(const char *device, const char *at, struct error *e)
{
	struct ext4_identity identity;
	if (devices_identify_ext4(device, &identity, e) != 0)
		return -1;
	SCOPED_FD mounted =
		mount_ext4(device, false, false, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, e);
	if (mounted < 0)
		return error_wrap(e, "mount");
	if (sys_move_mount(mounted, AT_FDCWD, at) != 0)
		return error_set(e, ERROR_KERNEL, errno, "attach %s at %s", device, at);
	return 0;
}

/*
 * System calls that musl 1.2.3 has no function for. Structures and constants are the kernel's
 * (linux/mount.h, linux/openat2.h); sys/mount.h, which clashes with some of them, is not needed
 * beside this header: what it has of use is declared here. As in libc: -1 and errno on failure.
 */
#ifndef PLYBOOT_SYSCALLS_H
#define PLYBOOT_SYSCALLS_H

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* libc's, from sys/mount.h. */
int mount(const char *source, const char *target, const char *type, unsigned long flags,
	const void *data);
int umount2(const char *target, int flags);

/* umount2(2), from linux/fs.h of no header at all. */
#ifndef MNT_DETACH
#define MNT_DETACH 2
#endif

/* openat2(2), Linux 5.6. O_CLOEXEC is always added. */
static inline int sys_openat2(
	int dir_fd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.mode = mode,
		.resolve = resolve,
	};
	return (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof how);
}

/* Below `dir_fd`, through no symlink (not even as the last component), on the same mount. */
#define SYS_RESOLVE_STRICT (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV)

/* renameat2(2) that never replaces what has the new name already (EEXIST). */
static inline int sys_rename_noreplace(int from_fd, const char *from, int to_fd, const char *to)
{
	const unsigned noreplace = 1; /* RENAME_NOREPLACE; linux/fs.h clashes with sys/mount.h */
	return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, noreplace);
}

/* fsopen(2), Linux 5.2: a configuration context for a new superblock, close-on-exec. */
static inline int sys_fsopen(const char *type)
{
	return (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
}

static inline int sys_fsconfig_flag(int fs_fd, const char *key)
{
	return (int)syscall(SYS_fsconfig, fs_fd, FSCONFIG_SET_FLAG, key, NULL, 0);
}

static inline int sys_fsconfig_string(int fs_fd, const char *key, const char *value)
{
	return (int)syscall(SYS_fsconfig, fs_fd, FSCONFIG_SET_STRING, key, value, 0);
}

static inline int sys_fsconfig_create(int fs_fd)
{
	return (int)syscall(SYS_fsconfig, fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
}

/* Apply what was set on an existing superblock (a context from fspick). */
static inline int sys_fsconfig_reconfigure(int fs_fd)
{
	return (int)syscall(SYS_fsconfig, fs_fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0);
}

/* fsmount(2): a mount that is attached nowhere; MOUNT_ATTR_*. */
static inline int sys_fsmount(int fs_fd, unsigned attributes)
{
	return (int)syscall(SYS_fsmount, fs_fd, FSMOUNT_CLOEXEC, attributes);
}

/* Attach what `mount_fd` stands for at a path. */
static inline int sys_move_mount(int mount_fd, int to_fd, const char *to_path)
{
	return (int)syscall(SYS_move_mount, mount_fd, "", to_fd, to_path, MOVE_MOUNT_F_EMPTY_PATH);
}

/* open_tree(2), Linux 5.2: once more what is mounted at an open directory, from it downwards,
 * attached nowhere, with the flags that it has there. */
static inline int sys_clone_mount(int dir_fd)
{
	return (int)syscall(SYS_open_tree, dir_fd, "",
		OPEN_TREE_CLONE | (unsigned)OPEN_TREE_CLOEXEC | (unsigned)AT_EMPTY_PATH);
}

/* Attach what `mount_fd` stands for at an open directory. */
static inline int sys_move_mount_onto(int mount_fd, int to_fd)
{
	return (int)syscall(SYS_move_mount, mount_fd, "", to_fd, "",
		MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

/* mount_setattr(2), Linux 5.12. */
static inline int sys_mount_setattr(
	int dir_fd, const char *path, unsigned flags, uint64_t attr_set, uint64_t attr_clear)
{
	struct mount_attr attr = {.attr_set = attr_set, .attr_clr = attr_clear};
	return (int)syscall(SYS_mount_setattr, dir_fd, path, flags, &attr, sizeof attr);
}

/* finit_module(2). MODULE_INIT_COMPRESSED_FILE needs Linux 5.17. */
static inline int sys_finit_module(int fd, const char *parameters, unsigned flags)
{
	return (int)syscall(SYS_finit_module, fd, parameters, flags);
}

/* ioctl(2) for requests of 32 bits, whose parameter musl has as an int. */
static inline int sys_ioctl(int fd, unsigned long request, void *argument)
{
	return (int)syscall(SYS_ioctl, fd, request, argument);
}

#endif

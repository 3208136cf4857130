#include "unmount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "../entry/say.h"
#include "../files.h"
#include "mountinfo.h"
#include "scope.h"

enum { MOUNTINFO_MAX_BYTES = 16 * 1024 * 1024 };

struct mounts {
	char *text;
	struct mount_point *list;
	size_t count;
};

static void free_mounts(struct mounts *mounts)
{
	free(mounts->list);
	free(mounts->text);
}

static int read_mounts(struct mounts *out)
{
	struct error why = {0};
	size_t size_bytes;
	if (files_read(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX_BYTES, &out->text,
		    &size_bytes, &why) != 0) {
		say("what is mounted is not known: %s", why.text);
		return -1;
	}
	size_t room = mountinfo_parse(out->text, NULL, 0);
	out->list = calloc(room + 1, sizeof *out->list);
	if (out->list == NULL) {
		say("what is mounted is not known: %s", strerror(ENOMEM));
		return -1;
	}
	out->count = mountinfo_parse(out->text, out->list, room);
	mountinfo_deepest_first(out->list, out->count);
	return 0;
}

bool unmount_is_lasting(const char *type)
{
	static const char *const passing[] = {"autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2",
		"configfs", "debugfs", "devpts", "devtmpfs", "efivarfs", "fusectl", "hugetlbfs",
		"mqueue", "nsfs", "proc", "pstore", "ramfs", "rootfs", "securityfs", "selinuxfs",
		"sysfs", "tmpfs", "tracefs"};
	for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++) {
		if (strcmp(type, passing[i]) == 0)
			return false;
	}
	return true;
}

/* The place's own, which this program needs to the end. */
static bool is_own(const char *path)
{
	static const char *const own[] = {"/", "/dev", "/proc", "/run", "/sys"};
	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
		if (strcmp(path, own[i]) == 0)
			return true;
	}
	return false;
}

static bool is_to_go(const struct mount_point *mount, bool pivoted)
{
	return !is_own(mount->path) && (pivoted || unmount_is_lasting(mount->type));
}

/* A mount that hides another is gone after one round: the other's turn is the next one. */
static bool unmount_round(bool pivoted)
{
	__attribute__((cleanup(free_mounts))) struct mounts mounts = {0};
	bool progress = false;
	if (read_mounts(&mounts) != 0)
		return false;
	for (size_t i = 0; i < mounts.count; i++) {
		if (is_to_go(&mounts.list[i], pivoted) &&
			umount2(mounts.list[i].path, UMOUNT_NOFOLLOW) == 0)
			progress = true;
	}
	return progress;
}

static bool make_read_only(const char *path)
{
	return mount(NULL, path, NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0 || errno == EROFS;
}

static bool settle(const struct mount_point *mount)
{
	if (umount2(mount->path, UMOUNT_NOFOLLOW) == 0)
		return true;
	const char *why = strerror(errno);
	if (!unmount_is_lasting(mount->type)) {
		say("%s can't be unmounted: %s", mount->path, why);
		return true;
	}
	if (make_read_only(mount->path)) {
		say("%s can't be unmounted: %s; it is read-only", mount->path, why);
		return true;
	}
	say("%s can't be unmounted: %s; nor made read-only: %s", mount->path, why, strerror(errno));
	return false;
}

bool unmount_all(bool pivoted)
{
	__attribute__((cleanup(free_mounts))) struct mounts mounts = {0};
	bool good = true;
	sync();
	while (unmount_round(pivoted))
		;
	if (read_mounts(&mounts) != 0)
		good = false;
	for (size_t i = 0; i < mounts.count; i++) {
		if (is_to_go(&mounts.list[i], pivoted))
			good &= settle(&mounts.list[i]);
	}
	if (!pivoted && !make_read_only("/")) {
		say("/ can't be made read-only: %s", strerror(errno));
		good = false;
	}
	sync();
	return good;
}

#include "device.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../layers/scope.h"
#include "../layers/syscalls.h"
#include "report.h"

/* --- the record */

enum { BUSY_MS = 5000, PAUSE_MS = 50 };

static int refuse_record(const struct record_io *io, const char *device, struct error *e)
{
	return error_set(e, ERROR_DEVICE, 0, "the record on %s: %s", device, io->state);
}

int device_open_record(
	const struct booted *booted, bool write, struct record_io *out, struct error *e)
{
	const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000};
	if (booted->record[0] == '\0')
		return error_set(
			e, ERROR_DEVICE, 0, "this boot had no record: %s", booted->record_state);
	for (unsigned waited = 0;; waited += PAUSE_MS) {
		bool good = record_io_open(booted->record, out);
		if (out->fd >= 0 || out->open_errno != EBUSY || waited >= BUSY_MS) {
			if (!good && out->fd >= 0 && out->writable)
				report_warning("the record on %s: %s", booted->record, out->state);
			break;
		}
		(void)nanosleep(&pause, NULL);
	}
	if (out->fd < 0)
		return refuse_record(out, booted->record, e);
	if (write && !out->writable) {
		record_io_close(out);
		return refuse_record(out, booted->record, e);
	}
	return 0;
}

bool device_read_record(const struct booted *booted, struct record_io *out)
{
	struct error why;
	if (device_open_record(booted, false, out, &why) != 0) {
		record_io_none(out, why.text);
		return false;
	}
	record_io_close(out);
	return true;
}

/* --- the layers partition */

/* A disk that is gone or dead is no fault of the kernel's. */
static enum error_code mount_code(int sys_errno)
{
	if (sys_errno == ENOENT || sys_errno == ENXIO || sys_errno == ENODEV ||
		sys_errno == ENOMEDIUM)
		return ERROR_DEVICE;
	return sys_errno == EIO ? ERROR_IO : ERROR_KERNEL;
}

static int fs_error(int fs_fd, int sys_errno, const char *what, struct error *e)
{
	char message[256];
	ssize_t got = read(fs_fd, message, sizeof message - 1);
	if (got <= 2)
		return error_set(e, mount_code(sys_errno), sys_errno, "mount %s", what);
	message[got] = '\0';
	message[strcspn(message, "\n")] = '\0';
	return error_set(e, mount_code(sys_errno), sys_errno, "mount %s: %s", what, message + 2);
}

/* `superblock_ro`: all mounts of one disk agree on that; ours may still be read-only. */
static int mount_detached(
	const char *device, bool superblock_ro, unsigned attributes, struct error *e)
{
	SCOPED_FD fs = sys_fsopen("ext4");
	if (fs < 0)
		return error_set(e, ERROR_KERNEL, errno,
			errno == EPERM ? "mount %s: it takes root"
				       : "mount %s: the kernel has no ext4",
			device);
	if (sys_fsconfig_string(fs, "source", device) != 0 ||
		sys_fsconfig_string(fs, "errors", "remount-ro") != 0 ||
		(superblock_ro && sys_fsconfig_flag(fs, "ro") != 0) || sys_fsconfig_create(fs) != 0)
		return fs_error(fs, errno, device, e);
	int mounted = sys_fsmount(fs, attributes);
	return mounted >= 0 ? mounted : fs_error(fs, errno, device, e);
}

static int mount_layers(const char *device, bool write, struct error *e)
{
	const unsigned attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	if (write)
		return mount_detached(device, false, attributes, e);
	int mounted = mount_detached(device, true, attributes | MOUNT_ATTR_RDONLY, e);
	if (mounted < 0 && e->sys_errno == EBUSY) /* somebody has it read-write */
		mounted = mount_detached(device, false, attributes | MOUNT_ATTR_RDONLY, e);
	return mounted;
}

int device_open_layers(const struct booted *booted, bool write, struct layout *out, struct error *e)
{
	char path[32];
	if (booted->layers[0] == '\0')
		return error_set(e, ERROR_DEVICE, 0, "boot.json names no layers partition");
	SCOPED_FD mounted = mount_layers(booted->layers, write, e);
	if (mounted < 0)
		return -1;
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", mounted);
	if (layout_open(path, false, out, e) != 0)
		return error_wrap(e, "%s", booted->layers);
	out->path = booted->layers;
	return 0;
}

int device_find_stacks(struct layout *layers, const struct candidate_policy *policy,
	struct device_stacks *out, struct error *e)
{
	static struct candidate_names names;
	out->found.count = out->refused_count = 0;
	if (candidate_list(layers->source, policy, &names, e) != 0)
		return -1;
	for (size_t i = 0; i < names.count; i++) {
		struct device_refused *refused = &out->refused[out->refused_count];
		if (candidate_read(layers->source, policy, names.list[i],
			    &out->found.list[out->found.count], &refused->why) == 0) {
			out->found.count++;
			continue;
		}
		memcpy(refused->file_name, names.list[i], sizeof refused->file_name);
		out->refused_count++;
	}
	return 0;
}

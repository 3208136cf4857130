#include "devices.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "clock.h"
#include "console.h"
#include "files.h"
#include "gpt.h"
#include "scope.h"
#include "uevent.h"

enum { UEVENT_MAX_BYTES = 8192, NAME_SIZE = 64, POLL_MAX_MS = 50, SAY_AFTER_US = 1000000 };

static int read_fully(int fd, uint64_t offset, void *buffer, size_t size_bytes)
{
	ssize_t got;
	do
		got = pread(fd, buffer, size_bytes, (off_t)offset);
	while (got < 0 && errno == EINTR);
	if (got >= 0 && (size_t)got != size_bytes)
		errno = ENODATA;
	return got >= 0 && (size_t)got == size_bytes ? 0 : -1;
}

static int read_disk(void *context, uint64_t offset, void *buffer, size_t size_bytes)
{
	return read_fully(*(int *)context, offset, buffer, size_bytes);
}

int devices_identify_ext4(const char *path, struct ext4_identity *out, struct error *e)
{
	uint8_t superblock[EXT4_SUPERBLOCK_BYTES];
	SCOPED_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(e, errno, "open %s", path);
	if (read_fully(fd, EXT4_SUPERBLOCK_OFFSET, superblock, sizeof superblock) != 0)
		return error_errno(e, errno, "read the superblock of %s", path);
	if (!ext4_identify(superblock, out))
		return error_set(e, ERROR_DEVICE, 0, "%s holds no ext4 file system", path);
	return 0;
}

/* --- one device against what is wanted */

struct device {
	char name[NAME_SIZE]; /* below /sys/class/block */
	char *uevent;
	char path[DEVICES_PATH_SIZE]; /* its node in /dev */
};

static bool match_partlabel(const struct device *device, const char *value)
{
	char label[128];
	return uevent_value(device->uevent, "PARTNAME", label, sizeof label) &&
	       strcmp(label, value) == 0;
}

/* Kernels before 6.9 don't say PARTUUID in the uevent: read the table of the disk that it is on. */
static bool guid_from_disk(const struct device *device, char out[GPT_GUID_SIZE])
{
	char path[NAME_SIZE + 64], name[NAME_SIZE], number[16];
	SCOPED_FREE char *uevent = NULL;
	size_t size_bytes;
	uint32_t sector_bytes = 0;
	if (!uevent_value(device->uevent, "PARTN", number, sizeof number))
		return false;
	(void)snprintf(path, sizeof path, "/sys/class/block/%s/../uevent", device->name);
	if (files_read(AT_FDCWD, path, UEVENT_MAX_BYTES, &uevent, &size_bytes, NULL) != 0 ||
		!uevent_value(uevent, "DEVNAME", name, sizeof name))
		return false;
	(void)snprintf(path, sizeof path, "/dev/%s", name);
	SCOPED_FD disk = open(path, O_RDONLY | O_CLOEXEC);
	if (disk < 0 || ioctl(disk, BLKSSZGET, &sector_bytes) != 0)
		return false;
	struct error why;
	if (gpt_partition_guid(read_disk, &disk, sector_bytes, (uint32_t)strtoul(number, NULL, 10),
		    out, &why) == 0)
		return true;
	console_debug("%s: %s", path, why.text);
	return false;
}

static bool match_partuuid(const struct device *device, const char *value)
{
	char guid[GPT_GUID_SIZE];
	return (uevent_value(device->uevent, "PARTUUID", guid, sizeof guid) ||
		       guid_from_disk(device, guid)) &&
	       strcasecmp(guid, value) == 0;
}

static bool identify(const struct device *device, struct ext4_identity *out)
{
	struct error why;
	if (devices_identify_ext4(device->path, out, &why) == 0)
		return true;
	console_debug("%s", why.text);
	return false;
}

static bool match_label(const struct device *device, const char *value)
{
	struct ext4_identity identity;
	return identify(device, &identity) && strcmp(identity.label, value) == 0;
}

static bool match_uuid(const struct device *device, const char *value)
{
	struct ext4_identity identity;
	return identify(device, &identity) && strcasecmp(identity.uuid, value) == 0;
}

static const struct tag {
	const char *name;
	bool (*match)(const struct device *device, const char *value);
} tags[] = {
	{"LABEL=", match_label},
	{"UUID=", match_uuid},
	{"PARTLABEL=", match_partlabel},
	{"PARTUUID=", match_partuuid},
};

/* --- all of them */

static bool is_block_device(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISBLK(st.st_mode);
}

/* False, too, for one that is only just appearing: sysfs has it before /dev does. */
static bool device_read(const char *name, struct device *out)
{
	char path[NAME_SIZE + 64], node[NAME_SIZE];
	size_t size_bytes;
	size_t length = strlen(name);
	if (length >= sizeof out->name)
		return false;
	memcpy(out->name, name, length + 1);
	(void)snprintf(path, sizeof path, "/sys/class/block/%s/uevent", out->name);
	if (files_read(AT_FDCWD, path, UEVENT_MAX_BYTES, &out->uevent, &size_bytes, NULL) != 0)
		return false;
	if (uevent_value(out->uevent, "DEVNAME", node, sizeof node)) {
		(void)snprintf(out->path, sizeof out->path, "/dev/%s", node);
		if (is_block_device(out->path))
			return true;
	}
	free(out->uevent);
	return false;
}

/* Looking into these would take seconds, or tell nothing. */
static bool is_worth_it(const char *name)
{
	static const char *const passed_over[] = {".", "ram", "zram", "fd", "sr"};
	char path[NAME_SIZE + 64];
	SCOPED_FREE char *sectors = NULL;
	size_t size_bytes;
	for (size_t i = 0; i < sizeof passed_over / sizeof passed_over[0]; i++) {
		if (strncmp(name, passed_over[i], strlen(passed_over[i])) == 0)
			return false;
	}
	(void)snprintf(path, sizeof path, "/sys/class/block/%.64s/size", name);
	return files_read(AT_FDCWD, path, 64, &sectors, &size_bytes, NULL) == 0 &&
	       strcmp(sectors, "0\n") != 0;
}

/* What one look found. */
struct scan {
	unsigned matches;
	char path[2][DEVICES_PATH_SIZE];
	char present[256]; /* names, for the message */
};

static void note_present(struct scan *scan, const char *name)
{
	size_t used = strlen(scan->present);
	(void)snprintf(scan->present + used, sizeof scan->present - used, "%s%s",
		used > 0 ? ", " : "", name);
}

static void scan_all(const struct tag *tag, const char *value, struct scan *scan)
{
	DIR *directory = opendir("/sys/class/block");
	struct dirent *entry;
	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		struct device device;
		if (!is_worth_it(entry->d_name) || !device_read(entry->d_name, &device))
			continue;
		note_present(scan, device.name);
		if (tag != NULL && tag->match(&device, value)) {
			if (scan->matches < 2)
				memcpy(scan->path[scan->matches], device.path, sizeof device.path);
			scan->matches++;
		}
		free(device.uevent);
	}
	if (directory != NULL)
		(void)closedir(directory);
}

static void scan_path(const char *path, struct scan *scan)
{
	scan_all(NULL, NULL, scan);
	if (is_block_device(path)) {
		scan->matches = 1;
		(void)snprintf(scan->path[0], sizeof scan->path[0], "%s", path);
	}
}

static void look(const char *wanted, struct scan *scan)
{
	*scan = (struct scan){0};
	for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
		size_t length = strlen(tags[i].name);
		if (strncmp(wanted, tags[i].name, length) == 0) {
			scan_all(&tags[i], wanted + length, scan);
			return;
		}
	}
	scan_path(wanted, scan);
}

int devices_find(
	const char *wanted, uint64_t deadline_us, char out[DEVICES_PATH_SIZE], struct error *e)
{
	uint64_t start = clock_us();
	struct scan scan;
	bool said = false;
	look(wanted, &scan);
	for (unsigned pause = 1; scan.matches == 0 && clock_us() < deadline_us;
		pause = pause * 2 < POLL_MAX_MS ? pause * 2 : POLL_MAX_MS) {
		if (!said && clock_us() - start > SAY_AFTER_US) {
			console_say("waiting for %s", wanted);
			said = true;
		}
		clock_sleep_ms(pause);
		look(wanted, &scan);
	}
	uint64_t waited = clock_us() - start;
	if (scan.matches == 0)
		return error_set(e, ERROR_DEVICE, 0,
			"no block device is %s (waited %" CLOCK_MS " ms); present: %s", wanted,
			CLOCK_MS_OF(waited), scan.present[0] != '\0' ? scan.present : "none");
	if (scan.matches > 1) {
		bool swap = strcmp(scan.path[0], scan.path[1]) > 0;
		return error_set(e, ERROR_DEVICE, 0, "%u block devices are %s: %s and %s",
			scan.matches, wanted, scan.path[swap], scan.path[!swap]);
	}
	memcpy(out, scan.path[0], sizeof scan.path[0]);
	return 0;
}

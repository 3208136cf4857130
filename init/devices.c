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
#include "patience.h"
#include "scope.h"
#include "uevent.h"
#include "watchdog.h"

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

/* Room for any name by a tag, with its NUL: a PARTLABEL has up to 36 UTF-16 units. */
enum { TAG_VALUE_SIZE = 128 };

/* Each writes what the device is called in its way of naming; false when it has no such name. */

static bool get_partlabel(const struct device *device, char *out)
{
	return uevent_value(device->uevent, "PARTNAME", out, TAG_VALUE_SIZE);
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
	console_debug("device %s: %s", path, why.text);
	return false;
}

static bool get_partuuid(const struct device *device, char *out)
{
	return uevent_value(device->uevent, "PARTUUID", out, TAG_VALUE_SIZE) ||
	       guid_from_disk(device, out);
}

static bool identify(const struct device *device, struct ext4_identity *out)
{
	struct error why;
	if (devices_identify_ext4(device->path, out, &why) == 0)
		return true;
	if (why.code != ERROR_DEVICE) /* most devices hold no ext4 */
		console_debug("device: %s", why.text);
	return false;
}

static bool get_label(const struct device *device, char *out)
{
	struct ext4_identity identity;
	if (!identify(device, &identity))
		return false;
	memcpy(out, identity.label, sizeof identity.label);
	return out[0] != '\0';
}

static bool get_uuid(const struct device *device, char *out)
{
	struct ext4_identity identity;
	if (!identify(device, &identity))
		return false;
	memcpy(out, identity.uuid, sizeof identity.uuid);
	return true;
}

static const struct tag {
	const char *name;
	bool (*get)(const struct device *device, char *out);
	int (*compare)(const char *a, const char *b);
	bool always_shown; /* when nothing was found, beside the tag that was looked for */
} tags[] = {
	{"PARTLABEL=", get_partlabel, strcmp, true},
	{"LABEL=", get_label, strcmp, true},
	{"PARTUUID=", get_partuuid, strcasecmp, false},
	{"UUID=", get_uuid, strcasecmp, false},
};
enum { TAGS = sizeof tags / sizeof tags[0] };

static bool matches(const struct device *device, const struct tag *tag, const char *value)
{
	char name[TAG_VALUE_SIZE];
	return tag->get(device, name) && tag->compare(name, value) == 0;
}

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
};

/* `see` gets every device that could be meant. */
static void each_device(void (*see)(void *context, const struct device *device), void *context)
{
	DIR *directory = opendir("/sys/class/block");
	struct dirent *entry;
	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		struct device device;
		if (!is_worth_it(entry->d_name) || !device_read(entry->d_name, &device))
			continue;
		see(context, &device);
		free(device.uevent);
	}
	if (directory != NULL)
		(void)closedir(directory);
}

struct wanted {
	const struct tag *tag; /* NULL: a path */
	const char *value;
	struct scan scan;
};

static void compare_device(void *context, const struct device *device)
{
	struct wanted *wanted = context;
	struct scan *scan = &wanted->scan;
	if (!matches(device, wanted->tag, wanted->value))
		return;
	if (scan->matches < 2)
		memcpy(scan->path[scan->matches], device->path, sizeof device->path);
	scan->matches++;
}

static void look(struct wanted *wanted)
{
	wanted->scan = (struct scan){0};
	if (wanted->tag != NULL) {
		each_device(compare_device, wanted);
	} else if (is_block_device(wanted->value)) {
		wanted->scan.matches = 1;
		(void)snprintf(wanted->scan.path[0], DEVICES_PATH_SIZE, "%s", wanted->value);
	}
}

static struct wanted parse(const char *text)
{
	for (size_t i = 0; i < TAGS; i++) {
		size_t length = strlen(tags[i].name);
		if (strncmp(text, tags[i].name, length) == 0)
			return (struct wanted){.tag = &tags[i], .value = text + length};
	}
	return (struct wanted){.value = text};
}

/* --- for the message: what is there, as far as it fits */

struct present {
	const struct tag *wanted;
	unsigned left_out;
	char text[320];
};

static void describe_device(void *context, const struct device *device)
{
	struct present *present = context;
	char line[DEVICES_PATH_SIZE + TAGS * (TAG_VALUE_SIZE + 16)];
	int used = snprintf(
		line, sizeof line, "%s%s", present->text[0] != '\0' ? ", " : "", device->path);
	for (size_t i = 0; i < TAGS; i++) {
		char name[TAG_VALUE_SIZE];
		if ((tags[i].always_shown || &tags[i] == present->wanted) &&
			tags[i].get(device, name))
			used += snprintf(line + used, sizeof line - (size_t)used, " %s%s",
				tags[i].name, name);
	}
	size_t length = strlen(present->text);
	if (present->left_out > 0 || length + (size_t)used >= sizeof present->text)
		present->left_out++;
	else
		memcpy(present->text + length, line, (size_t)used + 1);
}

static int not_there(const char *text, const struct tag *tag, uint64_t waited_us, struct error *e)
{
	struct present present = {.wanted = tag};
	char more[32] = "";
	each_device(describe_device, &present);
	if (present.left_out > 0)
		(void)snprintf(more, sizeof more, " and %u more", present.left_out);
	return error_set(e, ERROR_DEVICE, 0,
		"no block device is %s (waited %" CLOCK_MS " ms); found: %s%s", text,
		CLOCK_MS_OF(waited_us), present.text[0] != '\0' ? present.text : "none", more);
}

/* After a second, and then every few. */
static void say_waiting(
	const char *text, uint64_t start_us, uint64_t deadline_us, uint64_t *said_us)
{
	uint64_t now = clock_us();
	if (now - start_us <= SAY_AFTER_US || now >= deadline_us)
		return;
	if (*said_us == 0) {
		console_say("waiting for %s", text);
		*said_us = now;
	} else if (patience_is_over(said_us, now)) {
		console_say("waiting for %s, for %llu s more at most", text,
			(unsigned long long)((deadline_us - now + 999999) / 1000000));
	}
}

int devices_find(
	const char *text, uint64_t deadline_us, char out[DEVICES_PATH_SIZE], struct error *e)
{
	uint64_t start = clock_us();
	struct wanted wanted = parse(text);
	const struct scan *scan = &wanted.scan;
	uint64_t said_us = 0;
	look(&wanted);
	for (unsigned pause = 1; scan->matches == 0 && clock_us() < deadline_us;
		pause = pause * 2 < POLL_MAX_MS ? pause * 2 : POLL_MAX_MS) {
		say_waiting(text, start, deadline_us, &said_us);
		clock_sleep_ms(pause);
		watchdog_feed();
		look(&wanted);
	}
	if (scan->matches == 0)
		return not_there(text, wanted.tag, clock_us() - start, e);
	if (scan->matches > 1) {
		bool swap = strcmp(scan->path[0], scan->path[1]) > 0;
		return error_set(e, ERROR_DEVICE, 0, "%u block devices are %s: %s and %s",
			scan->matches, text, scan->path[swap], scan->path[!swap]);
	}
	memcpy(out, scan->path[0], sizeof scan->path[0]);
	return 0;
}

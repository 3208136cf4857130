#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>

#include "../layers/scope.h"
#include "doctor.h"
#include "dos_table.h"

int doctor_read(void *context, uint64_t offset, void *buffer, size_t size_bytes)
{
	const struct doctor_place *place = context;
	uint8_t *to = buffer;
	if (offset > place->size_bytes || size_bytes > place->size_bytes - offset)
		return -1;
	offset += place->start_bytes;
	while (size_bytes > 0) {
		ssize_t got = pread(place->fd, to, size_bytes, (off_t)offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -1;
		to += got;
		offset += (uint64_t)got;
		size_bytes -= (size_t)got;
	}
	return 0;
}

void doctor_identify(struct doctor_place *place)
{
	uint8_t superblock[EXT4_SUPERBLOCK_BYTES];
	place->has_ext4 =
		doctor_read(place, EXT4_SUPERBLOCK_OFFSET, superblock, sizeof superblock) == 0 &&
		ext4_identify(superblock, &place->ext4);
}

static bool has_gpt(struct doctor_place *disk, uint32_t sector_bytes)
{
	char mark[8];
	return doctor_read(disk, sector_bytes, mark, sizeof mark) == 0 &&
	       memcmp(mark, "EFI PART", sizeof mark) == 0;
}

/* What a device says; a file is of a disk whose sectors have the one or the other size. */
static uint32_t sector_bytes_of(struct doctor_place *disk)
{
	int size_bytes;
	if (ioctl(disk->fd, BLKSSZGET, &size_bytes) == 0 && size_bytes > 0)
		return (uint32_t)size_bytes;
	return !has_gpt(disk, 512) && has_gpt(disk, 4096) ? 4096 : 512;
}

/* NULL: there are too many. */
static struct doctor_place *add_place(struct doctor *doctor, const struct doctor_place *disk,
	const char *path, uint32_t number, uint64_t start_bytes, uint64_t size_bytes)
{
	if (doctor->place_count == DOCTOR_PLACES)
		return NULL;
	struct doctor_place *place = &doctor->places[doctor->place_count++];
	*place = (struct doctor_place){
		.fd = disk->fd, .start_bytes = start_bytes, .size_bytes = size_bytes};
	(void)snprintf(place->name, sizeof place->name, "partition %u of `%.200s`", number, path);
	doctor_identify(place);
	return place;
}

/* False: it has no such table. */
static bool add_dos_partitions(struct doctor *doctor, const char *path, struct doctor_place *disk)
{
	uint8_t sector[DOS_TABLE_BYTES];
	struct dos_table table;
	if (doctor_read(disk, 0, sector, sizeof sector) != 0 ||
		!dos_table_read(sector, sector_bytes_of(disk), &table))
		return false;
	for (size_t i = 0; i < table.count; i++) {
		const struct dos_partition *partition = &table.list[i];
		if (partition->start_bytes >= disk->size_bytes)
			continue;
		/* Linux cuts off what leaves the disk. */
		uint64_t room = disk->size_bytes - partition->start_bytes;
		struct doctor_place *place =
			add_place(doctor, disk, path, partition->number, partition->start_bytes,
				partition->size_bytes < room ? partition->size_bytes : room);
		if (place != NULL)
			memcpy(place->partuuid, partition->uuid, sizeof partition->uuid);
	}
	if (table.has_logical) {
		doctor->has_logical = true;
		doctor_say(doctor, DOCTOR_NOTE, ERROR_NONE, NULL,
			"`%s`: its logical partitions are not looked at", path);
	}
	return true;
}

static void add_partitions(
	struct doctor *doctor, const char *path, struct doctor_place *disk, bool is_faulty)
{
	struct gpt_partition list[GPT_PARTITIONS];
	size_t count;
	struct error why;
	if (add_dos_partitions(doctor, path, disk))
		return;
	if (gpt_list(doctor_read, disk, sector_bytes_of(disk), disk->size_bytes, list, &count,
		    &why) != 0) {
		if (is_faulty && !disk->has_ext4) /* a partition by itself is fine */
			doctor_say(doctor, DOCTOR_FAULT, why.code,
				"make the image anew, or mend the table with sfdisk or gdisk",
				"`%s`: %s", path, why.text);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		struct doctor_place *place = add_place(doctor, disk, path, list[i].number,
			list[i].start_bytes, list[i].size_bytes);
		if (place == NULL)
			break;
		memcpy(place->partlabel, list[i].name, sizeof place->partlabel);
		memcpy(place->partuuid, list[i].guid, sizeof place->partuuid);
	}
}

void doctor_add_disk(
	struct doctor *doctor, const char *path, int fd, uint64_t size_bytes, bool is_faulty)
{
	struct doctor_place *disk = &doctor->places[doctor->place_count++];
	*disk = (struct doctor_place){.fd = fd, .size_bytes = size_bytes};
	(void)snprintf(disk->name, sizeof disk->name, "`%.200s`", path);
	doctor_identify(disk);
	add_partitions(doctor, path, disk, is_faulty);
}

int doctor_disks(struct doctor *doctor, struct error *e)
{
	const struct text_list *images = &doctor->given->image;
	if (images->count > DOCTOR_DISKS)
		return error_set(e, ERROR_USAGE, 0, "at most %d times --image", DOCTOR_DISKS);
	for (size_t i = 0; i < images->count; i++) {
		int fd = open(images->items[i], O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return error_errno(e, errno, "open `%s`", images->items[i]);
		doctor->disks[doctor->disk_count++] = fd;
		off_t size = lseek(fd, 0, SEEK_END);
		if (size < 0)
			return error_errno(e, errno, "look at `%s`", images->items[i]);
		if (doctor->place_count == DOCTOR_PLACES)
			return error_set(e, ERROR_LIMIT, 0, "over %d partitions", DOCTOR_PLACES);
		doctor_add_disk(doctor, images->items[i], fd, (uint64_t)size, true);
	}
	return 0;
}

static bool is_named(const struct doctor_place *place, const char *wanted)
{
	if (strncmp(wanted, "PARTLABEL=", 10) == 0)
		return strcmp(place->partlabel, wanted + 10) == 0;
	if (strncmp(wanted, "PARTUUID=", 9) == 0)
		return strcasecmp(place->partuuid, wanted + 9) == 0;
	if (strncmp(wanted, "LABEL=", 6) == 0)
		return place->has_ext4 && strcmp(place->ext4.label, wanted + 6) == 0;
	return strncmp(wanted, "UUID=", 5) == 0 && place->has_ext4 &&
	       strcasecmp(place->ext4.uuid, wanted + 5) == 0;
}

/* By what name the next boot looks for it is in the initramfs. */
static void warn_of_others(struct doctor *doctor, const struct doctor_place *place)
{
	char names[4][128];
	(void)snprintf(names[0], sizeof names[0], "PARTLABEL=%s", place->partlabel);
	(void)snprintf(names[1], sizeof names[1], "LABEL=%s", place->ext4.label);
	(void)snprintf(names[2], sizeof names[2], "PARTUUID=%s", place->partuuid);
	(void)snprintf(names[3], sizeof names[3], "UUID=%s", place->ext4.uuid);
	for (size_t n = 0; n < 4; n++) {
		if (strchr(names[n], '=')[1] == '\0')
			continue;
		for (size_t i = 0; i < doctor->place_count; i++) {
			if (&doctor->places[i] == place || !is_named(&doctor->places[i], names[n]))
				continue;
			doctor_say(doctor, DOCTOR_WARNING, ERROR_DEVICE,
				"give one of them another name, unless init.conf looks for what "
				"only the right one has: --initrd tells",
				"%s and %s are both %s, which /init refuses if that is what it "
				"looks for",
				place->name, doctor->places[i].name, names[n]);
			return;
		}
	}
}

/* NULL, and it is said: this boot had none. */
static const struct doctor_place *find_named(struct doctor *doctor, enum initconf_device device)
{
	const char *what = initconf_device_name(device);
	const struct doctor_place *place = doctor->named[device];
	if (place == NULL) {
		doctor_say(doctor, DOCTOR_NOTE, ERROR_NONE, NULL,
			"this boot had no %s partition: none is looked at", what);
		return NULL;
	}
	doctor_say(doctor, DOCTOR_GOOD, ERROR_NONE, NULL, "%s partition: %s", what, place->name);
	warn_of_others(doctor, place);
	return place;
}

const struct doctor_place *doctor_find(struct doctor *doctor, enum initconf_device device)
{
	const char *wanted = doctor->conf.device[device], *what = initconf_device_name(device);
	const struct doctor_place *found[2];
	size_t count = 0;
	if (doctor->by_report)
		return find_named(doctor, device);
	if (wanted[0] == '/' && doctor->named[device] != NULL &&
		strcmp(wanted, doctor_device_path(doctor->booted, device)) == 0)
		return doctor->named[device];
	if (wanted[0] == '/') {
		doctor_say(doctor, DOCTOR_NOTE, ERROR_NONE, NULL,
			"the %s partition is %s on the device: it is not looked at", what, wanted);
		return NULL;
	}
	for (size_t i = 0; i < doctor->place_count; i++) {
		if (!is_named(&doctor->places[i], wanted))
			continue;
		if (count < 2)
			found[count] = &doctor->places[i];
		count++;
	}
	if (count == 1) {
		doctor_say(doctor, DOCTOR_GOOD, ERROR_NONE, NULL, "%s partition: %s (%s)", what,
			found[0]->name, wanted);
		return found[0];
	}
	if (count == 0 && (doctor->has_logical || doctor->conf_unseen))
		doctor_say(doctor, DOCTOR_NOTE, ERROR_NONE, NULL,
			"no partition that was looked at is %s, which /init takes for the %s "
			"partition%s",
			wanted, what,
			doctor->conf_unseen ? ", unless its init.conf has another" : "");
	else if (count == 0)
		doctor_say(doctor, DOCTOR_FAULT, ERROR_DEVICE,
			"name it so, or say in init.conf what it is named",
			"no partition is %s, which /init takes for the %s partition", wanted, what);
	else
		doctor_say(doctor, DOCTOR_FAULT, ERROR_DEVICE,
			"give one of them another name, or name the right one by PARTUUID=",
			"%zu partitions are %s: %s and %s", count, wanted, found[0]->name,
			found[1]->name);
	return NULL;
}

/* --- the record and the state */

static bool is_zero(const uint8_t *copy)
{
	for (size_t i = 0; i < RECORD_COPY_BYTES; i++) {
		if (copy[i] != 0)
			return false;
	}
	return true;
}

static void judge_record(
	struct doctor *doctor, const char *name, const uint8_t *a, const uint8_t *b)
{
	struct error why;
	struct record ignored;
	if (a != NULL && b != NULL && is_zero(a) && is_zero(b)) {
		doctor_say(doctor, DOCTOR_GOOD, ERROR_NONE, NULL, "record: new");
		return;
	}
	int chosen = record_choose(a, b, &doctor->record, &why);
	if (chosen < 0) {
		doctor_say(doctor, DOCTOR_FAULT, ERROR_FORMAT,
			"see what wrote there; 2 MiB of zeros make it new",
			"record on %s: both copies are bad, so tries and the floor are forgotten: "
			"%s",
			name, why.text);
		return;
	}
	const uint8_t *other = chosen == 0 ? b : a;
	if (other == NULL || (!is_zero(other) && record_decode(other, &ignored, &why) != 0))
		doctor_say(doctor, DOCTOR_WARNING, ERROR_FORMAT,
			"nothing: the next boot writes it anew",
			"record on %s: one of the two copies is bad, the other counts", name);
	else
		doctor_say(doctor, DOCTOR_GOOD, ERROR_NONE, NULL, "record: %u stacks",
			doctor->record.stack_count);
}

void doctor_record(struct doctor *doctor)
{
	static uint8_t copies[2][RECORD_COPY_BYTES];
	const uint8_t *read[2];
	if (strcmp(doctor->conf.device[INITCONF_RECORD], "none") == 0)
		return;
	const struct doctor_place *place = doctor_find(doctor, INITCONF_RECORD);
	if (place == NULL)
		return;
	if (place->size_bytes < RECORD_PARTITION_BYTES) {
		doctor_say(doctor, DOCTOR_FAULT, ERROR_SIZE, "make it larger",
			"record on %s: it has %llu bytes, and needs %d", place->name,
			(unsigned long long)place->size_bytes, RECORD_PARTITION_BYTES);
		return;
	}
	for (unsigned i = 0; i < 2; i++)
		read[i] = doctor_read((void *)(uintptr_t)place, (uint64_t)i * RECORD_COPY_DISTANCE,
				  copies[i], RECORD_COPY_BYTES) == 0
				  ? copies[i]
				  : NULL;
	judge_record(doctor, place->name, read[0], read[1]);
}

void doctor_say_journal(struct doctor *doctor, const char *what, const struct doctor_place *place,
	const struct ext4 *fs)
{
	if (ext4_needs_replay(fs))
		doctor_say(doctor, DOCTOR_NOTE, ERROR_NONE, NULL,
			"%s on %s: its journal was not replayed: what is said of it is as of "
			"before that",
			what, place->name);
}

static void judge_state(
	struct doctor *doctor, const struct doctor_place *place, const struct ext4 *fs)
{
	enum { LEAST_BYTES = 1024 * 1024, LEAST_INODES = 64 };
	if (ext4_unknown(fs, true) != 0)
		doctor_say(doctor, DOCTOR_FAULT, ERROR_DEVICE,
			"make the file system without them (mke2fs -O)",
			"state on %s: ext4 features %#x are not known to Linux", place->name,
			ext4_unknown(fs, true));
	else if (ext4_is_readonly(fs))
		doctor_say(doctor, DOCTOR_FAULT, ERROR_DEVICE,
			"take the mark away: tune2fs -O ^read-only",
			"state on %s: the file system is marked as read-only", place->name);
	else if (place->ext4.damaged)
		doctor_say(doctor, DOCTOR_FAULT, ERROR_DEVICE, "run e2fsck on it",
			"state on %s: the file system is marked as damaged", place->name);
	else if (fs->free_blocks < LEAST_BYTES / fs->block_bytes || fs->free_inodes < LEAST_INODES)
		doctor_say(doctor, DOCTOR_FAULT, ERROR_NOSPACE,
			"make room, or a larger partition (`plyboot image --state-size`)",
			"state on %s: %llu bytes and %u inodes are free: no room for an upper",
			place->name, (unsigned long long)fs->free_blocks * fs->block_bytes,
			fs->free_inodes);
	else
		doctor_say(doctor, DOCTOR_GOOD, ERROR_NONE, NULL, "state: %llu MiB free",
			(unsigned long long)(fs->free_blocks * fs->block_bytes >> 20));
}

void doctor_state(struct doctor *doctor, bool needed)
{
	struct ext4 fs;
	struct error why;
	if (!needed || strcmp(doctor->conf.device[INITCONF_STATE], "none") == 0)
		return;
	const struct doctor_place *place = doctor_find(doctor, INITCONF_STATE);
	if (place == NULL)
		return;
	if (ext4_open(doctor_read, (void *)(uintptr_t)place, place->size_bytes, &fs, &why) != 0) {
		doctor_say(doctor, DOCTOR_FAULT, why.code,
			"make an ext4 there: what is written would not outlive the boot",
			"state on %s: %s", place->name, why.text);
		return;
	}
	doctor_say_journal(doctor, "state", place, &fs);
	judge_state(doctor, place, &fs);
}

/* The running machine: what boot.json and the kernel say of it, and its disks. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../layers/scope.h"
#include "doctor.h"

/* --- settings, memory, kernel */

void doctor_take_report(struct doctor *doctor)
{
	const struct booted *booted = doctor->booted;
	struct initconf *conf = &doctor->conf;
	doctor->by_report = true;
	conf->floor = booted->fixed_floor;
	conf->signatures = booted->signatures;
	conf->tries = booted->tries;
	conf->stack = booted->runs ? booted->name : NULL;
	conf->revoked_count = booted->revoked_count;
	memcpy(conf->revoked, booted->revoked, sizeof conf->revoked);
	doctor->key_count = booted->key_count;
	memcpy(doctor->keys, booted->keys, sizeof doctor->keys);
	(void)snprintf(doctor->machine, sizeof doctor->machine, "%s", booted->machine.machine);
	(void)snprintf(doctor->release, sizeof doctor->release, "%s", booted->machine.release);
	doctor_say(doctor, DOCTOR_NOTE, ERROR_NONE, NULL,
		"no --initrd was given: keys and policy are those of this boot; the initramfs, by "
		"what name it looks for partitions, and its modules are not looked at");
}

/* As the firmware gave it, which is what a machine is said to have: MemTotal is less, by what the
 * kernel took before. 0: not known. */
static uint64_t memory_of_machine(void)
{
	char line[256];
	uint64_t start, end, sum = 0, kib;
	FILE *file = fopen("/proc/iomem", "re");
	while (file != NULL && fgets(line, sizeof line, file) != NULL) {
		if (line[0] != ' ' && strstr(line, " : System RAM\n") != NULL &&
			sscanf(line, "%" SCNx64 "-%" SCNx64, &start, &end) == 2 && end > start)
			sum += end - start + 1;
	}
	if (file != NULL)
		(void)fclose(file);
	file = sum == 0 ? fopen("/proc/meminfo", "re") : NULL;
	while (file != NULL && fgets(line, sizeof line, file) != NULL) {
		if (sscanf(line, "MemTotal: %" SCNu64, &kib) == 1)
			sum = kib * 1024;
	}
	if (file != NULL)
		(void)fclose(file);
	return sum;
}

void doctor_take_machine(const struct doctor *doctor, struct doctor_options *given)
{
	static const char config[] = "/proc/config.gz";
	const char *release = doctor->release;
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	const uint64_t mib = 1024 * 1024;
	if (given->memory_mib == 0)
		given->memory_mib = (memory_of_machine() + mib - 1) / mib;
	if (given->cpus == 0 && cpus > 0)
		given->cpus = (uint64_t)cpus;
	/* An initramfs with the modules of another kernel will not be booted by the running one. */
	if (given->kernel == NULL && given->kernel_config == NULL && access(config, R_OK) == 0 &&
		(release[0] == '\0' || strcmp(release, doctor->booted->machine.release) == 0))
		given->kernel_config = config;
}

/* --- disks */

/* A device that boot.json names. What is on it is read through itself: the kernel keeps what was
 * read through the disk that it is on apart from that. */
struct target {
	const char *path;
	int fd;
	uint64_t size_bytes;
	char disk[NAME_MAX + 1]; /* below /sys/class/block; "": it is on none */
	bool is_partition;
	uint64_t start_bytes; /* on the disk */
	struct doctor_place *place;
};

const char *doctor_device_path(const struct booted *booted, enum initconf_device device)
{
	const char *state;
	switch (device) {
	case INITCONF_LAYERS:
		return booted->layers;
	case INITCONF_RECORD:
		return booted->record;
	default:
		state = json_string_value(
			json_object_get(json_object_get(booted->report, "devices"), "state"));
		return state != NULL && strncmp(state, "/dev/", 5) == 0 ? state : "";
	}
}

/* A number in a file of sysfs; false: there is none. */
static bool read_number(const char *directory, const char *name, uint64_t *out)
{
	char path[PATH_MAX + 32];
	(void)snprintf(path, sizeof path, "%s/%s", directory, name);
	FILE *file = fopen(path, "re");
	bool found = file != NULL && fscanf(file, "%" SCNu64, out) == 1;
	if (file != NULL)
		(void)fclose(file);
	return found;
}

static void find_disk(struct target *target)
{
	struct stat st;
	char link[64], real[PATH_MAX];
	uint64_t number, start;
	if (fstat(target->fd, &st) != 0 || !S_ISBLK(st.st_mode))
		return;
	(void)snprintf(
		link, sizeof link, "/sys/dev/block/%u:%u", major(st.st_rdev), minor(st.st_rdev));
	if (realpath(link, real) == NULL)
		return;
	if (read_number(real, "partition", &number) && read_number(real, "start", &start)) {
		target->is_partition = true;
		target->start_bytes = start * 512;
		*strrchr(real, '/') = '\0';
	}
	(void)snprintf(target->disk, sizeof target->disk, "%s", strrchr(real, '/') + 1);
}

/* Opened for reading, and what was read of it before forgotten: it may have been written since,
 * past that. */
static int open_fresh(struct doctor *doctor, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	doctor->disks[doctor->disk_count++] = fd;
	return fd;
}

static int open_target(struct doctor *doctor, const char *path, struct target *out, struct error *e)
{
	*out = (struct target){.path = path, .fd = open_fresh(doctor, path)};
	if (out->fd < 0 && (errno == EACCES || errno == EPERM))
		return error_set(e, ERROR_KERNEL, errno, "open %s: it takes root", path);
	off_t size = out->fd < 0 ? -1 : lseek(out->fd, 0, SEEK_END);
	if (size < 0)
		return error_errno(e, errno, "open %s", path);
	out->size_bytes = (uint64_t)size;
	find_disk(out);
	return 0;
}

/* Those of the places from `first` on, a disk and its partitions, that are targets. */
static void match(struct doctor *doctor, const char *disk, size_t first, struct target *targets)
{
	for (size_t t = 0; t < INITCONF_DEVICES; t++) {
		struct target *target = &targets[t];
		for (size_t i = first; i < doctor->place_count && target->place == NULL; i++) {
			struct doctor_place *place = &doctor->places[i];
			if (strcmp(target->disk, disk) == 0 &&
				target->is_partition == (i > first) &&
				(i == first || place->start_bytes == target->start_bytes))
				target->place = place;
		}
	}
}

/* `is_own`: a device of boot.json's is on it. */
static void add_disk(struct doctor *doctor, const char *name, bool is_own, struct target *targets)
{
	char path[NAME_MAX + 8];
	size_t first = doctor->place_count;
	(void)snprintf(path, sizeof path, "/dev/%s", name);
	for (char *at = path + 5; (at = strchr(at, '!')) != NULL;)
		*at = '/';
	if (doctor->disk_count == DOCTOR_DISKS || first == DOCTOR_PLACES) {
		doctor_say(doctor, DOCTOR_NOTE, ERROR_NONE, NULL,
			"there are many disks: `%s` is not looked at", path);
		return;
	}
	int fd = open_fresh(doctor, path);
	off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	if (size >= 0) {
		doctor_add_disk(doctor, path, fd, (uint64_t)size, is_own);
		match(doctor, name, first, targets);
	} else if (errno != ENOENT && errno != ENOMEDIUM) { /* else there is none to look at */
		doctor_say(doctor, DOCTOR_NOTE, ERROR_NONE, NULL, "`%s` is not looked at: %s", path,
			strerror(errno));
	}
}

/* Disks of hardware, where /init will see partitions too, and what the targets are on. Not what
 * only this system has made: loop devices, RAM disks. */
static int add_disks(struct doctor *doctor, struct target *targets, struct error *e)
{
	DIR *list = opendir("/sys/class/block");
	const struct dirent *entry;
	char path[NAME_MAX + 32], device[NAME_MAX + 48];
	uint64_t number;
	if (list == NULL)
		return error_errno(e, errno, "list /sys/class/block");
	while ((entry = readdir(list)) != NULL) {
		bool is_own = false, has_own_partition = false;
		(void)snprintf(path, sizeof path, "/sys/class/block/%s", entry->d_name);
		(void)snprintf(device, sizeof device, "%s/device", path);
		for (size_t i = 0; i < INITCONF_DEVICES; i++) {
			bool is_on = strcmp(targets[i].disk, entry->d_name) == 0;
			is_own = is_own || is_on;
			has_own_partition = has_own_partition || (is_on && targets[i].is_partition);
		}
		if (entry->d_name[0] != '.' && !read_number(path, "partition", &number) &&
			read_number(path, "size", &number) && number > 0 &&
			(is_own || access(device, F_OK) == 0))
			add_disk(doctor, entry->d_name, has_own_partition, targets);
	}
	(void)closedir(list);
	return 0;
}

int doctor_machine_disks(struct doctor *doctor, struct error *e)
{
	struct target targets[INITCONF_DEVICES] = {{.path = ""}, {.path = ""}, {.path = ""}};
	for (size_t i = 0; i < INITCONF_DEVICES; i++) {
		const char *path = doctor_device_path(doctor->booted, (enum initconf_device)i);
		if (path[0] != '\0' && open_target(doctor, path, &targets[i], e) != 0)
			return -1;
	}
	if (add_disks(doctor, targets, e) != 0)
		return -1;
	for (size_t i = 0; i < INITCONF_DEVICES; i++) {
		struct target *target = &targets[i];
		if (target->path[0] == '\0')
			continue;
		if (target->place == NULL && doctor->place_count == DOCTOR_PLACES)
			return error_set(e, ERROR_LIMIT, 0, "over %d partitions", DOCTOR_PLACES);
		if (target->place == NULL) /* a logical partition, or on no disk */
			target->place = &doctor->places[doctor->place_count++];
		target->place->fd = target->fd;
		target->place->start_bytes = 0;
		target->place->size_bytes = target->size_bytes;
		(void)snprintf(
			target->place->name, sizeof target->place->name, "`%.200s`", target->path);
		doctor_identify(target->place);
		doctor->named[i] = target->place;
	}
	return 0;
}

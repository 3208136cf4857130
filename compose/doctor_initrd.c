#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../layers/scope.h"
#include "bytes.h"
#include "doctor.h"
#include "elf.h"
#include "output.h"
#include "unzip.h"

enum { INITRD_MAX_BYTES = 1024 * 1024 * 1024, KEY_FILE_MAX_BYTES = 4096 };

static const char remake[] = "make the initramfs anew with `plyboot initramfs`";

static void look_at_key(struct doctor *doctor, const struct cpio_member *member)
{
	struct error why;
	if (doctor->key_count == LIMIT_KEYS) {
		doctor_say(doctor, DOCTOR_FAULT, ERROR_KEY, remake,
			"the initramfs has over %u keys", LIMIT_KEYS);
		return;
	}
	if (member->size_bytes > KEY_FILE_MAX_BYTES ||
		key_decode(member->data, member->size_bytes, &doctor->keys[doctor->key_count],
			&why) != 0)
		doctor_say(doctor, DOCTOR_FAULT, ERROR_KEY, remake,
			"/%s in the initramfs is no key: /init refuses to go on", member->path);
	else
		doctor->key_count++;
}

static void look_at_keys(struct doctor *doctor)
{
	static const char directory[] = "etc/plyboot/keys/";
	size_t length = sizeof directory - 1, found = 0;
	for (size_t i = 0; i < doctor->members.count; i++) {
		const struct cpio_member *member = &doctor->members.items[i];
		if (strncmp(member->path, directory, length) != 0 || member->path[length] == '.' ||
			strchr(member->path + length, '/') != NULL ||
			cpio_members_find(&doctor->members, member->path) != member)
			continue;
		found++;
		look_at_key(doctor, member);
	}
	if (found == 0)
		doctor_say(doctor, DOCTOR_FAULT, ERROR_KEY, "give `plyboot initramfs` a --pub",
			"the initramfs has no key: nothing could be believed");
	else
		doctor_say(doctor, DOCTOR_GOOD, ERROR_NONE, NULL, "initramfs: %zu keys",
			doctor->key_count);
}

/* lib/modules/RELEASE/... */
static void take_release(struct doctor *doctor, const char *path)
{
	static const char start[] = "/lib/modules/";
	if (strncmp(path, start, sizeof start - 1) != 0)
		return;
	const char *release = path + sizeof start - 1;
	size_t length = strcspn(release, "/");
	if (release[length] == '\0' || length >= sizeof doctor->release)
		return;
	if (doctor->release[0] == '\0') {
		memcpy(doctor->release, release, length);
		doctor->release[length] = '\0';
	} else if (strlen(doctor->release) != length ||
		   memcmp(doctor->release, release, length) != 0) {
		doctor_say(doctor, DOCTOR_FAULT, ERROR_TARGET,
			"give `plyboot initramfs` the --modules of the kernel that boots",
			"init.conf names the module %s, and the kernel is %s", path,
			doctor->release);
	}
}

static void look_at_modules(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->conf.module_count; i++) {
		const char *path = doctor->conf.modules[i].path;
		if (cpio_members_find(&doctor->members, path) == NULL)
			doctor_say(doctor, DOCTOR_FAULT, ERROR_CONFIG,
				"name its --modules and --module, or take the line out",
				"init.conf names the module %s, which is not in the initramfs",
				path);
		else
			take_release(doctor, path);
	}
}

static bool is_revoked(const struct initconf *conf, const struct public_key *key)
{
	for (size_t i = 0; i < conf->revoked_count; i++) {
		if (digest_equal(&conf->revoked[i], &key->id))
			return true;
	}
	return false;
}

/* Signatures are by different keys: one that stands in two files is one. */
static size_t count_trusted(const struct doctor *doctor)
{
	size_t count = 0;
	for (size_t i = 0; i < doctor->key_count; i++) {
		size_t before = 0;
		while (!digest_equal(&doctor->keys[before].id, &doctor->keys[i].id))
			before++;
		count += before == i && !is_revoked(&doctor->conf, &doctor->keys[i]);
	}
	return count;
}

static void look_at_conf(struct doctor *doctor)
{
	const struct cpio_member *member =
		cpio_members_find(&doctor->members, "etc/plyboot/init.conf");
	struct error why;
	if (member == NULL)
		return;
	if (member->size_bytes > INITCONF_MAX_BYTES ||
		initconf_parse(
			(const char *)member->data, member->size_bytes, &doctor->conf, &why) != 0) {
		doctor_say(doctor, DOCTOR_FAULT, ERROR_CONFIG,
			"mend that line: `plyboot initramfs --help` lists the settings",
			"init.conf in the initramfs: %s",
			member->size_bytes > INITCONF_MAX_BYTES ? "it is too large" : why.text);
		initconf_defaults(&doctor->conf);
		return;
	}
	const struct initconf *conf = &doctor->conf;
	size_t trusted = count_trusted(doctor);
	if (doctor->key_count > 0 && conf->signatures > trusted)
		doctor_say(doctor, DOCTOR_FAULT, ERROR_CONFIG, "add keys with --pub",
			"init.conf wants signatures by %u keys, and %zu are trusted",
			conf->signatures, trusted);
	if (conf->shell != NULL && cpio_members_find(&doctor->members, conf->shell) == NULL)
		doctor_say(doctor, DOCTOR_FAULT, ERROR_CONFIG, "put it there with --add",
			"init.conf names the shell %s, which is not in the initramfs", conf->shell);
	look_at_modules(doctor);
	doctor_say(doctor, DOCTOR_GOOD, ERROR_NONE, NULL, "initramfs: init.conf, %zu modules",
		conf->module_count);
}

static void look_at_init(struct doctor *doctor)
{
	static const char *const machines[] = {
		"x86_64", "aarch64", "riscv64", "armv7l", "i686", "ppc64le", "s390x"};
	const struct cpio_member *init = cpio_members_find(&doctor->members, "init");
	struct error why;
	if (init == NULL || !S_ISREG(init->mode) || (init->mode & 0111) == 0) {
		doctor_say(doctor, DOCTOR_FAULT, ERROR_MISSING, remake,
			"the initramfs has no program /init");
		return;
	}
	for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++) {
		if (elf_check_static(init->data, init->size_bytes, machines[i], &why) == 0)
			(void)snprintf(doctor->machine, sizeof doctor->machine, "%s", machines[i]);
	}
}

/* One that is compressed as a whole, as `plyboot initramfs --compress` makes it. */
static int inflate_file(const char *path, uint8_t **bytes, size_t *size_bytes, struct error *e)
{
	SCOPED_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	SCOPED_BYTES all = {0};
	static uint8_t chunk[65536];
	struct unzip *unzip;
	size_t got = 1;
	if (fd < 0)
		return error_errno(e, errno, "open `%s`", path);
	if (unzip_open(fd, &unzip, e) != 0)
		return -1;
	int result = 0;
	while (result == 0 && got > 0) {
		result = unzip_read(unzip, chunk, sizeof chunk, &got, e);
		if (result == 0)
			result = all.size > INITRD_MAX_BYTES
					 ? error_set(e, ERROR_LIMIT, 0, "it is too large")
					 : bytes_add(&all, chunk, got, e);
	}
	unzip_close(unzip);
	if (result != 0)
		return -1;
	*size_bytes = all.size;
	*bytes = SCOPE_TAKE(all.data);
	return 0;
}

int doctor_initrd(struct doctor *doctor, struct error *e)
{
	const char *path = doctor->given->initrd;
	size_t size_bytes = 0;
	struct error why;
	if (path == NULL) {
		doctor_say(doctor, DOCTOR_NOTE, ERROR_NONE, NULL,
			"no --initrd was given: keys, settings and stacks are not looked at");
		return 0;
	}
	if (inflate_file(path, &doctor->initrd, &size_bytes, &why) != 0) {
		if (why.code != ERROR_STREAM && why.code != ERROR_LIMIT) {
			*e = why;
			return -1;
		}
	} else if (cpio_read(doctor->initrd, size_bytes, &doctor->members, &why) == 0) {
		for (size_t i = 0; i < doctor->members.count; i++)
			doctor->initrd_bytes += doctor->members.items[i].size_bytes;
		if (doctor->members.unread_bytes > 0)
			doctor_say(doctor, DOCTOR_NOTE, ERROR_NONE, NULL,
				"the last %zu bytes of `%s` are no cpio, and are not looked at",
				doctor->members.unread_bytes, path);
		doctor->keys_known = true;
		look_at_init(doctor);
		look_at_keys(doctor);
		look_at_conf(doctor);
		return 0;
	}
	doctor_say(
		doctor, DOCTOR_FAULT, why.code, remake, "the initramfs `%s`: %s", path, why.text);
	return 0;
}

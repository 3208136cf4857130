#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../layers/scope.h"
#include "doctor.h"
#include "elf.h"
#include "output.h"

enum { KEY_FILE_MAX_BYTES = 4096 };

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
	for (size_t i = 0; i < doctor->initrd.members.count; i++) {
		const struct cpio_member *member = &doctor->initrd.members.items[i];
		if (strncmp(member->path, directory, length) != 0 || member->path[length] == '.' ||
			strchr(member->path + length, '/') != NULL ||
			cpio_members_find(&doctor->initrd.members, member->path) != member)
			continue;
		found++;
		look_at_key(doctor, member);
	}
	if (found == 0 && !doctor->initrd_whole)
		return;
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
		if (cpio_members_find(&doctor->initrd.members, path) != NULL)
			take_release(doctor, path);
		else if (doctor->initrd_whole)
			doctor_say(doctor, DOCTOR_FAULT, ERROR_CONFIG,
				"name its --modules and --module, or take the line out",
				"init.conf names the module %s, which is not in the initramfs",
				path);
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

static const struct cpio_member *find_conf(const struct doctor *doctor)
{
	return cpio_members_find(&doctor->initrd.members, "etc/plyboot/init.conf");
}

/* Programs and keys that init.conf counts on. */
static void look_at_needs(struct doctor *doctor)
{
	const struct initconf *conf = &doctor->conf;
	size_t trusted = count_trusted(doctor);
	if (doctor->key_count > 0 && conf->signatures > trusted)
		doctor_say(doctor, DOCTOR_FAULT, ERROR_CONFIG, "add keys with --pub",
			"init.conf wants signatures by %u keys, and %zu are trusted",
			conf->signatures, trusted);
	if (conf->shell != NULL && cpio_members_find(&doctor->initrd.members, conf->shell) == NULL)
		doctor_say(doctor, DOCTOR_FAULT, ERROR_CONFIG, "put it there with --add",
			"init.conf names the shell %s, which is not in the initramfs", conf->shell);
}

static void look_at_conf(struct doctor *doctor)
{
	const struct cpio_member *member = find_conf(doctor);
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
	if (doctor->initrd_whole)
		look_at_needs(doctor);
	look_at_modules(doctor);
	doctor_say(doctor, DOCTOR_GOOD, ERROR_NONE, NULL, "initramfs: init.conf, %zu modules",
		doctor->conf.module_count);
}

static void look_at_init(struct doctor *doctor)
{
	static const char *const machines[] = {
		"x86_64", "aarch64", "riscv64", "armv7l", "i686", "ppc64le", "s390x"};
	const struct cpio_member *init = cpio_members_find(&doctor->initrd.members, "init");
	struct error why;
	if (init == NULL && !doctor->initrd_whole)
		return;
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

static void look_into(struct doctor *doctor, const char *path, size_t size_bytes)
{
	const struct initrd *initrd = &doctor->initrd;
	for (size_t i = 0; i < initrd->members.count; i++)
		doctor->initrd_bytes += initrd->members.items[i].size_bytes;
	if (initrd->unread_at < size_bytes)
		doctor_say(doctor, DOCTOR_NOTE, ERROR_NONE, NULL,
			"`%s` from byte %zu on is no cpio, nor one by gzip or zstd: what is there "
			"is not looked at",
			path, initrd->unread_at);
	doctor->initrd_whole = !initrd->hides;
	doctor->conf_unseen = initrd->hides && find_conf(doctor) == NULL;
	look_at_init(doctor);
	look_at_keys(doctor);
	look_at_conf(doctor);
}

int doctor_initrd(struct doctor *doctor, struct error *e)
{
	const char *path = doctor->given->initrd;
	size_t size_bytes = 0;
	struct error why;
	if (path == NULL && doctor->booted != NULL) {
		doctor_take_report(doctor);
		return 0;
	}
	if (path == NULL) {
		doctor_say(doctor, DOCTOR_NOTE, ERROR_NONE, NULL,
			"no --initrd was given: keys, settings and stacks are not looked at");
		return 0;
	}
	if (input_read_file(path, INITRD_MAX_BYTES, &doctor->initrd_file, &size_bytes, e) != 0)
		return -1;
	if (initrd_read(doctor->initrd_file, size_bytes, INITRD_MAX_BYTES, &doctor->initrd, &why) ==
		0) {
		look_into(doctor, path, size_bytes);
		return 0;
	}
	if (why.code == ERROR_NOSPACE || why.code == ERROR_IO) {
		*e = why;
		return -1;
	}
	doctor_say(
		doctor, DOCTOR_FAULT, why.code, remake, "the initramfs `%s`: %s", path, why.text);
	return 0;
}

#include "boot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "console.h"
#include "files.h"
#include "scope.h"

static const char conf_path[] = "/etc/plyboot/init.conf";
static const char keys_path[] = "/etc/plyboot/keys";
static const char left_keys_path[] = "/run/plyboot/keys";

enum { KEY_FILE_MAX_BYTES = 4096 };

static int read_conf(struct initconf *out, struct error *e)
{
	SCOPED_FREE char *text = NULL;
	size_t size_bytes;
	struct error why = {0};
	if (files_read(AT_FDCWD, conf_path, INITCONF_MAX_BYTES, &text, &size_bytes, &why) == 0)
		return initconf_parse(text, size_bytes, out, e);
	if (why.code == ERROR_MISSING)
		return initconf_parse("", 0, out, e);
	return error_set(e, ERROR_CONFIG, 0, "%s", why.text);
}

int boot_configure(struct boot *boot, struct error *e)
{
	size_t size_bytes;
	if (read_conf(&boot->conf, e) != 0)
		return -1;
	boot->on_failure = boot->conf.on_failure;
	if (files_read(AT_FDCWD, "/proc/cmdline", CMDLINE_MAX_BYTES, &boot->cmdline, &size_bytes,
		    e) != 0)
		return -1;
	/* Twice, because how much is said depends on what it says. */
	char copy[CMDLINE_MAX_BYTES + 1];
	memcpy(copy, boot->cmdline, size_bytes + 1);
	struct settings first;
	cmdline_merge(&boot->conf, copy, NULL, NULL, &first);
	console_set_level(first.log);
	cmdline_merge(&boot->conf, boot->cmdline, report_warn_line, &boot->report, &boot->settings);
	return 0;
}

/* The commands on the running system trust what /init trusts. */
static void leave_key(const struct public_key *key, struct report *report)
{
	char name[DIGEST_HEX + sizeof ".der"];
	struct error why;
	digest_format_hex(&key->id, name);
	memcpy(name + DIGEST_HEX, ".der", sizeof ".der");
	(void)mkdir(left_keys_path, 0755);
	SCOPED_FD dir = open(left_keys_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		report_warn(report, "no key is left in %s: %s", left_keys_path, strerror(errno));
	else if (files_write(dir, name, (const char *)key->spki, sizeof key->spki, &why) != 0)
		report_warn(report, "no key is left in %s: %s", left_keys_path, why.text);
}

static int read_key(struct boot *boot, int dir_fd, const char *name, struct error *e)
{
	SCOPED_FREE char *bytes = NULL;
	size_t size_bytes;
	struct error why = {0};
	if (boot->key_count == LIMIT_KEYS)
		return error_set(e, ERROR_KEY, 0, "%s has over %u keys", keys_path, LIMIT_KEYS);
	if (files_read(dir_fd, name, KEY_FILE_MAX_BYTES, &bytes, &size_bytes, &why) != 0 ||
		key_decode((const uint8_t *)bytes, size_bytes, &boot->keys[boot->key_count],
			&why) != 0)
		return error_set(e, ERROR_KEY, 0, "%s/%s: %s", keys_path, name, why.text);
	leave_key(&boot->keys[boot->key_count++], &boot->report);
	return 0;
}

int boot_read_keys(struct boot *boot, struct error *e)
{
	DIR *directory = opendir(keys_path);
	struct dirent *entry;
	int result = 0;
	while (result == 0 && directory != NULL && (entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] != '.')
			result = read_key(boot, dirfd(directory), entry->d_name, e);
	}
	if (directory != NULL)
		(void)closedir(directory);
	if (result == 0 && boot->key_count == 0)
		return error_set(
			e, ERROR_KEY, 0, "%s has no key: nothing could be believed", keys_path);
	return result;
}

#include "booted.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "../layers/scope.h"
#include "output.h"

enum { KEY_MAX_BYTES = 4096 };

static int read_key(struct booted *booted, int dir_fd, const char *name, struct error *e)
{
	SCOPED_FREE uint8_t *der = NULL;
	size_t size_bytes;
	SCOPED_FD fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return error_errno(e, errno, "open keys/%s", name);
	if (booted->key_count == LIMIT_KEYS)
		return error_set(e, ERROR_LIMIT, 0, "over %u keys", LIMIT_KEYS);
	if (input_read_fd(fd, name, KEY_MAX_BYTES, &der, &size_bytes, e) != 0)
		return -1;
	if (key_decode(der, size_bytes, &booted->keys[booted->key_count], e) != 0)
		return error_wrap(e, "keys/%s", name);
	booted->key_count++;
	return 0;
}

static int read_keys(struct booted *booted, int run_fd, struct error *e)
{
	const struct dirent *entry;
	int result = 0;
	int fd = openat(run_fd, "keys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	if (directory == NULL) {
		scope_close(&fd);
		return errno == ENOENT ? 0 : error_errno(e, errno, "list keys/");
	}
	while (result == 0 && (entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] != '.')
			result = read_key(booted, dirfd(directory), entry->d_name, e);
	}
	(void)closedir(directory);
	return result;
}

int booted_read(const char *directory, struct booted *out, struct error *e)
{
	const char *path = directory != NULL ? directory : BOOTED_DIRECTORY;
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size_bytes;
	SCOPED_FD run = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	SCOPED_FD file = run < 0 ? -1 : openat(run, "boot.json", O_RDONLY | O_CLOEXEC);
	if (file < 0 && errno == ENOENT)
		return error_set(e, ERROR_MISSING, 0,
			"there is no %s/boot.json: this system was not booted by plyboot", path);
	if (file < 0)
		return error_errno(e, errno, "open %s/boot.json", path);
	if (input_read_fd(file, "boot.json", BOOTED_MAX_BYTES, &bytes, &size_bytes, e) != 0 ||
		booted_parse(bytes, size_bytes, out, e) != 0)
		return error_wrap(e, "%s", path);
	(void)uname(&out->machine);
	if (read_keys(out, run, e) == 0)
		return 0;
	booted_free(out);
	return error_wrap(e, "%s", path);
}

struct candidate_policy booted_policy(const struct booted *booted, const struct record *record)
{
	struct candidate_policy policy = {
		.signatures = {.keys = booted->keys,
			.key_count = booted->key_count,
			.revoked = booted->revoked,
			.revoked_count = booted->revoked_count,
			.needed = booted->signatures},
		.name = booted->runs ? booted->name : NULL,
		.machine = booted->machine.machine,
		.kernel_release = booted->machine.release,
	};
	floors_add_fixed(&policy.floors, &booted->fixed_floor);
	floors_add_record(&policy.floors, record);
	return policy;
}

#include "booted.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "../layers/scope.h"
#include "output.h"
#include "report.h"

enum { FORMAT_VERSION = 1, KEY_MAX_BYTES = 4096 };

/* --- members of boot.json. The kinds are exact: who else wrote it is not to be guessed at. */

static int wrong(const char *key, const char *kind, struct error *e)
{
	return error_set(e, ERROR_FORMAT, 0, "boot.json: `%s` is no %s", key, kind);
}

static int get_number(
	const json_t *object, const char *key, uint64_t most, uint64_t *out, struct error *e)
{
	const json_t *value = json_object_get(object, key);
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
		(uint64_t)json_integer_value(value) > most)
		return wrong(key, "number that it could be", e);
	*out = (uint64_t)json_integer_value(value);
	return 0;
}

static int get_digest_value(
	const json_t *value, const char *key, struct digest *out, struct error *e)
{
	if (!json_is_string(value) ||
		!digest_parse(json_string_value(value), json_string_length(value), out))
		return wrong(key, "digest", e);
	return 0;
}

static int get_device(const json_t *devices, const char *key, char out[BOOTED_DEVICE_SIZE],
	struct error *e)
{
	const json_t *value = json_object_get(devices, key);
	out[0] = '\0';
	if (json_is_null(value))
		return 0;
	if (!json_is_string(value) || json_string_length(value) >= BOOTED_DEVICE_SIZE ||
		strncmp(json_string_value(value), "/dev/", 5) != 0)
		return wrong(key, "device", e);
	(void)snprintf(out, BOOTED_DEVICE_SIZE, "%s", json_string_value(value));
	return 0;
}

static int get_policy(const json_t *report, struct booted *out, struct error *e)
{
	const json_t *policy = json_object_get(report, "policy"), *value;
	const json_t *revoked = json_object_get(policy, "revoked");
	uint64_t signatures, tries;
	if (get_number(policy, "floor", INT64_MAX, &out->fixed_floor, e) != 0 ||
		get_number(policy, "signatures", LIMIT_SIGNATURES, &signatures, e) != 0 ||
		get_number(policy, "tries", RECORD_TRIES_MOST, &tries, e) != 0)
		return -1;
	if (!json_is_array(revoked) || json_array_size(revoked) > LIMIT_KEYS)
		return wrong("revoked", "list of keys", e);
	size_t i;
	json_array_foreach(revoked, i, value) {
		if (get_digest_value(value, "revoked", &out->revoked[i], e) != 0)
			return -1;
	}
	out->revoked_count = json_array_size(revoked);
	out->signatures = (unsigned)signatures;
	out->tries = (uint8_t)tries;
	return 0;
}

static int get_stack(const json_t *report, struct booted *out, struct error *e)
{
	const json_t *name = json_object_get(report, "stack");
	out->runs = name != NULL;
	if (!out->runs)
		return 0;
	if (!json_is_string(name) || json_string_length(name) >= STACK_NAME_SIZE)
		return wrong("stack", "name of a stack", e);
	(void)snprintf(out->name, sizeof out->name, "%s", json_string_value(name));
	if (get_number(report, "version", INT64_MAX, &out->version, e) != 0 ||
		get_number(report, "floor", INT64_MAX, &out->floor, e) != 0)
		return -1;
	return get_digest_value(json_object_get(report, "text"), "text", &out->text, e);
}

static int take(json_t *report, struct booted *out, struct error *e)
{
	const json_t *devices = json_object_get(report, "devices");
	uint64_t format;
	if (!json_is_object(report) ||
		get_number(report, "plyboot_boot", FORMAT_VERSION, &format, e) != 0 ||
		format != FORMAT_VERSION)
		return error_set(e, ERROR_FORMAT, 0, "boot.json is none of /init's, version %d",
			FORMAT_VERSION);
	out->record_state = json_string_value(json_object_get(report, "record"));
	if (out->record_state == NULL)
		return wrong("record", "string", e);
	if (get_stack(report, out, e) != 0 || get_policy(report, out, e) != 0 ||
		get_device(devices, "layers", out->layers, e) != 0)
		return -1;
	return get_device(devices, "record", out->record, e);
}

int booted_parse(const void *bytes, size_t size_bytes, struct booted *out, struct error *e)
{
	json_error_t why;
	struct booted booted = {.report = NULL};
	if (size_bytes > BOOTED_MAX_BYTES)
		return error_set(e, ERROR_LIMIT, 0, "boot.json has over %d bytes", BOOTED_MAX_BYTES);
	json_t *report = json_loadb(bytes, size_bytes, JSON_REJECT_DUPLICATES, &why);
	if (report == NULL)
		return error_set(
			e, ERROR_FORMAT, 0, "boot.json: line %d: %s", why.line, why.text);
	if (take(report, &booted, e) != 0) {
		json_decref(report);
		return -1;
	}
	booted.report = report;
	*out = booted;
	return 0;
}

/* --- the keys */

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

void booted_free(struct booted *booted)
{
	json_decref(booted->report);
	booted->report = NULL;
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

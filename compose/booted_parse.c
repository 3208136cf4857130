#include "booted.h"

#include <stdio.h>
#include <string.h>

enum { FORMAT_VERSION = 1 };

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

static int get_device(
	const json_t *devices, const char *key, char out[BOOTED_DEVICE_SIZE], struct error *e)
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
	json_array_foreach(revoked, i, value)
	{
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

/* Those below the topmost ones that the overlay has are hidden, whole; its topmost lower is the
 * synthetic layer. */
static int get_lowers(const json_t *report, struct booted *out, struct error *e)
{
	const json_t *layers = json_object_get(report, "layers");
	const json_t *overlay = json_object_get(report, "overlay");
	size_t count = json_array_size(layers);
	uint64_t lowers;
	if (overlay == NULL)
		return 0;
	if (!json_is_array(layers) || count > LIMIT_LAYERS)
		return wrong("layers", "list of layers", e);
	if (get_number(overlay, "lowers", count + 1, &lowers, e) != 0)
		return -1;
	size_t hidden = lowers == 0 ? count : count + 1 - lowers;
	for (size_t i = hidden; i < count; i++) {
		const json_t *id = json_object_get(json_array_get(layers, i), "id");
		if (get_digest_value(id, "id", &out->lowers[out->lower_count++], e) != 0)
			return -1;
	}
	return 0;
}

static int get_upper_dirs(const json_t *dirs, struct booted *out, struct error *e)
{
	const json_t *dir;
	size_t i;
	if (!json_is_array(dirs) || json_array_size(dirs) > BOOTED_UPPERS)
		return wrong("dirs", "list of directories", e);
	json_array_foreach(dirs, i, dir)
	{
		const char *path = json_string_value(dir);
		if (path == NULL || path[0] != '/' || json_string_length(dir) >= BOOTED_UPPER_SIZE)
			return wrong("dirs", "list of directories", e);
		(void)snprintf(out->uppers[i], BOOTED_UPPER_SIZE, "%s", path);
	}
	out->upper_count = json_array_size(dirs);
	out->knows_uppers = true;
	return 0;
}

/* `trial` and `dirs` came later than the rest. */
static int get_upper(const json_t *report, struct booted *out, struct error *e)
{
	const json_t *upper = json_object_get(report, "upper");
	const json_t *trial = json_object_get(upper, "trial");
	const json_t *dirs = json_object_get(upper, "dirs");
	out->upper_kind = json_string_value(json_object_get(upper, "kind"));
	if (trial != NULL && !json_is_boolean(trial))
		return wrong("trial", "truth value", e);
	out->on_trial_upper = json_is_true(trial);
	return dirs == NULL ? 0 : get_upper_dirs(dirs, out, e);
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
	if (get_stack(report, out, e) != 0 || get_lowers(report, out, e) != 0 ||
		get_upper(report, out, e) != 0 || get_policy(report, out, e) != 0 ||
		get_device(devices, "layers", out->layers, e) != 0)
		return -1;
	return get_device(devices, "record", out->record, e);
}

int booted_parse(const void *bytes, size_t size_bytes, struct booted *out, struct error *e)
{
	json_error_t why;
	struct booted booted = {.report = NULL};
	if (size_bytes > BOOTED_MAX_BYTES)
		return error_set(
			e, ERROR_LIMIT, 0, "boot.json has over %d bytes", BOOTED_MAX_BYTES);
	json_t *report = json_loadb(bytes, size_bytes, JSON_REJECT_DUPLICATES, &why);
	if (report == NULL)
		return error_set(e, ERROR_FORMAT, 0, "boot.json: line %d: %s", why.line, why.text);
	if (take(report, &booted, e) != 0) {
		json_decref(report);
		return -1;
	}
	booted.report = report;
	*out = booted;
	return 0;
}

void booted_free(struct booted *booted)
{
	json_decref(booted->report);
	booted->report = NULL;
}

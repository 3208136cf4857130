/* An image of a docker-archive, as `docker save` and `podman save` write it: manifest.json is a
 * list of
 * {"Config": FILE, "RepoTags": [NAME...], "Layers": [FILE...]}. Only the config is named by its
 * digest; the config names those of the uncompressed layers. */
#include <stdlib.h>
#include <string.h>

#include "../layers/scope.h"
#include "bytes.h"
#include "import.h"
#include "report.h"

static int load_list(const struct import_files *files, json_t **out, struct error *e)
{
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size_bytes;
	json_error_t why;
	if (import_files_read(files, "manifest.json", &bytes, &size_bytes, e) != 0)
		return -1;
	json_t *list = json_loadb((const char *)bytes, size_bytes, JSON_REJECT_DUPLICATES, &why);
	if (!json_is_array(list)) {
		json_decref(list);
		return error_set(e, ERROR_FORMAT, 0, "manifest.json: no JSON list: %s",
			list == NULL ? why.text : "something else");
	}
	*out = list;
	return 0;
}

/* --- choosing */

static bool has_tag(const json_t *entry, const char *name)
{
	const json_t *tags = json_object_get(entry, "RepoTags"), *tag;
	size_t i;
	for (i = 0; i < json_array_size(tags); i++) {
		tag = json_array_get(tags, i);
		if (json_is_string(tag) && strcmp(json_string_value(tag), name) == 0)
			return true;
	}
	return false;
}

static int list_tags(const json_t *list, struct bytes *out, struct error *e)
{
	const json_t *entry, *tag;
	size_t i, j;
	for (i = 0; i < json_array_size(list); i++) {
		entry = json_object_get(json_array_get(list, i), "RepoTags");
		for (j = 0; j < json_array_size(entry); j++) {
			tag = json_array_get(entry, j);
			if (json_is_string(tag) &&
				bytes_print(out, e, "%s%s", out->size == 0 ? "" : ", ",
					json_string_value(tag)) != 0)
				return -1;
		}
	}
	if (out->size == 0 && bytes_print(out, e, "none") != 0)
		return -1;
	return bytes_add(out, "", 1, e);
}

static int not_chosen(const json_t *list, const char *name, struct error *e)
{
	SCOPED_BYTES names = {0};
	if (list_tags(list, &names, e) != 0)
		return -1;
	if (name != NULL)
		return error_set(e, ERROR_MISSING, 0, "no image is named `%s`; there are: %.300s",
			name, (const char *)names.data);
	report_hint("--image REF chooses one");
	return error_set(e, ERROR_USAGE, 0, "there are %zu images: %.300s", json_array_size(list),
		(const char *)names.data);
}

static int choose(const json_t *list, const char *name, const json_t **out, struct error *e)
{
	const json_t *entry;
	size_t i;
	if (json_array_size(list) == 0)
		return error_set(e, ERROR_MISSING, 0, "it has no image");
	if (name == NULL && json_array_size(list) > 1)
		return not_chosen(list, NULL, e);
	for (i = 0; i < json_array_size(list); i++) {
		entry = json_array_get(list, i);
		if (name == NULL || has_tag(entry, name)) {
			*out = entry;
			return 0;
		}
	}
	return not_chosen(list, name, e);
}

/* --- the one that was chosen */

/* Its name is its digest, with ".json" behind it or directories before it; where it isn't one,
 * nothing is said. */
static int check_config_name(
	const char *name, const uint8_t *bytes, size_t size_bytes, struct error *e)
{
	const char *base = strrchr(name, '/');
	struct digest expected, actual;
	base = base == NULL ? name : base + 1;
	if (strcspn(base, ".") != DIGEST_HEX || !digest_parse_hex(base, DIGEST_HEX, &expected))
		return 0;
	digest_of(bytes, size_bytes, &actual);
	if (!digest_equal(&actual, &expected))
		return error_set(e, ERROR_DIGEST, 0, "its bytes have another digest");
	return 0;
}

static int read_config(const struct import_files *files, const json_t *entry,
	struct import_image *image, struct error *e)
{
	const char *name = json_string_value(json_object_get(entry, "Config"));
	if (name == NULL)
		return error_set(e, ERROR_FORMAT, 0, "manifest.json: no `Config`");
	if (import_files_read(files, name, &image->config_text, &image->config_bytes, e) != 0 ||
		check_config_name(name, image->config_text, image->config_bytes, e) != 0)
		return error_wrap(e, "the config `%s`", name);
	return 0;
}

static int list_layers(const json_t *entry, struct import_image *image, struct error *e)
{
	const json_t *list = json_object_get(entry, "Layers"), *file;
	size_t i;
	if (!json_is_array(list))
		return error_set(e, ERROR_FORMAT, 0, "manifest.json: no list `Layers`");
	if (json_array_size(list) > LIMIT_LAYERS)
		return error_set(e, ERROR_LIMIT, 0, "%zu layers; a stack has at most %u",
			json_array_size(list), LIMIT_LAYERS);
	image->layers = calloc(json_array_size(list) + 1, sizeof *image->layers);
	if (image->layers == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	for (i = 0; i < json_array_size(list); i++) {
		file = json_array_get(list, i);
		if (!json_is_string(file))
			return error_set(e, ERROR_FORMAT, 0,
				"manifest.json: an entry of `Layers` is no string");
		image->layers[i].file = strdup(json_string_value(file));
		if (image->layers[i].file == NULL)
			return error_set(e, ERROR_NOSPACE, 0, "no memory");
		image->layer_count++;
	}
	return 0;
}

static int take(const struct import_files *files, const json_t *entry, const char *name,
	struct import_image *image, struct error *e)
{
	const char *tag = json_string_value(json_array_get(json_object_get(entry, "RepoTags"), 0));
	if (name != NULL)
		tag = name;
	image->name = tag == NULL ? NULL : strdup(tag);
	if (tag != NULL && image->name == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	if (read_config(files, entry, image, e) != 0)
		return -1;
	return list_layers(entry, image, e);
}

int import_choose_docker(const struct import_files *files, const char *name,
	const char *architecture, struct import_image *out, struct error *e)
{
	SCOPED_IMPORT_IMAGE image = {0};
	json_t *list = NULL;
	const json_t *entry = NULL;
	if (load_list(files, &list, e) != 0)
		return -1;
	int result = choose(list, name, &entry, e);
	if (result == 0)
		result = take(files, entry, name, &image, e);
	json_decref(list);
	if (result != 0 || import_check_config(&image, architecture, e) != 0)
		return -1;
	*out = image;
	image = (struct import_image){0};
	return 0;
}

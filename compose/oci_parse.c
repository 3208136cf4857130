#include <inttypes.h>
#include <string.h>

#include "oci_private.h"

int oci_load(const void *bytes, size_t size_bytes, json_t **out, struct error *e)
{
	json_error_t why;
	if (size_bytes > OCI_DOCUMENT_BYTES)
		return error_set(e, ERROR_LIMIT, 0, "a JSON document of %zu bytes; at most %d",
			size_bytes, OCI_DOCUMENT_BYTES);
	json_t *document = json_loadb(bytes, size_bytes, JSON_REJECT_DUPLICATES, &why);
	if (document == NULL) {
		enum json_error_code code = json_error_code(&why);
		return error_set(e,
			code == json_error_out_of_memory      ? ERROR_NOSPACE
			: code == json_error_numeric_overflow ? ERROR_LIMIT
							      : ERROR_FORMAT,
			0, "no JSON that can be used: line %d: %s", why.line, why.text);
	}
	if (!json_is_object(document)) {
		json_decref(document);
		return error_set(e, ERROR_FORMAT, 0, "the JSON is no object");
	}
	*out = document;
	return 0;
}

/* --- members: NULL when they are not there, or null */

static json_t *member(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);
	return json_is_null(value) ? NULL : value;
}

static int get_text(const json_t *object, const char *key, const char **out, struct error *e)
{
	const json_t *value = member(object, key);
	if (value != NULL && !json_is_string(value))
		return error_set(e, ERROR_FORMAT, 0, "`%s` is no string", key);
	*out = json_string_value(value);
	return 0;
}

static int get_object(const json_t *object, const char *key, json_t **out, struct error *e)
{
	*out = member(object, key);
	if (*out != NULL && !json_is_object(*out))
		return error_set(e, ERROR_FORMAT, 0, "`%s` is no object", key);
	return 0;
}

static int get_list(
	const json_t *object, const char *key, size_t most, json_t **out, struct error *e)
{
	*out = member(object, key);
	if (*out != NULL && !json_is_array(*out))
		return error_set(e, ERROR_FORMAT, 0, "`%s` is no list", key);
	if (json_array_size(*out) > most)
		return error_set(e, ERROR_LIMIT, 0, "`%s` has %zu entries; at most %zu", key,
			json_array_size(*out), most);
	return 0;
}

static int missing(const char *key, struct error *e)
{
	return error_set(e, ERROR_FORMAT, 0, "`%s` is missing", key);
}

/* For as many items as there are; NULL for none. */
static int allocate(size_t count, size_t item_bytes, void *out, struct error *e)
{
	void *items = count == 0 ? NULL : calloc(count, item_bytes);
	if (count > 0 && items == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	memcpy(out, &items, sizeof items);
	return 0;
}

static int get_texts(
	const json_t *object, const struct oci_member *row, void *base, struct error *e)
{
	struct oci_texts *texts = (struct oci_texts *)(void *)((char *)base + row->offset);
	json_t *list;
	if (get_list(object, row->key, OCI_LIST_MOST, &list, e) != 0 ||
		allocate(json_array_size(list), sizeof *texts->items, &texts->items, e) != 0)
		return -1;
	for (; texts->count < json_array_size(list); texts->count++) {
		const json_t *value = json_array_get(list, texts->count);
		if (!json_is_string(value))
			return error_set(
				e, ERROR_FORMAT, 0, "an entry of `%s` is no string", row->key);
		texts->items[texts->count] = json_string_value(value);
	}
	return 0;
}

static int get_counted_object(const json_t *object, const char *key, json_t **out, struct error *e)
{
	if (get_object(object, key, out, e) != 0)
		return -1;
	if (json_object_size(*out) > OCI_LIST_MOST)
		return error_set(e, ERROR_LIMIT, 0, "`%s` has %zu entries; at most %d", key,
			json_object_size(*out), OCI_LIST_MOST);
	return 0;
}

/* An object that is a set: only its keys count. */
static int get_set(const json_t *object, const struct oci_member *row, void *base, struct error *e)
{
	struct oci_texts *texts = (struct oci_texts *)(void *)((char *)base + row->offset);
	json_t *set, *value;
	const char *key;
	if (get_counted_object(object, row->key, &set, e) != 0 ||
		allocate(json_object_size(set), sizeof *texts->items, &texts->items, e) != 0)
		return -1;
	json_object_foreach(set, key, value) texts->items[texts->count++] = key;
	return 0;
}

static int get_pairs(
	const json_t *object, const char *name, struct oci_pairs *pairs, struct error *e)
{
	json_t *map, *value;
	const char *key;
	if (get_counted_object(object, name, &map, e) != 0 ||
		allocate(json_object_size(map), sizeof *pairs->items, &pairs->items, e) != 0)
		return -1;
	json_object_foreach(map, key, value)
	{
		if (!json_is_string(value))
			return error_set(
				e, ERROR_FORMAT, 0, "`%s` in `%s` is no string", key, name);
		pairs->items[pairs->count++] = (struct oci_pair){key, json_string_value(value)};
	}
	return 0;
}

static int get_by_table(const json_t *object, const struct oci_member *rows,
	int (*get)(const json_t *object, const struct oci_member *row, void *base, struct error *e),
	void *base, struct error *e)
{
	for (; rows->key != NULL; rows++) {
		if (get(object, rows, base, e) != 0)
			return -1;
	}
	return 0;
}

static int get_text_row(
	const json_t *object, const struct oci_member *row, void *base, struct error *e)
{
	return get_text(object, row->key, (const char **)(void *)((char *)base + row->offset), e);
}

/* --- descriptors */

static int parse_digest(const char *text, struct digest *out, struct error *e)
{
	if (!digest_parse(text, strlen(text), out))
		return error_set(
			e, ERROR_FORMAT, 0, "`%.80s` is no SHA-256 digest (sha256:...)", text);
	return 0;
}

static int get_size(const json_t *object, uint64_t *out, struct error *e)
{
	const json_t *value = member(object, "size");
	if (value == NULL)
		return missing("size", e);
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return error_set(e, ERROR_FORMAT, 0, "`size` is no number of bytes");
	uint64_t size_bytes = (uint64_t)json_integer_value(value);
	if (size_bytes > LIMIT_LAYER_STORED_BYTES)
		return error_set(e, ERROR_LIMIT, 0, "`size` is %" PRIu64 " bytes; at most %" PRIu64,
			size_bytes, LIMIT_LAYER_STORED_BYTES);
	*out = size_bytes;
	return 0;
}

static int get_platform(const json_t *object, struct oci_descriptor *out, struct error *e)
{
	json_t *platform;
	if (get_object(object, "platform", &platform, e) != 0)
		return -1;
	if (platform == NULL)
		return 0;
	if (get_text(platform, "architecture", &out->architecture, e) != 0 ||
		get_text(platform, "os", &out->os, e) != 0 ||
		get_text(platform, "variant", &out->variant, e) != 0)
		return error_wrap(e, "`platform`");
	return 0;
}

static int parse_descriptor(const json_t *object, struct oci_descriptor *out, struct error *e)
{
	const char *digest = NULL;
	if (!json_is_object(object))
		return error_set(e, ERROR_FORMAT, 0, "it is no object");
	if (get_text(object, "mediaType", &out->media_type, e) != 0 ||
		get_text(object, "digest", &digest, e) != 0)
		return -1;
	if (out->media_type == NULL)
		return missing("mediaType", e);
	if (digest == NULL)
		return missing("digest", e);
	if (parse_digest(digest, &out->digest, e) != 0 ||
		get_size(object, &out->size_bytes, e) != 0 || get_platform(object, out, e) != 0 ||
		get_text(object, "artifactType", &out->artifact_type, e) != 0)
		return -1;
	return get_pairs(object, "annotations", &out->annotations, e);
}

static int parse_descriptors(const json_t *object, const char *key, size_t most,
	struct oci_descriptors *out, struct error *e)
{
	json_t *list;
	if (get_list(object, key, most, &list, e) != 0)
		return -1;
	if (list == NULL)
		return missing(key, e);
	if (allocate(json_array_size(list), sizeof *out->items, &out->items, e) != 0)
		return -1;
	while (out->count < json_array_size(list)) {
		size_t i = out->count++;
		if (parse_descriptor(json_array_get(list, i), &out->items[i], e) != 0)
			return error_wrap(e, "entry %zu of `%s`", i + 1, key);
	}
	return 0;
}

/* --- the documents */

static int check_version(const json_t *document, struct error *e)
{
	const json_t *version = member(document, "schemaVersion");
	if (!json_is_integer(version))
		return error_set(e, ERROR_FORMAT, 0, "`schemaVersion` is missing, or no number");
	if (json_integer_value(version) != 2)
		return error_set(e, ERROR_FORMAT, 0,
			"`schemaVersion` is %lld, and only 2 can be read",
			(long long)json_integer_value(version));
	return 0;
}

static int parse_index(const json_t *document, struct oci_index *out, struct error *e)
{
	if (check_version(document, e) != 0 ||
		get_text(document, "mediaType", &out->media_type, e) != 0)
		return -1;
	return parse_descriptors(document, "manifests", OCI_LIST_MOST, &out->manifests, e);
}

int oci_index_parse(const void *bytes, size_t size_bytes, struct oci_index *out, struct error *e)
{
	struct oci_index index = {0};
	if (oci_load(bytes, size_bytes, &index.document, e) != 0 ||
		parse_index(index.document, &index, e) != 0) {
		oci_index_free(&index);
		return error_wrap(e, "an image index");
	}
	*out = index;
	return 0;
}

static int parse_manifest(const json_t *document, struct oci_manifest *out, struct error *e)
{
	json_t *config;
	if (check_version(document, e) != 0 ||
		get_text(document, "mediaType", &out->media_type, e) != 0 ||
		get_object(document, "config", &config, e) != 0)
		return -1;
	if (config == NULL)
		return missing("config", e);
	if (parse_descriptor(config, &out->config, e) != 0)
		return error_wrap(e, "`config`");
	if (parse_descriptors(document, "layers", LIMIT_LAYERS, &out->layers, e) != 0)
		return -1;
	return get_pairs(document, "annotations", &out->annotations, e);
}

int oci_manifest_parse(
	const void *bytes, size_t size_bytes, struct oci_manifest *out, struct error *e)
{
	struct oci_manifest manifest = {0};
	if (oci_load(bytes, size_bytes, &manifest.document, e) != 0 ||
		parse_manifest(manifest.document, &manifest, e) != 0) {
		oci_manifest_free(&manifest);
		return error_wrap(e, "an image manifest");
	}
	*out = manifest;
	return 0;
}

static int parse_history(const json_t *document, struct oci_config *out, struct error *e)
{
	json_t *list;
	if (get_list(document, "history", OCI_LIST_MOST, &list, e) != 0 ||
		allocate(json_array_size(list), sizeof *out->history, &out->history, e) != 0)
		return -1;
	for (; out->history_count < json_array_size(list); out->history_count++) {
		const json_t *entry = json_array_get(list, out->history_count);
		struct oci_history *step = &out->history[out->history_count];
		if (!json_is_object(entry))
			return error_set(e, ERROR_FORMAT, 0, "an entry of `history` is no object");
		if (get_by_table(entry, oci_history_texts, get_text_row, step, e) != 0)
			return error_wrap(e, "`history`");
		const json_t *empty = member(entry, "empty_layer");
		if (empty != NULL && !json_is_boolean(empty))
			return error_set(e, ERROR_FORMAT, 0, "`empty_layer` is no true or false");
		step->empty_layer = json_is_true(empty);
	}
	return 0;
}

static int parse_diff_ids(const json_t *document, struct oci_config *out, struct error *e)
{
	json_t *rootfs, *list;
	if (get_object(document, "rootfs", &rootfs, e) != 0)
		return -1;
	if (rootfs == NULL)
		return missing("rootfs", e);
	if (get_list(rootfs, "diff_ids", LIMIT_LAYERS, &list, e) != 0 ||
		allocate(json_array_size(list), sizeof *out->diff_ids, &out->diff_ids, e) != 0)
		return -1;
	for (; out->diff_id_count < json_array_size(list); out->diff_id_count++) {
		const char *text = json_string_value(json_array_get(list, out->diff_id_count));
		if (text == NULL)
			return error_set(e, ERROR_FORMAT, 0, "an entry of `diff_ids` is no string");
		if (parse_digest(text, &out->diff_ids[out->diff_id_count], e) != 0)
			return error_wrap(e, "`diff_ids`");
	}
	return 0;
}

static int parse_config(const json_t *document, struct oci_config *out, struct error *e)
{
	json_t *execution;
	if (get_by_table(document, oci_config_texts, get_text_row, out, e) != 0 ||
		get_object(document, "config", &execution, e) != 0 ||
		get_by_table(execution, oci_execution_texts, get_text_row, out, e) != 0 ||
		get_by_table(execution, oci_execution_lists, get_texts, out, e) != 0 ||
		get_by_table(execution, oci_execution_sets, get_set, out, e) != 0 ||
		get_pairs(execution, "Labels", &out->labels, e) != 0 ||
		parse_history(document, out, e) != 0)
		return -1;
	return parse_diff_ids(document, out, e);
}

int oci_config_parse(const void *bytes, size_t size_bytes, struct oci_config *out, struct error *e)
{
	struct oci_config config = {0};
	if (oci_load(bytes, size_bytes, &config.document, e) != 0 ||
		parse_config(config.document, &config, e) != 0) {
		oci_config_free(&config);
		return error_wrap(e, "an image config");
	}
	*out = config;
	return 0;
}

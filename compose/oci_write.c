#include <string.h>

#include "oci_private.h"

/* What is built. The first failure is remembered, and all that follows is harmless: jansson takes
 * NULL for a value and refuses it. */
struct building {
	bool no_memory, no_text;
};

static json_t *new_object(struct building *building)
{
	json_t *object = json_object();
	building->no_memory |= object == NULL;
	return object;
}

static json_t *new_list(struct building *building)
{
	json_t *list = json_array();
	building->no_memory |= list == NULL;
	return list;
}

static json_t *new_text(struct building *building, const char *text)
{
	json_t *value = json_string(text); /* NULL, too, for what is not UTF-8 */
	building->no_text |= value == NULL;
	return value;
}

static void set(struct building *building, json_t *object, const char *key, json_t *value)
{
	building->no_memory |= json_object_set_new(object, key, value) != 0;
}

static void append(struct building *building, json_t *list, json_t *value)
{
	building->no_memory |= json_array_append_new(list, value) != 0;
}

static void set_text(struct building *building, json_t *object, const char *key, const char *text)
{
	if (text != NULL)
		set(building, object, key, new_text(building, text));
}

/* An object or list that nothing is in is left out. */
static void set_filled(struct building *building, json_t *object, const char *key, json_t *value)
{
	if (json_object_size(value) + json_array_size(value) > 0)
		set(building, object, key, value);
	else
		json_decref(value);
}

static void set_pairs(
	struct building *building, json_t *object, const char *key, const struct oci_pairs *pairs)
{
	json_t *map = new_object(building);
	for (size_t i = 0; i < pairs->count; i++)
		set_text(building, map, pairs->items[i].key, pairs->items[i].value);
	set_filled(building, object, key, map);
}

static json_t *new_digest(struct building *building, const struct digest *digest)
{
	char text[DIGEST_TEXT_SIZE];
	digest_format(digest, text);
	return new_text(building, text);
}

static json_t *new_descriptor(struct building *building, const struct oci_descriptor *descriptor)
{
	json_t *object = new_object(building), *platform = new_object(building);
	json_t *size = json_integer((json_int_t)descriptor->size_bytes);
	set_text(building, object, "mediaType", descriptor->media_type);
	set(building, object, "digest", new_digest(building, &descriptor->digest));
	set(building, object, "size", size);
	set_text(building, platform, "architecture", descriptor->architecture);
	set_text(building, platform, "os", descriptor->os);
	set_text(building, platform, "variant", descriptor->variant);
	set_filled(building, object, "platform", platform);
	set_text(building, object, "artifactType", descriptor->artifact_type);
	set_pairs(building, object, "annotations", &descriptor->annotations);
	return object;
}

static json_t *new_descriptors(struct building *building, const struct oci_descriptors *descriptors)
{
	json_t *list = new_list(building);
	for (size_t i = 0; i < descriptors->count; i++)
		append(building, list, new_descriptor(building, &descriptors->items[i]));
	return list;
}

/* Takes the document. */
static int finish(const struct building *building, json_t *document, char **text,
	size_t *size_bytes, struct error *e)
{
	char *dumped = NULL;
	bool whole = !building->no_memory && !building->no_text;
	if (whole)
		dumped = json_dumps(document, JSON_COMPACT);
	json_decref(document);
	if (building->no_text)
		return error_set(e, ERROR_FORMAT, 0, "text for JSON that is not UTF-8");
	if (dumped == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory for JSON");
	*text = dumped;
	*size_bytes = strlen(dumped);
	return 0;
}

static json_t *new_versioned(struct building *building, const char *media_type)
{
	json_t *document = new_object(building);
	set(building, document, "schemaVersion", json_integer(2));
	set_text(building, document, "mediaType", media_type);
	return document;
}

int oci_index_write(const struct oci_index *index, char **text, size_t *size_bytes, struct error *e)
{
	struct building building = {0};
	json_t *document = new_versioned(&building, index->media_type);
	set(&building, document, "manifests", new_descriptors(&building, &index->manifests));
	return finish(&building, document, text, size_bytes, e);
}

int oci_manifest_write(
	const struct oci_manifest *manifest, char **text, size_t *size_bytes, struct error *e)
{
	struct building building = {0};
	json_t *document = new_versioned(&building, manifest->media_type);
	set(&building, document, "config", new_descriptor(&building, &manifest->config));
	set(&building, document, "layers", new_descriptors(&building, &manifest->layers));
	set_pairs(&building, document, "annotations", &manifest->annotations);
	return finish(&building, document, text, size_bytes, e);
}

/* --- configs */

static void set_text_rows(
	struct building *building, json_t *object, const struct oci_member *rows, const void *base)
{
	for (; rows->key != NULL; rows++)
		set_text(building, object, rows->key,
			*(const char *const *)(const void *)((const char *)base + rows->offset));
}

static const struct oci_texts *texts_of(
	const struct oci_config *config, const struct oci_member *row)
{
	return (const struct oci_texts *)(const void *)((const char *)config + row->offset);
}

static json_t *new_execution(struct building *building, const struct oci_config *config)
{
	json_t *object = new_object(building);
	set_text_rows(building, object, oci_execution_texts, config);
	for (const struct oci_member *row = oci_execution_lists; row->key != NULL; row++) {
		const struct oci_texts *texts = texts_of(config, row);
		json_t *list = new_list(building);
		for (size_t i = 0; i < texts->count; i++)
			append(building, list, new_text(building, texts->items[i]));
		set_filled(building, object, row->key, list);
	}
	for (const struct oci_member *row = oci_execution_sets; row->key != NULL; row++) {
		const struct oci_texts *texts = texts_of(config, row);
		json_t *map = new_object(building);
		for (size_t i = 0; i < texts->count; i++)
			set(building, map, texts->items[i], new_object(building));
		set_filled(building, object, row->key, map);
	}
	set_pairs(building, object, "Labels", &config->labels);
	return object;
}

static json_t *new_rootfs(struct building *building, const struct oci_config *config)
{
	json_t *rootfs = new_object(building), *list = new_list(building);
	set_text(building, rootfs, "type", "layers");
	for (size_t i = 0; i < config->diff_id_count; i++)
		append(building, list, new_digest(building, &config->diff_ids[i]));
	set(building, rootfs, "diff_ids", list);
	return rootfs;
}

static json_t *new_history(struct building *building, const struct oci_config *config)
{
	json_t *list = new_list(building);
	for (size_t i = 0; i < config->history_count; i++) {
		json_t *entry = new_object(building);
		set_text_rows(building, entry, oci_history_texts, &config->history[i]);
		if (config->history[i].empty_layer)
			set(building, entry, "empty_layer", json_true());
		append(building, list, entry);
	}
	return list;
}

int oci_config_write(
	const struct oci_config *config, char **text, size_t *size_bytes, struct error *e)
{
	struct building building = {0};
	json_t *document = new_object(&building);
	set_text_rows(&building, document, oci_config_texts, config);
	set_filled(&building, document, "config", new_execution(&building, config));
	set(&building, document, "rootfs", new_rootfs(&building, config));
	set_filled(&building, document, "history", new_history(&building, config));
	return finish(&building, document, text, size_bytes, e);
}

/* --- one entry of an index */

/* Where the entry of that ref name is; the number of entries when there is none. */
static size_t find_ref(const struct oci_index *index, const char *ref_name)
{
	size_t at = 0;
	for (; at < index->manifests.count; at++) {
		const char *name =
			oci_pairs_find(&index->manifests.items[at].annotations, OCI_REF_NAME);
		if (name != NULL && ref_name != NULL && strcmp(name, ref_name) == 0)
			break;
	}
	return at;
}

int oci_index_put(const void *bytes, size_t size_bytes, const struct oci_descriptor *entry,
	char **text, size_t *text_bytes, struct error *e)
{
	SCOPED_OCI_INDEX index = {0};
	struct building building = {0};
	if (oci_index_parse(bytes, size_bytes, &index, e) != 0)
		return -1;
	size_t at = find_ref(&index, oci_pairs_find(&entry->annotations, OCI_REF_NAME));
	json_t *list = json_object_get(index.document, "manifests");
	json_t *descriptor = new_descriptor(&building, entry);
	if (at < index.manifests.count)
		building.no_memory |= json_array_set_new(list, at, descriptor) != 0;
	else
		append(&building, list, descriptor);
	return finish(&building, json_incref(index.document), text, text_bytes, e);
}

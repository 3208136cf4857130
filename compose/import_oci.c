/* An image of an OCI layout: from index.json down to its config. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../layers/scope.h"
#include "bytes.h"
#include "import.h"
#include "report.h"

/* An index in an index in ...: real ones are two deep. */
enum { NESTED_MOST = 4 };

#define CONTAINERD_NAME "io.containerd.image.name"

/* --- blobs with the digest that something says */

static int check_pinned(const struct oci_descriptor *descriptor, const uint8_t *bytes,
	size_t size_bytes, struct error *e)
{
	struct digest actual;
	if (size_bytes != descriptor->size_bytes)
		return error_set(e, ERROR_SIZE, 0, "it has %zu bytes instead of %" PRIu64,
			size_bytes, descriptor->size_bytes);
	digest_of(bytes, size_bytes, &actual);
	if (!digest_equal(&actual, &descriptor->digest))
		return error_set(e, ERROR_DIGEST, 0, "its bytes have another digest");
	return 0;
}

static int read_pinned(const struct import_files *files, const struct oci_descriptor *descriptor,
	const char *what, uint8_t **bytes, size_t *size_bytes, struct error *e)
{
	SCOPED_FREE uint8_t *read = NULL;
	char path[LAYOUT_BLOB_PATH_SIZE];
	layout_blob_path(&descriptor->digest, path);
	if (import_files_read(files, path, &read, size_bytes, e) != 0 ||
		check_pinned(descriptor, read, *size_bytes, e) != 0)
		return error_wrap(e, "the %s %s", what, path + strlen("blobs/sha256/"));
	*bytes = SCOPE_TAKE(read);
	return 0;
}

/* --- choosing */

static const char *name_of(const struct oci_descriptor *descriptor)
{
	return oci_pairs_find(&descriptor->annotations, OCI_REF_NAME);
}

/* docker save writes the tag alone as the ref name, and the whole beside it. */
static bool has_name(const struct oci_descriptor *descriptor, const char *name)
{
	const char *own = name_of(descriptor),
		   *whole = oci_pairs_find(&descriptor->annotations, CONTAINERD_NAME);
	return (own != NULL && strcmp(own, name) == 0) ||
	       (whole != NULL && strcmp(whole, name) == 0);
}

/* A list for a message, by `describe`. */
static int list(const struct oci_index *index,
	void (*describe)(const struct oci_descriptor *descriptor, char *out, size_t size),
	struct bytes *out, struct error *e)
{
	for (size_t i = 0; i < index->manifests.count; i++) {
		char text[256];
		describe(&index->manifests.items[i], text, sizeof text);
		if (text[0] != '\0' &&
			bytes_print(out, e, "%s%s", out->size == 0 ? "" : ", ", text) != 0)
			return -1;
	}
	if (out->size == 0 && bytes_print(out, e, "none") != 0)
		return -1;
	return bytes_add(out, "", 1, e);
}

static void describe_name(const struct oci_descriptor *descriptor, char *out, size_t size)
{
	const char *name = name_of(descriptor);
	(void)snprintf(out, size, "%s", name != NULL ? name : "");
}

static void describe_platform(const struct oci_descriptor *descriptor, char *out, size_t size)
{
	(void)snprintf(out, size, "%s/%s%s%s", descriptor->os != NULL ? descriptor->os : "?",
		descriptor->architecture != NULL ? descriptor->architecture : "?",
		descriptor->variant != NULL ? "/" : "",
		descriptor->variant != NULL ? descriptor->variant : "");
}

static bool is_for(const struct oci_descriptor *descriptor, const char *architecture)
{
	if (architecture == NULL)
		return true;
	return descriptor->architecture != NULL &&
	       strcmp(descriptor->architecture, architecture) == 0 &&
	       (descriptor->os == NULL || strcmp(descriptor->os, "linux") == 0);
}

static int no_platform(const struct oci_index *index, const char *architecture, struct error *e)
{
	SCOPED_BYTES names = {0};
	if (list(index, describe_platform, &names, e) != 0)
		return -1;
	report_hint("--arch chooses among them");
	return error_set(e, ERROR_TARGET, 0, "no image for linux/%s; there are: %.300s",
		architecture, (const char *)names.data);
}

/* The first for the architecture; an only one may leave it to its config. */
static int choose_platform(const struct oci_index *index, const char *architecture,
	const struct oci_descriptor **out, struct error *e)
{
	const struct oci_descriptors *all = &index->manifests;
	for (size_t i = 0; i < all->count; i++) {
		if (is_for(&all->items[i], architecture)) {
			*out = &all->items[i];
			return 0;
		}
	}
	if (all->count != 1 || all->items[0].architecture != NULL)
		return no_platform(index, architecture, e);
	*out = &all->items[0];
	return 0;
}

static int not_named(const struct oci_index *index, const char *name, struct error *e)
{
	SCOPED_BYTES names = {0};
	if (list(index, describe_name, &names, e) != 0)
		return -1;
	if (name != NULL)
		return error_set(e, ERROR_MISSING, 0, "no image is named `%s`; there are: %.300s",
			name, (const char *)names.data);
	report_hint("--image REF chooses one");
	return error_set(e, ERROR_USAGE, 0, "there are %zu images: %.300s", index->manifests.count,
		(const char *)names.data);
}

static bool are_one_image(const struct oci_index *index)
{
	const struct oci_descriptors *all = &index->manifests;
	for (size_t i = 0; i < all->count; i++) {
		const char *first = name_of(&all->items[0]), *name = name_of(&all->items[i]);
		if (all->items[i].architecture == NULL || (first == NULL) != (name == NULL) ||
			(name != NULL && strcmp(name, first) != 0))
			return false;
	}
	return true;
}

/* Among the entries of index.json: those of a name, or all if they are one image for several
 * architectures. */
static int choose_named(const struct oci_index *index, const char *name, const char *architecture,
	const struct oci_descriptor **out, struct error *e)
{
	const struct oci_descriptors *all = &index->manifests;
	const struct oci_descriptor *found = NULL;
	if (name == NULL && all->count > 1)
		return are_one_image(index) ? choose_platform(index, architecture, out, e)
					    : not_named(index, NULL, e);
	for (size_t i = 0; i < all->count; i++) {
		const struct oci_descriptor *entry = &all->items[i];
		if (name != NULL && !has_name(entry, name))
			continue;
		if (found == NULL || (!is_for(found, architecture) && is_for(entry, architecture)))
			found = entry;
	}
	if (found == NULL)
		return name == NULL ? error_set(e, ERROR_MISSING, 0, "it has no image")
				    : not_named(index, name, e);
	*out = found;
	return 0;
}

/* --- manifests */

static int add_layer(
	struct import_image *image, const struct oci_descriptor *descriptor, struct error *e)
{
	char path[LAYOUT_BLOB_PATH_SIZE];
	struct import_layer layer = {
		.pinned = true, .digest = descriptor->digest, .size_bytes = descriptor->size_bytes};
	if (oci_layer_media(descriptor->media_type, &layer.media, e) != 0)
		return error_wrap(e, "layer %zu", image->layer_count + 1);
	layout_blob_path(&descriptor->digest, path);
	layer.file = strdup(path);
	if (layer.file == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	image->layers[image->layer_count++] = layer;
	return 0;
}

static int take_manifest(struct import_image *image, const struct oci_manifest *manifest,
	const struct import_files *files, struct error *e)
{
	if (oci_kind(manifest->config.media_type) != OCI_KIND_CONFIG)
		return error_set(e, ERROR_TYPE, 0,
			"no image of a root file system: its config is of type %s",
			manifest->config.media_type);
	image->layers = calloc(manifest->layers.count + 1, sizeof *image->layers);
	if (image->layers == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	for (size_t i = 0; i < manifest->layers.count; i++) {
		if (add_layer(image, &manifest->layers.items[i], e) != 0)
			return -1;
	}
	return read_pinned(
		files, &manifest->config, "config", &image->config_text, &image->config_bytes, e);
}

static int read_manifest(const struct import_files *files, const struct oci_descriptor *descriptor,
	struct import_image *image, struct error *e)
{
	SCOPED_OCI_MANIFEST manifest = {0};
	if (read_pinned(files, descriptor, "manifest", &image->manifest, &image->manifest_bytes,
		    e) != 0 ||
		oci_manifest_parse(image->manifest, image->manifest_bytes, &manifest, e) != 0)
		return -1;
	image->manifest_type = strdup(descriptor->media_type);
	if (image->manifest_type == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	return take_manifest(image, &manifest, files, e);
}

static int descend(const struct import_files *files, const struct oci_descriptor *descriptor,
	const char *architecture, unsigned depth, struct import_image *image, struct error *e)
{
	SCOPED_FREE uint8_t *bytes = NULL;
	SCOPED_OCI_INDEX index = {0};
	size_t size_bytes;
	switch (oci_kind(descriptor->media_type)) {
	case OCI_KIND_MANIFEST:
		return read_manifest(files, descriptor, image, e);
	case OCI_KIND_INDEX:
		break;
	default:
		return error_set(
			e, ERROR_TYPE, 0, "no image: it is of type %s", descriptor->media_type);
	}
	if (depth == NESTED_MOST)
		return error_set(
			e, ERROR_LIMIT, 0, "an index in an index, more than %d deep", NESTED_MOST);
	if (read_pinned(files, descriptor, "index", &bytes, &size_bytes, e) != 0 ||
		oci_index_parse(bytes, size_bytes, &index, e) != 0 ||
		choose_platform(&index, architecture, &descriptor, e) != 0)
		return -1;
	return descend(files, descriptor, architecture, depth + 1, image, e);
}

static int copy_name(
	const struct oci_descriptor *descriptor, struct import_image *image, struct error *e)
{
	const char *name = oci_pairs_find(&descriptor->annotations, CONTAINERD_NAME);
	if (name == NULL)
		name = name_of(descriptor);
	if (name == NULL)
		return 0;
	image->name = strdup(name);
	return image->name != NULL ? 0 : error_set(e, ERROR_NOSPACE, 0, "no memory");
}

int import_choose_oci(const struct import_files *files, const char *name, const char *architecture,
	struct import_image *out, struct error *e)
{
	SCOPED_FREE uint8_t *bytes = NULL;
	SCOPED_OCI_INDEX index = {0};
	const struct oci_descriptor *chosen = NULL;
	size_t size_bytes;
	if (import_files_read(files, "index.json", &bytes, &size_bytes, e) != 0 ||
		oci_index_parse(bytes, size_bytes, &index, e) != 0)
		return error_wrap(e, "index.json");
	if (choose_named(&index, name, architecture, &chosen, e) != 0)
		return -1;
	SCOPED_IMPORT_IMAGE image = {0};
	if (copy_name(chosen, &image, e) != 0 ||
		descend(files, chosen, architecture, 0, &image, e) != 0 ||
		import_check_config(&image, architecture, e) != 0)
		return -1;
	*out = image;
	image = (struct import_image){0};
	return 0;
}

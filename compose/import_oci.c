/* An image of an OCI layout: from index.json down to its config. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../layers/scope.h"
#include "image_choose.h"
#include "import.h"

/* An index in an index in ...: real ones are two deep. */
enum { NESTED_MOST = 4 };

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
		image_choose_platform(&index, architecture, &descriptor, e) != 0)
		return -1;
	return descend(files, descriptor, architecture, depth + 1, image, e);
}

static int copy_name(
	const struct oci_descriptor *descriptor, struct import_image *image, struct error *e)
{
	const char *name = image_full_name(descriptor);
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
	if (image_choose(&index, name, architecture, &chosen, e) != 0)
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

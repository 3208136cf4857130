/* Manifest, config and index of an image in the store. */
#include <string.h>

#include "../layers/scope.h"
#include "image_index.h"
#include "import.h"

static int write_manifest(struct import_image *image, struct error *e)
{
	SCOPED_FREE struct oci_descriptor *layers = calloc(image->layer_count, sizeof *layers);
	struct oci_manifest manifest = {.media_type = OCI_TYPE_MANIFEST,
		.config = {.media_type = OCI_TYPE_CONFIG, .size_bytes = image->config_bytes},
		.layers = {image->layer_count, layers}};
	char *text;
	if (layers == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	digest_of(image->config_text, image->config_bytes, &manifest.config.digest);
	for (size_t i = 0; i < image->layer_count; i++) {
		const struct import_layer *layer = &image->layers[i];
		layers[i] = (struct oci_descriptor){.media_type = media_name(layer->media),
			.digest = layer->digest,
			.size_bytes = layer->size_bytes};
	}
	image->manifest_type = strdup(OCI_TYPE_MANIFEST);
	if (image->manifest_type == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	if (oci_manifest_write(&manifest, &text, &image->manifest_bytes, e) != 0)
		return -1;
	image->manifest = (uint8_t *)text;
	return 0;
}

static int begin_index(struct layout *layout, const struct oci_descriptor *entry,
	struct output *out, struct error *e)
{
	SCOPED_BYTES index = {0};
	SCOPED_FREE char *text = NULL;
	size_t text_bytes;
	if (layout_lock_index(layout, e) != 0 || image_index_read(layout, &index, e) != 0 ||
		oci_index_put(index.data, index.size, entry, &text, &text_bytes, e) != 0)
		return error_wrap(e, "the store `%s`", layout->path);
	return layout_write_index(layout, text, text_bytes, out, e);
}

int import_add_image(struct layout *layout, struct import_image *image, const char *name,
	struct digest *manifest, struct output *index, struct error *e)
{
	struct oci_pair ref = {OCI_REF_NAME, name};
	struct oci_descriptor entry = {.architecture = image->config.architecture,
		.os = image->config.os,
		.variant = image->config.variant,
		.annotations = {1, &ref}};
	struct digest config;
	if (image->manifest == NULL && write_manifest(image, e) != 0)
		return -1;
	if (layout_add_blob(layout, image->config_text, image->config_bytes, &config, e) != 0 ||
		layout_add_blob(layout, image->manifest, image->manifest_bytes, manifest, e) != 0)
		return -1;
	entry.media_type = image->manifest_type;
	entry.digest = *manifest;
	entry.size_bytes = image->manifest_bytes;
	return begin_index(layout, &entry, index, e);
}

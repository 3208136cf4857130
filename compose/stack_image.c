#include "stack_image.h"

#include <stdlib.h>
#include <string.h>

#include "../layers/scope.h"
#include "image_config.h"
#include "oci.h"

int stack_image_open(
	const struct stack *stack, size_t more, struct stack_image *out, struct error *e)
{
	*out = (struct stack_image){
		.layers = calloc(stack->layer_count + more, sizeof *out->layers)};
	return out->layers != NULL ? 0 : error_set(e, ERROR_NOSPACE, 0, "no memory");
}

int stack_image_read(struct stack_image *image, struct layout *store,
	const struct layer_record *record, layer_sink *sink, void *context, struct error *e)
{
	struct stack_image_layer layer = {.digest = record->digest,
		.media = record->media,
		.size_bytes = record->stored_bytes};
	if (layer_stored_read(store, record, sink, context, &layer.diff_id, e) != 0)
		return error_wrap(e, "layer %zu", image->layer_count + 1);
	stack_image_add(image, &layer);
	return 0;
}

void stack_image_add(struct stack_image *image, const struct stack_image_layer *layer)
{
	image->layers[image->layer_count++] = *layer;
}

const struct stack_image_layer *stack_image_find(
	const struct stack_image *image, const struct digest *digest)
{
	for (size_t i = 0; i < image->layer_count; i++) {
		if (digest_equal(&image->layers[i].digest, digest))
			return &image->layers[i];
	}
	return NULL;
}

static int write_manifest(struct stack_image *image, struct error *e)
{
	SCOPED_FREE struct oci_descriptor *layers = calloc(image->layer_count, sizeof *layers);
	const struct oci_manifest manifest = {.media_type = OCI_TYPE_MANIFEST,
		.config = {.media_type = OCI_TYPE_CONFIG,
			.digest = image->config_digest,
			.size_bytes = image->config.size},
		.layers = {.count = image->layer_count, .items = layers}};
	char *text;
	size_t size_bytes;
	if (layers == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	for (size_t i = 0; i < image->layer_count; i++)
		layers[i] =
			(struct oci_descriptor){.media_type = media_name(image->layers[i].media),
				.digest = image->layers[i].digest,
				.size_bytes = image->layers[i].size_bytes};
	if (oci_manifest_write(&manifest, &text, &size_bytes, e) != 0)
		return -1;
	image->manifest =
		(struct bytes){.data = (uint8_t *)text, .size = size_bytes, .capacity = size_bytes};
	return 0;
}

int stack_image_finish(
	struct stack_image *image, struct layout *store, const struct stack *stack, struct error *e)
{
	if (image_config_write(image, store, stack, &image->config, e) != 0)
		return -1;
	digest_of(image->config.data, image->config.size, &image->config_digest);
	if (write_manifest(image, e) != 0)
		return -1;
	digest_of(image->manifest.data, image->manifest.size, &image->manifest_digest);
	return 0;
}

void stack_image_free(struct stack_image *image)
{
	free(image->layers);
	bytes_free(&image->config);
	bytes_free(&image->manifest);
	*image = (struct stack_image){0};
}

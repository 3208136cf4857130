/* A stack's layers as an image: the two documents of the OCI image specification that say so
 * (manifest.md, config.md), the same bytes for the same stack. */
#ifndef PLYBOOT_STACK_IMAGE_H
#define PLYBOOT_STACK_IMAGE_H

#include "bytes.h"
#include "layer_stored.h"

struct stack_image_layer {
	struct digest digest, diff_id;
	enum media media;
	uint64_t size_bytes;
};

struct stack_image {
	size_t layer_count;
	struct stack_image_layer *layers; /* owned; bottom first */
	struct bytes config, manifest;
	struct digest config_digest, manifest_digest;
};

/* Room for the layers of `stack`, and `more` on top. ERROR_NOSPACE. */
int stack_image_open(
	const struct stack *stack, size_t more, struct stack_image *out, struct error *e);

/* Read the next layer of the stack, every byte of it checked, and enter it; `sink` as
 * layer_stored_read() has it. */
int stack_image_read(struct stack_image *image, struct layout *store,
	const struct layer_record *record, layer_sink *sink, void *context, struct error *e);

/* Enter a layer that is known. */
void stack_image_add(struct stack_image *image, const struct stack_image_layer *layer);

/* Is the layer entered already? */
const struct stack_image_layer *stack_image_find(
	const struct stack_image *image, const struct digest *digest);

/* Write config and manifest. Where the bottom layers are those of an image that index.json of the
 * store names, the config says all that this image's says, but for what its layers are. Errors of
 * reading those. */
int stack_image_finish(struct stack_image *image, struct layout *store, const struct stack *stack,
	struct error *e);

void stack_image_free(struct stack_image *image);
#define SCOPED_STACK_IMAGE __attribute__((cleanup(stack_image_free))) struct stack_image

#endif

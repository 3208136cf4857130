/* The config of a stack's image (config.md of the OCI image specification). */
#ifndef PLYBOOT_IMAGE_CONFIG_H
#define PLYBOOT_IMAGE_CONFIG_H

#include "stack_image.h"

/* Go's name for what uname(2) calls `machine`, as images have it; its own stays. */
const char *image_architecture(const char *machine);

/* As stack_image_finish() says it. */
int image_config_write(const struct stack_image *image, struct layout *store,
	const struct stack *stack, struct bytes *out, struct error *e);

#endif

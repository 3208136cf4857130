/* A layer of tar bytes that the command makes itself, in the store: as zstd, measured by the
 * engine. */
#ifndef PLYBOOT_MADE_LAYER_H
#define PLYBOOT_MADE_LAYER_H

#include "layout.h"
#include "../layers/stack.h"
#include "tarout.h"

/* Writes the whole tar to piecing_write() with `piecing`. */
typedef int made_layer_fill(void *context, void *piecing, struct error *e);

/* Fill it, give it its name in the store, and its record. What `fill` says is wrong, and errors of
 * piecing.h, piece_writer.h and measure_layer(). */
int made_layer_add(struct layout *layout, made_layer_fill *fill, void *context,
	enum user_xattrs user_xattrs, struct layer_record *out, struct error *e);

/* The same of a tar that `fd` has, plain or compressed, as unzip.h reads it. */
int made_layer_add_tar(struct layout *layout, int fd, enum user_xattrs user_xattrs,
	struct layer_record *out, struct error *e);

#endif

/* A layer of the store read through once, with everything checked that its record says of the
 * bytes. */
#ifndef PLYBOOT_LAYER_STORED_H
#define PLYBOOT_LAYER_STORED_H

#include "../layers/stack.h"
#include "layout.h"

/* Where stored bytes go: 0, or -1 with the error. */
typedef int layer_sink(void *context, const void *data, size_t size_bytes, struct error *e);

/*
 * Read the layer to its end: each piece is compared with its digest, the whole blob with the
 * record's. `sink`, unless it is NULL, gets the stored bytes, each piece when it has been checked.
 * `*diff_id` is the SHA-256 of the tar that they decode to (OCI image specification, config.md).
 * ERROR_DIGEST, and the errors of stream_open() and decoder_read().
 */
int layer_stored_read(struct layout *layout, const struct layer_record *record, layer_sink *sink,
	void *context, struct digest *diff_id, struct error *e);

#endif

/* Layers out of a store, by the engine itself: what is read has been verified piece by piece, and
 * whatever /init would refuse is refused with the same error. */
#ifndef PLYBOOT_LAYER_READ_H
#define PLYBOOT_LAYER_READ_H

#include "layer_index.h"
#include "layout.h"

/* What the layer of a record holds. `out` may have a most_bytes; free it with layer_index_free().
 * Every error of layer_unpack() and layer_index_finish(). */
int layer_read_index(struct layout *layout, const struct layer_record *record,
	struct layer_index *out, struct error *e);

/* The same, and of each file's contents the SHA-256: `(*contents)[entry->order]`, for the caller to
 * free. Of entries that are no files it is zero. */
int layer_read_contents(struct layout *layout, const struct layer_record *record,
	struct layer_index *out, struct digest **contents, struct error *e);

/* The contents of the file that came with event `order` (struct layer_entry) to standard output.
 * Reading ends with it. The same errors; ERROR_IO when it can't be written. */
int layer_read_content(
	struct layout *layout, const struct layer_record *record, uint32_t order, struct error *e);

#endif

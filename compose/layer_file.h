/* .layer files: the records of one layer or of several, bottom first, eight lines each and nothing
 * else. Nothing in them is believed: what lies in the store is held against them. */
#ifndef PLYBOOT_LAYER_FILE_H
#define PLYBOOT_LAYER_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "../layers/stack.h"

enum { LAYER_FILE_MOST_BYTES = LIMIT_LAYERS * LAYER_RECORD_TEXT_SIZE };

/* What they begin with, the first line of a record. */
#define LAYER_FILE_BEGINS "layer "

struct layer_file {
	size_t count;                 /* 1 .. LIMIT_LAYERS */
	struct layer_record *records; /* owned */
};

/* ERROR_FORMAT; ERROR_LIMIT: too many records. */
int layer_file_decode(
	const uint8_t *bytes, size_t size_bytes, struct layer_file *out, struct error *e);

/* The same of a file, and those of input_read_file(). */
int layer_file_read(const char *path, struct layer_file *out, struct error *e);

void layer_file_free(struct layer_file *file);

#endif

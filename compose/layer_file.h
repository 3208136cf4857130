/* .layer files: the records of one layer or of several, the bottom one first. */
#ifndef PLYBOOT_LAYER_FILE_H
#define PLYBOOT_LAYER_FILE_H

#include "../layers/stack.h"

/* All records of the text of such a file, 1 .. LIMIT_LAYERS. Caller frees. ERROR_FORMAT,
 * ERROR_LIMIT, ERROR_NOSPACE. */
int layer_file_decode(const uint8_t *bytes, size_t size_bytes, struct layer_record **records,
	size_t *count, struct error *e);

/* The same of a file. ERROR_MISSING, ERROR_IO. */
int layer_file_read(
	const char *path, struct layer_record **records, size_t *count, struct error *e);

#endif

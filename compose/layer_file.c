#include "layer_file.h"

#include <stdlib.h>
#include <string.h>

#include "../layers/scope.h"
#include "output.h"

enum { RECORD_LINES = 8 };

/* Of the first record's text: where its lines end, or the file. */
static size_t record_length(const uint8_t *bytes, size_t size_bytes)
{
	size_t length = 0;
	for (int line = 0; line < RECORD_LINES && length < size_bytes; line++) {
		const uint8_t *end = memchr(bytes + length, '\n', size_bytes - length);
		length = end == NULL ? size_bytes : (size_t)(end - bytes) + 1;
	}
	return length;
}

static int add_record(struct layer_file *file, const uint8_t *bytes, size_t length, struct error *e)
{
	struct verified *text;
	if (file->count == LIMIT_LAYERS)
		return error_set(e, ERROR_LIMIT, 0, "more than %u layers", LIMIT_LAYERS);
	if (verified_trust(bytes, length, &text, e) != 0)
		return -1;
	int result = layer_record_decode(text, &file->records[file->count], e);
	verified_free(text);
	if (result == 0)
		file->count++;
	else if (file->count > 0)
		(void)error_wrap(e, "layer %zu", file->count + 1);
	return result;
}

int layer_file_decode(
	const uint8_t *bytes, size_t size_bytes, struct layer_file *out, struct error *e)
{
	struct layer_file file = {.records = calloc(LIMIT_LAYERS, sizeof *file.records)};
	int result = file.records == NULL ? error_set(e, ERROR_NOSPACE, 0, "no memory") : 0;
	size_t at = 0;
	do { /* an empty file is a bad record */
		size_t length = record_length(bytes + at, size_bytes - at);
		if (result == 0)
			result = add_record(&file, bytes + at, length, e);
		at += length;
	} while (result == 0 && at < size_bytes);
	if (result == 0)
		*out = file;
	else
		layer_file_free(&file);
	return result;
}

int layer_file_read(const char *path, struct layer_file *out, struct error *e)
{
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size_bytes;
	if (input_read_file(path, LAYER_FILE_MOST_BYTES, &bytes, &size_bytes, e) != 0)
		return -1;
	return layer_file_decode(bytes, size_bytes, out, e) == 0
		       ? 0
		       : error_wrap(e, "`%s` is no .layer file", path);
}

void layer_file_free(struct layer_file *file)
{
	free(file->records);
	*file = (struct layer_file){0};
}

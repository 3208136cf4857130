#include "layer_file.h"

#include <string.h>

#include "../layers/scope.h"
#include "output.h"

/* How far the first record goes: up to where the next one begins. */
static size_t record_length(const uint8_t *bytes, size_t size_bytes)
{
	const uint8_t *next =
		size_bytes < 2 ? NULL : memmem(bytes + 1, size_bytes - 1, "\nlayer ", 7);
	return next == NULL ? size_bytes : (size_t)(next + 1 - bytes);
}

static int decode_one(
	const uint8_t *bytes, size_t size_bytes, struct layer_record *out, struct error *e)
{
	struct verified *text;
	if (verified_trust(bytes, size_bytes, &text, e) != 0)
		return -1;
	int result = layer_record_decode(text, out, e);
	verified_free(text);
	return result;
}

int layer_file_decode(const uint8_t *bytes, size_t size_bytes, struct layer_record **records,
	size_t *count, struct error *e)
{
	SCOPED_FREE struct layer_record *read = NULL;
	size_t filled = 0;
	do {
		size_t length = record_length(bytes, size_bytes);
		if (filled == LIMIT_LAYERS)
			return error_set(e, ERROR_LIMIT, 0, "more than %u layers", LIMIT_LAYERS);
		struct layer_record *more = realloc(read, (filled + 1) * sizeof *read);
		if (more == NULL)
			return error_set(e, ERROR_NOSPACE, 0, "no memory");
		read = more;
		if (decode_one(bytes, length, &read[filled], e) != 0)
			return -1;
		filled++;
		bytes += length;
		size_bytes -= length;
	} while (size_bytes > 0);
	*records = SCOPE_TAKE(read);
	*count = filled;
	return 0;
}

int layer_file_read(const char *path, struct layer_record **records, size_t *count, struct error *e)
{
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size_bytes;
	if (input_read_file(path, (size_t)LIMIT_LAYERS * LAYER_RECORD_TEXT_SIZE, &bytes,
		    &size_bytes, e) != 0)
		return -1;
	if (layer_file_decode(bytes, size_bytes, records, count, e) != 0)
		return error_wrap(e, "`%s` is no .layer file", path);
	return 0;
}

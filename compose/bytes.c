#include "bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../layers/scope.h"

int bytes_add(struct bytes *bytes, const void *data, size_t size_bytes, struct error *e)
{
	if (size_bytes > bytes->capacity - bytes->size) {
		size_t capacity = (bytes->size + size_bytes) * 2 + 64;
		uint8_t *larger = realloc(bytes->data, capacity);
		if (larger == NULL)
			return error_set(e, ERROR_NOSPACE, 0, "no memory for %zu bytes", capacity);
		bytes->data = larger;
		bytes->capacity = capacity;
	}
	if (size_bytes > 0)
		memcpy(bytes->data + bytes->size, data, size_bytes);
	bytes->size += size_bytes;
	return 0;
}

int bytes_print(struct bytes *bytes, struct error *e, const char *format, ...)
{
	SCOPED_FREE char *text = NULL;
	va_list args;
	va_start(args, format);
	int length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0) {
		text = NULL;
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	}
	return bytes_add(bytes, text, (size_t)length, e);
}

void bytes_free(struct bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct bytes){0};
}

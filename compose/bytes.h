/* A growing buffer, for texts and archives that are made in memory. */
#ifndef PLYBOOT_BYTES_H
#define PLYBOOT_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "../layers/error.h"

struct bytes {
	uint8_t *data; /* owned */
	size_t size, capacity;
};

/* ERROR_NOSPACE. */
int bytes_add(struct bytes *bytes, const void *data, size_t size_bytes, struct error *e);
int bytes_print(struct bytes *bytes, struct error *e, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

void bytes_free(struct bytes *bytes);
#define SCOPED_BYTES __attribute__((cleanup(bytes_free))) struct bytes

#endif

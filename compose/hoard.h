/* Bytes that stay where they are until all of them go: names and values of an index. */
#ifndef PLYBOOT_HOARD_H
#define PLYBOOT_HOARD_H

#include <stddef.h>

#include "../layers/error.h"

struct hoard_chunk;

/* All zero is empty. */
struct hoard {
	struct hoard_chunk *chunks;
	size_t bytes; /* of memory that it takes */
};

/* Room for `size` bytes, aligned for any type; `hoard_text`: a copy with a NUL behind it. NULL when
 * there is no memory. */
void *hoard_room(struct hoard *hoard, size_t size);
char *hoard_text(struct hoard *hoard, const char *text);

void hoard_free(struct hoard *hoard);

#endif

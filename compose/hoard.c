#include "hoard.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct hoard_chunk {
	struct hoard_chunk *next;
	size_t used, size;
	alignas(max_align_t) uint8_t bytes[];
};

enum { CHUNK_BYTES = 256 * 1024 };

/* The first chunk is the one that is being filled. */
static void *take(struct hoard *hoard, size_t size, size_t align)
{
	struct hoard_chunk *chunk = hoard->chunks;
	size_t at = chunk == NULL ? 0 : (chunk->used + align - 1) / align * align;
	if (chunk == NULL || at > chunk->size || size > chunk->size - at) {
		size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;
		chunk = malloc(sizeof *chunk + room);
		if (chunk == NULL)
			return NULL;
		*chunk = (struct hoard_chunk){.next = hoard->chunks, .size = room};
		hoard->chunks = chunk;
		hoard->bytes += sizeof *chunk + room;
		at = 0;
	}
	chunk->used = at + size;
	return chunk->bytes + at;
}

void *hoard_room(struct hoard *hoard, size_t size)
{
	return take(hoard, size, alignof(max_align_t));
}

char *hoard_text(struct hoard *hoard, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = take(hoard, size, 1);
	return copy == NULL ? NULL : memcpy(copy, text, size);
}

void hoard_free(struct hoard *hoard)
{
	for (struct hoard_chunk *chunk = hoard->chunks; chunk != NULL;) {
		struct hoard_chunk *next = chunk->next;
		free(chunk);
		chunk = next;
	}
	*hoard = (struct hoard){0};
}

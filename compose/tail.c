#include "tail.h"

#include <string.h>

void tail_add(struct tail *tail, const void *bytes, size_t length)
{
	const char *from = bytes;
	if (length > TAIL_BYTES) {
		from += length - TAIL_BYTES;
		tail->total_bytes += length - TAIL_BYTES;
		length = TAIL_BYTES;
	}
	size_t at = (size_t)(tail->total_bytes % TAIL_BYTES);
	size_t first = length < TAIL_BYTES - at ? length : TAIL_BYTES - at;
	memcpy(tail->ring + at, from, first);
	memcpy(tail->ring, from + first, length - first);
	tail->total_bytes += length;
}

size_t tail_copy(const struct tail *tail, char out[TAIL_BYTES])
{
	size_t at = (size_t)(tail->total_bytes % TAIL_BYTES);
	if (tail->total_bytes <= TAIL_BYTES) {
		memcpy(out, tail->ring, (size_t)tail->total_bytes);
		return (size_t)tail->total_bytes;
	}
	memcpy(out, tail->ring + at, TAIL_BYTES - at);
	memcpy(out + TAIL_BYTES - at, tail->ring, at);
	return TAIL_BYTES;
}

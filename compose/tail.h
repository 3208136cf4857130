/* The last of a stream, however long it is: what a case of `plyboot run` and its guest said. */
#ifndef PLYBOOT_TAIL_H
#define PLYBOOT_TAIL_H

#include <stddef.h>
#include <stdint.h>

enum { TAIL_BYTES = 65536 };

/* All zero is empty. Without pointers, so that it can lie in memory that processes share. */
struct tail {
	uint64_t total_bytes; /* of the stream */
	char ring[TAIL_BYTES];
};

void tail_add(struct tail *tail, const void *bytes, size_t length);

/* Copy what is there, oldest first; returns its length. The stream had total_bytes less that length
 * before it. */
size_t tail_copy(const struct tail *tail, char out[TAIL_BYTES]);

#endif

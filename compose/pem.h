/* The first object of a PEM file (RFC 7468) that somebody wants. */
#ifndef PLYBOOT_PEM_H
#define PLYBOOT_PEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PEM_MAX_BYTES = 4096 };

struct pem_object {
	char name[64]; /* "PRIVATE KEY" */
	uint8_t der[PEM_MAX_BYTES];
	size_t size_bytes;
	bool too_large;
};

/* Find the first object whose name `wanted` accepts. False when there is none or it is damaged. The
 * caller wipes what was secret. */
bool pem_find(const uint8_t *text, size_t size_bytes, bool (*wanted)(const char *name),
	struct pem_object *out);

#endif

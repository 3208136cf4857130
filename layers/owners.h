/*
 * `made-for` beside an upper: whose it is, and whose it was. One line a stack, the owner first,
 * then earlier ones, the latest first:
 *
 *     NAME VERSION sha256:HEX        of the stack's signed text
 *
 * It lies on the state partition: whoever can write there can write anything into it. Nothing is
 * trusted because of it; it decides which directory is written to, and what is said.
 */
#ifndef PLYBOOT_OWNERS_H
#define PLYBOOT_OWNERS_H

#include <stdbool.h>

#include "stack.h"

enum {
	OWNERS_MOST = 8,
	OWNERS_LINE_SIZE = STACK_NAME_SIZE + 20 + DIGEST_TEXT_SIZE + 2,
	OWNERS_TEXT_SIZE = OWNERS_MOST * OWNERS_LINE_SIZE
};

struct owner {
	char name[STACK_NAME_SIZE];
	uint64_t version;
	struct digest text;
};

struct owners {
	size_t count;
	struct owner list[OWNERS_MOST];
};

/* ERROR_FORMAT for anything that owners_encode() would not have written; then `out` is empty. */
int owners_decode(const char *text, size_t size_bytes, struct owners *out, struct error *e);
size_t owners_encode(const struct owners *owners, char out[OWNERS_TEXT_SIZE]);

/* It becomes the first; where it stood before it stands no more, and a ninth is forgotten. */
void owners_put_first(struct owners *owners, const struct owner *owner);

/* Is it the first of them? By its signed text. */
bool owners_is(const struct owners *owners, const struct digest *text);

#endif

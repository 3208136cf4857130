#include "verified_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const uint8_t *verified_data(const struct verified *verified)
{
	return verified->data;
}

size_t verified_size(const struct verified *verified)
{
	return verified->size_bytes;
}

void verified_free(struct verified *verified)
{
	if (verified == NULL)
		return;
	free(verified->data);
	free(verified);
}

static struct verified *copy_of(const void *data, size_t size_bytes)
{
	struct verified *copy = malloc(sizeof *copy);
	if (copy == NULL)
		return NULL;
	copy->data = malloc(size_bytes != 0 ? size_bytes : 1);
	if (copy->data == NULL) {
		free(copy);
		return NULL;
	}
	if (size_bytes != 0)
		memcpy(copy->data, data, size_bytes);
	copy->size_bytes = size_bytes;
	return copy;
}

int verified_by_digest(const void *data, size_t size_bytes, const struct digest *expected,
	struct verified **out, struct error *e)
{
	struct verified *copy = copy_of(data, size_bytes);
	if (copy == NULL)
		return error_errno(e, ENOMEM, "memory for %zu bytes", size_bytes);

	/* The copy is hashed, not `data`, which might change under our hands. */
	struct digest found;
	digest_of(copy->data, copy->size_bytes, &found);
	if (!digest_equal(&found, expected)) {
		verified_free(copy);
		char is[DIGEST_TEXT_SIZE], wanted[DIGEST_TEXT_SIZE];
		digest_format(&found, is);
		digest_format(expected, wanted);
		return error_set(
			e, ERROR_DIGEST, 0, "the bytes have digest %s, not %s", is, wanted);
	}
	*out = copy;
	return 0;
}

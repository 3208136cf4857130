/* The envelope: splitting never reads outside; nothing verifies, for no key is trusted. */
#include <stdlib.h>

#include "signed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct signature_line lines[LIMIT_SIGNATURES];
	size_t text_size, count;
	struct error e;
	if (signed_split(data, size, &text_size, lines, &count, &e) == 0 &&
		(text_size > size || count > LIMIT_SIGNATURES))
		abort();
	const struct signature_policy nobody = {.needed = 1};
	struct verified *text = NULL;
	struct signed_by who;
	if (signed_verify(data, size, &nobody, &text, &who, &e) == 0 || text != NULL)
		abort();
	return 0;
}

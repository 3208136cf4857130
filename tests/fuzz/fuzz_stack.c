/* The stack file's text: what is accepted must encode to the very same bytes. */
#include <stdlib.h>
#include <string.h>

#include "stack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct verified *text = NULL;
	struct stack stack;
	struct error e;
	if (verified_trust(data, size, &text, &e) != 0)
		return 0;
	if (stack_decode(text, &stack, &e) == 0) {
		char *again = NULL;
		size_t again_size = 0;
		if (stack_encode(&stack, &again, &again_size, &e) != 0 || again_size != size ||
			memcmp(again, data, size) != 0)
			abort();
		free(again);
		stack_free(&stack);
	}
	verified_free(text);
	return 0;
}

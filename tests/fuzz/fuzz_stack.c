/* The stack file's text, and a layer's record alone: what is accepted must encode to the very same
 * bytes. */
#include <string.h>

#include "must.h"
#include "stack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_stack(const struct stack *stack, const uint8_t *data, size_t size)
{
	char *again = NULL;
	size_t again_size = 0;
	struct error e = {0};
	must(stack_encode(stack, &again, &again_size, &e) == 0 && again_size == size &&
		memcmp(again, data, size) == 0);
	free(again);
	must(stack->layer_count >= 1 && stack->layer_count <= LIMIT_LAYERS &&
		stack->persist_count <= LIMIT_PERSIST_PATHS && stack->floor <= stack->version);
	char name[STACK_FILE_NAME_SIZE];
	stack_file_name(stack, name);
	must(strchr(name, '/') == NULL && stack_check_file_name(stack, name, &e) == 0);
	must(stack_check_target(stack, stack->architecture, stack->kernel, &e) == 0);
}

static void check_record(const struct verified *text)
{
	struct layer_record record;
	struct digest id;
	struct error e = {0};
	char again[LAYER_RECORD_TEXT_SIZE];
	size_t again_size = 0;
	if (layer_record_decode(text, &record, &e) != 0)
		must(e.code == ERROR_FORMAT || e.code == ERROR_LIMIT);
	else
		must(layer_record_encode(&record, again, &again_size, &e) == 0 &&
			again_size == verified_size(text) &&
			memcmp(again, verified_data(text), again_size) == 0 &&
			layer_record_id(&record, &id, &e) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct verified *text = NULL;
	struct stack stack;
	struct error e = {0};
	must(verified_trust(data, size, &text, &e) == 0);
	if (stack_decode(text, &stack, &e) == 0) {
		check_stack(&stack, data, size);
		stack_free(&stack);
	} else {
		must(e.code == ERROR_FORMAT || e.code == ERROR_LIMIT);
	}
	check_record(text);
	verified_free(text);
	return 0;
}

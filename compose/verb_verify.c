/* plyboot verify: what /init would say of stacks, without booting. */
#include <stdio.h>
#include <string.h>

#include "../layers/scope.h"
#include "../layers/signed.h"
#include "interrupt.h"
#include "keys.h"
#include "measure.h"
#include "report.h"
#include "stack_name.h"
#include "verbs.h"

struct verify_options {
	const char *store;
	struct text_list pub;
	uint64_t signatures;
};

#define FIELD(name_) .offset = offsetof(struct verify_options, name_)
static const struct option_spec options[] = {
	{.name = "--pub",
		.kind = OPTION_LIST,
		FIELD(pub),
		.value = "KEY.pub",
		.help = "a trusted key",
		.required = true},
	{.name = "--store",
		.kind = OPTION_TEXT,
		FIELD(store),
		.value = "DIR",
		.help = "where the stacks and blobs are; default: $PLYBOOT_STORE, else ./store"},
	{.name = "--signatures",
		.kind = OPTION_NUMBER,
		FIELD(signatures),
		.value = "N",
		.help = "how many trusted keys must have signed",
		.fallback = "1",
		.min = 1,
		.max = LIMIT_SIGNATURES},
	{0},
};
#undef FIELD

struct verifier {
	struct layout layout;
	struct public_key keys[LIMIT_KEYS];
	struct signature_policy policy;
	int status; /* the worst so far */
};

/* --- one stack */

static void print_layer(size_t number, const struct layer_record *record, const char *how)
{
	char digest[DIGEST_TEXT_SIZE];
	digest_format(&record->digest, digest);
	printf("  layer %zu %s: %llu bytes stored, %llu unpacked, %llu entries: %s\n", number,
		digest, (unsigned long long)record->stored_bytes,
		(unsigned long long)record->unpacked_bytes, (unsigned long long)record->entries,
		how);
}

static int check_layers(struct verifier *self, const struct stack *stack, struct error *e)
{
	for (size_t i = 0; i < stack->layer_count; i++) {
		if (measure_check(&self->layout, &stack->layers[i], e) != 0) {
			print_layer(i + 1, &stack->layers[i], error_code_name(e->code));
			return error_wrap(e, "layer %zu", i + 1);
		}
		print_layer(i + 1, &stack->layers[i], "ok");
	}
	return 0;
}

static void print_stack(const struct stack *stack, const struct signed_by *who)
{
	printf("%s version %llu, floor %llu, %s%s%s\n", stack->name,
		(unsigned long long)stack->version, (unsigned long long)stack->floor,
		stack->architecture, stack->kernel[0] != '\0' ? ", kernel " : "", stack->kernel);
	for (size_t i = 0; i < who->count; i++) {
		char id[DIGEST_TEXT_SIZE];
		digest_format(&who->key_ids[i], id);
		printf("  signed by %s\n", id);
	}
}

/* As /init does it: the signature before anything is parsed. `file_name` is NULL outside the store.
 */
static int check_bytes(struct verifier *self, const uint8_t *bytes, size_t size_bytes,
	const char *file_name, struct error *e)
{
	struct verified *text;
	struct signed_by who;
	struct stack stack;
	if (signed_verify(bytes, size_bytes, &self->policy, &text, &who, e) != 0)
		return -1;
	int result = stack_decode(text, &stack, e);
	verified_free(text);
	if (result != 0)
		return -1;
	print_stack(&stack, &who);
	if (file_name != NULL && stack_check_file_name(&stack, file_name, e) != 0)
		result = -1;
	if (result == 0)
		result = check_layers(self, &stack, e);
	stack_free(&stack);
	return result;
}

/* Its error is reported here: the next stack may be fine. */
static int conclude(struct verifier *self, const char *name, int result, struct error *e)
{
	if (result == 0) {
		printf("%s: ok\n", name);
		return 0;
	}
	if (interrupt_check(NULL) != 0)
		return -1;
	/* A blob that is not there is a stack that doesn't boot, and no fault of this machine. */
	int status = e->code == ERROR_MISSING ? STATUS_REFUSED : report_status(e->code);
	if (status > self->status)
		self->status = status;
	(void)error_wrap(e, "%s", name);
	report_error(e);
	return 0;
}

static int check_in_store(struct verifier *self, const char *file_name, struct error *e)
{
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size_bytes;
	int result = self->layout.source->ops->read_stack(
		self->layout.source, file_name, &bytes, &size_bytes, e);
	if (result == 0)
		result = check_bytes(self, bytes, size_bytes, file_name, e);
	return conclude(self, file_name, result, e);
}

static int check_file(struct verifier *self, const char *path, struct error *e)
{
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size_bytes;
	if (input_read_file(path, LIMIT_STACK_FILE_BYTES, &bytes, &size_bytes, e) != 0)
		return -1; /* wrongly called, rather than refused */
	return conclude(self, path, check_bytes(self, bytes, size_bytes, NULL, e), e);
}

/* --- which */

static int check_named(struct verifier *self, const char *name, struct error *e)
{
	char file_name[STACK_FILE_NAME_SIZE];
	if (stack_name_is_path(name))
		return check_file(self, name, e);
	if (stack_name_file(name, file_name, e) != 0)
		return -1;
	return check_in_store(self, file_name, e);
}

static int check_all(struct verifier *self, struct error *e)
{
	struct layout_stacks stacks;
	if (layout_list_stacks(&self->layout, &stacks, e) != 0)
		return -1;
	int result = 0;
	for (size_t i = 0; i < stacks.count && result == 0; i++)
		result = check_in_store(self, stacks.names[i], e);
	layout_stacks_free(&stacks);
	return result;
}

static int check_operands(struct verifier *self, const struct text_list *operands, struct error *e)
{
	if (operands->count == 0 ||
		(operands->count == 1 && strcmp(operands->items[0], "all") == 0))
		return check_all(self, e);
	for (size_t i = 0; i < operands->count; i++) {
		if (check_named(self, operands->items[i], e) != 0)
			return -1;
	}
	return 0;
}

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	const struct verify_options *given = opaque;
	struct verifier self = {.layout = LAYOUT_INIT};
	if (public_keys_read(&given->pub, self.keys, e) != 0)
		return -1;
	self.policy = (struct signature_policy){.keys = self.keys,
		.key_count = given->pub.count,
		.needed = (unsigned)given->signatures};
	if (layout_open(layout_path(given->store), false, &self.layout, e) != 0)
		return -1;
	int result = check_operands(&self, operands, e);
	layout_close(&self.layout);
	return result == 0 ? self.status : -1;
}

const struct verb verb_verify = {
	.name = "verify",
	.summary = "what /init would say of stacks, without booting",
	.operands = "[STACK... | all]",
	.operands_max = OPERANDS_ANY,
	.options = options,
	.options_bytes = sizeof(struct verify_options),
	.run = run,
	.text = "STACK is a stack file (a name with a slash or .stack at its end) or NAME-VERSION "
		"in the store; without one, or with `all`, every stack in the store is checked: "
		"signatures, the stack file, and of each layer the digest of the whole blob, the "
		"piece table, every piece, and the tar, by the code that /init runs. It takes no "
		"privileges.\n\n"
		"What this can't know: the device's floor and tries, its architecture, kernel and "
		"memory.\n",
	.examples = "Every stack of the store, and one that two keys must have signed:\n"
		    "  plyboot verify --pub mine.pub\n"
		    "  plyboot verify --pub mine.pub --pub yours.pub --signatures 2 demo-1\n",
};

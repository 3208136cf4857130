#include "scope.h"
#include "stack_private.h"

#include <stdlib.h>
#include <string.h>

struct output {
	char *text; /* owned, NUL-terminated */
	size_t size_bytes, capacity;
};

static int put(struct output *output, const char *text, struct error *e)
{
	size_t length = strlen(text), needed = output->size_bytes + length + 1;
	if (needed > output->capacity) {
		size_t capacity = needed * 2;
		char *grown = realloc(output->text, capacity);
		if (grown == NULL)
			return error_errno(e, ENOMEM, "memory for %zu bytes", capacity);
		output->text = grown;
		output->capacity = capacity;
	}
	memcpy(output->text + output->size_bytes, text, length + 1);
	output->size_bytes += length;
	return 0;
}

static int put_line(struct output *output, const char *key, const char *value, struct error *e)
{
	const char *const parts[] = {key, *value != '\0' ? " " : "", value, "\n"};
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		if (put(output, parts[i], e) != 0)
			return -1;
	}
	return 0;
}

/* What decode() would refuse is not written. */
static int put_field(
	struct output *output, const struct field *field, const void *value, struct error *e)
{
	char text[FIELD_VALUE_SIZE];
	field->type->format(field, value, text);
	if (field->optional && text[0] == '\0')
		return 0;
	_Alignas(uint64_t) char unused[FIELD_VALUE_SIZE];
	if (field->type->decode(field, text, strlen(text), unused, e) != 0)
		return error_wrap(e, "%s", field->key);
	return put_line(output, field->key, text, e);
}

static int put_fields(struct output *output, const struct field *fields, size_t count,
	const void *values, struct error *e)
{
	for (size_t i = 0; i < count; i++) {
		if (put_field(output, &fields[i], (const char *)values + fields[i].offset, e) != 0)
			return -1;
	}
	return 0;
}

static int put_layers(struct output *output, const struct stack *stack, struct error *e)
{
	if (stack_check_layer_count(stack, e) != 0)
		return -1;
	for (size_t i = 0; i < stack->layer_count; i++) {
		if (put_fields(output, stack_layer, LAYER_FIELDS, &stack->layers[i], e) != 0)
			return error_wrap(e, "layer %zu of %zu", i + 1, stack->layer_count);
	}
	return 0;
}

static int put_persist(struct output *output, const struct stack *stack, struct error *e)
{
	for (size_t i = 0; i < stack->persist_count; i++) {
		if (put_field(output, &stack_persist, &stack->persist[i], e) != 0)
			return -1;
		if (stack_check_persist(stack, i, e) != 0)
			return error_wrap(e, "%s", stack_persist.key);
	}
	return 0;
}

int stack_encode(const struct stack *stack, char **text, size_t *size_bytes, struct error *e)
{
	struct output output = {.text = NULL};
	if (stack_check_floor(stack, e) != 0 || stack_check_upper(stack, e) != 0 ||
		put_line(&output, STACK_FIRST_LINE, "", e) != 0 ||
		put_fields(&output, stack_head, HEAD_FIELDS, stack, e) != 0 ||
		put_layers(&output, stack, e) != 0 ||
		put_fields(&output, &stack_upper, 1, stack, e) != 0 ||
		put_fields(&output, stack_upper_options, UPPER_OPTIONS, stack, e) != 0 ||
		put_persist(&output, stack, e) != 0 ||
		put_fields(&output, stack_tail, TAIL_FIELDS, stack, e) != 0 ||
		put_line(&output, STACK_LAST_LINE, "", e) != 0) {
		free(output.text);
		return -1;
	}
	*text = output.text;
	*size_bytes = output.size_bytes;
	return 0;
}

int layer_record_encode(const struct layer_record *record, char out[LAYER_RECORD_TEXT_SIZE],
	size_t *size_bytes, struct error *e)
{
	struct output output = {.text = NULL};
	int result = put_fields(&output, stack_layer, LAYER_FIELDS, record, e);
	/* The longest record has 315 bytes: two digests, and the numbers that ceilings.h allows. */
	if (result == 0) {
		memcpy(out, output.text, output.size_bytes + 1);
		*size_bytes = output.size_bytes;
	}
	free(output.text);
	return result;
}

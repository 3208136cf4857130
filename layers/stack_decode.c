#include "scope.h"
#include "stack_private.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

struct reader {
	const char *text; /* has passed text_check(): each line ends in a line feed */
	size_t size_bytes, at;
	unsigned line; /* number of the line at `at`, from 1 */
};

struct line {
	const char *text;
	size_t length;
};

enum { SHOWN_LENGTH = 40 }; /* of a line in a message */

static bool reader_at_end(const struct reader *reader)
{
	return reader->at == reader->size_bytes;
}

static struct line reader_peek(const struct reader *reader)
{
	const char *start = reader->text + reader->at;
	const char *end = memchr(start, '\n', reader->size_bytes - reader->at);
	return (struct line){start, end != NULL ? (size_t)(end - start) : 0};
}

static void reader_skip(struct reader *reader, const struct line *line)
{
	reader->at += line->length + 1;
	reader->line++;
}

/* Is the next line "<key> <value>"? */
static bool reader_has(const struct reader *reader, const char *key)
{
	struct line line = reader_peek(reader);
	size_t length = strlen(key);
	return line.length > length && memcmp(line.text, key, length) == 0 &&
	       line.text[length] == ' ';
}

static int refuse_line(const struct reader *reader, const char *wanted, struct error *e)
{
	if (reader_at_end(reader))
		return error_set(e, ERROR_FORMAT, 0, "line %u: the text ends where `%s` must stand",
			reader->line, wanted);
	struct line line = reader_peek(reader);
	int shown = line.length < SHOWN_LENGTH ? (int)line.length : SHOWN_LENGTH;
	return error_set(e, ERROR_FORMAT, 0, "line %u: `%s` must stand here, not `%.*s`",
		reader->line, wanted, shown, line.text);
}

static int read_literal(struct reader *reader, const char *literal, struct error *e)
{
	struct line line = reader_peek(reader);
	if (line.length != strlen(literal) || memcmp(line.text, literal, line.length) != 0)
		return refuse_line(reader, literal, e);
	reader_skip(reader, &line);
	return 0;
}

static int read_field(struct reader *reader, const struct field *field, void *out, struct error *e)
{
	if (!reader_has(reader, field->key))
		return refuse_line(reader, field->key, e);
	struct line line = reader_peek(reader);
	size_t key_length = strlen(field->key) + 1;
	if (field->type->decode(field, line.text + key_length, line.length - key_length, out, e) !=
		0)
		return error_wrap(e, "line %u, %s", reader->line, field->key);
	reader_skip(reader, &line);
	return 0;
}

static int read_fields(
	struct reader *reader, const struct field *fields, size_t count, void *out, struct error *e)
{
	for (size_t i = 0; i < count; i++) {
		if (fields[i].optional && !reader_has(reader, fields[i].key))
			continue;
		if (read_field(reader, &fields[i], (char *)out + fields[i].offset, e) != 0)
			return -1;
	}
	return 0;
}

static int read_head(struct reader *reader, struct stack *stack, struct error *e)
{
	if (read_literal(reader, STACK_FIRST_LINE, e) != 0 ||
		read_fields(reader, stack_head, HEAD_FIELDS, stack, e) != 0)
		return -1;
	if (stack_check_floor(stack, e) != 0)
		return error_wrap(e, "line 4"); /* the floor's, always */
	return 0;
}

static int grow_layers(struct stack *stack, size_t *capacity, struct error *e)
{
	if (stack->layer_count < *capacity)
		return 0;
	size_t wanted = *capacity * 2 + 8;
	struct layer_record *grown = reallocarray(stack->layers, wanted, sizeof *grown);
	if (grown == NULL)
		return error_errno(e, ENOMEM, "memory for %zu layers", wanted);
	stack->layers = grown;
	*capacity = wanted;
	return 0;
}

static int read_layers(struct reader *reader, struct stack *stack, struct error *e)
{
	size_t capacity = 0;
	while (reader_has(reader, stack_layer[0].key)) {
		if (stack->layer_count == LIMIT_LAYERS)
			return error_set(e, ERROR_LIMIT, 0, "line %u, layer: more than %u layers",
				reader->line, LIMIT_LAYERS);
		if (grow_layers(stack, &capacity, e) != 0)
			return -1;
		struct layer_record *layer = &stack->layers[stack->layer_count];
		if (read_fields(reader, stack_layer, LAYER_FIELDS, layer, e) != 0)
			return -1;
		stack->layer_count++;
	}
	if (stack->layer_count > 0)
		return 0;
	if (!reader_has(reader, stack_upper.key))
		return refuse_line(reader, stack_layer[0].key, e);
	(void)stack_check_layer_count(stack, e);
	return error_wrap(e, "line %u", reader->line);
}

static int read_upper(struct reader *reader, struct stack *stack, struct error *e)
{
	if (read_fields(reader, &stack_upper, 1, stack, e) != 0 ||
		read_fields(reader, stack_upper_options, UPPER_OPTIONS, stack, e) != 0)
		return -1;
	if (stack_check_upper(stack, e) != 0)
		return error_wrap(e, "line %u", reader->line - 1);
	return 0;
}

static int read_persist(struct reader *reader, struct stack *stack, struct error *e)
{
	while (reader_has(reader, stack_persist.key)) {
		unsigned line = reader->line;
		size_t index = stack->persist_count;
		if (stack->persist == NULL)
			stack->persist = calloc(LIMIT_PERSIST_PATHS + 1, sizeof *stack->persist);
		if (stack->persist == NULL)
			return error_errno(e, ENOMEM, "memory for persistent paths");
		if (read_field(reader, &stack_persist, &stack->persist[index], e) != 0)
			return -1;
		stack->persist_count++;
		if (stack_check_persist(stack, index, e) != 0)
			return error_wrap(e, "line %u, %s", line, stack_persist.key);
	}
	return 0;
}

static int read_end(const struct reader *reader, struct error *e)
{
	if (reader_at_end(reader))
		return 0;
	return error_set(e, ERROR_FORMAT, 0, "line %u: nothing may stand behind line %u",
		reader->line, reader->line - 1);
}

static int reader_open(struct reader *reader, const struct verified *text, struct error *e)
{
	const uint8_t *bytes = verified_data(text);
	size_t size_bytes = verified_size(text);
	*reader = (struct reader){.text = (const char *)bytes, .size_bytes = size_bytes, .line = 1};
	return text_check(bytes, size_bytes, e);
}

/* The rules above should leave one way to write anything; this holds it. */
static int check_canonical(
	const struct reader *reader, const char *text, size_t size_bytes, struct error *e)
{
	if (size_bytes == reader->size_bytes && memcmp(text, reader->text, size_bytes) == 0)
		return 0;
	return error_set(e, ERROR_FORMAT, 0, "the text is not in its canonical form");
}

static int read_stack(struct reader *reader, struct stack *stack, struct error *e)
{
	if (read_head(reader, stack, e) != 0 || read_layers(reader, stack, e) != 0 ||
		read_upper(reader, stack, e) != 0 || read_persist(reader, stack, e) != 0 ||
		read_fields(reader, stack_tail, TAIL_FIELDS, stack, e) != 0 ||
		read_literal(reader, STACK_LAST_LINE, e) != 0 || read_end(reader, e) != 0)
		return -1;

	SCOPED_FREE char *again = NULL;
	size_t size_bytes;
	if (stack_encode(stack, &again, &size_bytes, e) != 0)
		return -1;
	return check_canonical(reader, again, size_bytes, e);
}

int stack_decode(const struct verified *text, struct stack *out, struct error *e)
{
	if (verified_size(text) > LIMIT_STACK_FILE_BYTES)
		return error_set(e, ERROR_LIMIT, 0,
			"a stack file of %zu bytes, at most %u are allowed", verified_size(text),
			LIMIT_STACK_FILE_BYTES);
	struct reader reader;
	if (reader_open(&reader, text, e) != 0)
		return -1;
	struct stack stack = {.layers = NULL};
	if (read_stack(&reader, &stack, e) != 0) {
		stack_free(&stack);
		return -1;
	}
	*out = stack;
	return 0;
}

int layer_record_decode(const struct verified *text, struct layer_record *out, struct error *e)
{
	struct reader reader;
	struct layer_record record = {.entries = 0};
	char again[LAYER_RECORD_TEXT_SIZE];
	size_t size_bytes;
	if (reader_open(&reader, text, e) != 0 ||
		read_fields(&reader, stack_layer, LAYER_FIELDS, &record, e) != 0 ||
		read_end(&reader, e) != 0 ||
		layer_record_encode(&record, again, &size_bytes, e) != 0 ||
		check_canonical(&reader, again, size_bytes, e) != 0)
		return -1;
	*out = record;
	return 0;
}

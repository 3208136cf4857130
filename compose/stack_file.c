#include "stack_file.h"

#include <stdio.h>
#include <string.h>

#include "../layers/scope.h"
#include "../layers/verified.h"
#include "bytes.h"
#include "report.h"

int stack_file_decode(const uint8_t *bytes, size_t size_bytes, size_t *text_bytes,
	struct signature_line *lines, size_t *count, struct stack *out, struct error *e)
{
	struct verified *text;
	if (signed_split(bytes, size_bytes, text_bytes, lines, count, e) != 0 ||
		verified_trust(bytes, *text_bytes, &text, e) != 0)
		return -1;
	int result = stack_decode(text, out, e);
	verified_free(text);
	return result;
}

static int decode(struct stack_file *file, struct error *e)
{
	if (stack_file_decode(file->bytes, file->size_bytes, &file->text_bytes, file->lines,
		    &file->signature_count, &file->stack, e) != 0)
		return -1;
	return stack_check_file_name(&file->stack, file->name, e);
}

int stack_file_open(
	struct layout *layout, const char *name, struct stack_file *out, struct error *e)
{
	*out = (struct stack_file){0};
	if (strchr(name, '/') != NULL || strlen(name) + sizeof ".stack" > sizeof out->name) {
		report_hint("a stack of the store is meant by NAME-VERSION, such as demo-1");
		return error_set(e, ERROR_USAGE, 0, "`%s` is no stack in a store", name);
	}
	(void)snprintf(out->name, sizeof out->name, "%s.stack", name);
	if (layout->source->ops->read_stack(
		    layout->source, out->name, &out->bytes, &out->size_bytes, e) == 0 &&
		decode(out, e) == 0)
		return 0;
	stack_file_close(out);
	return error_wrap(e, "the store `%s`", layout->path);
}

void stack_file_close(struct stack_file *file)
{
	free(file->bytes);
	stack_free(&file->stack);
	*file = (struct stack_file){0};
}

/* --- replacing */

/* A file that can't be read or taken apart is as none. */
static bool read_existing(struct layout *layout, const char *name, struct stack_file *out)
{
	struct error ignored;
	return layout->source->ops->read_stack(
		       layout->source, name, &out->bytes, &out->size_bytes, &ignored) == 0 &&
	       signed_split(out->bytes, out->size_bytes, &out->text_bytes, out->lines,
		       &out->signature_count, &ignored) == 0;
}

int stack_file_check_existing(struct layout *layout, const char *name, const void *text,
	size_t size_bytes, bool force, bool *same, struct error *e)
{
	struct stack_file there = {0};
	bool is_there = read_existing(layout, name, &there);
	*same = is_there && there.text_bytes == size_bytes &&
		memcmp(there.bytes, text, size_bytes) == 0;
	bool stands = is_there && !*same && there.signature_count > 0 && !force;
	stack_file_close(&there);
	if (!stands)
		return 0;
	report_hint("choose a higher --version, or replace it with --force");
	return error_set(
		e, ERROR_USAGE, 0, "a signed %s that says something else is there already", name);
}

/* Of the lines of the file that is there, those by keys that did not sign the new one. */
static int add_other_signatures(struct bytes *file, const struct stack_file *there,
	const struct signature_line *lines, size_t count, struct error *e)
{
	char line[SIGNED_LINE_SIZE];
	size_t total = count;
	for (size_t i = 0; i < there->signature_count; i++) {
		size_t k = 0;
		while (k < count && !digest_equal(&lines[k].key_id, &there->lines[i].key_id))
			k++;
		if (k < count)
			continue;
		if (total++ == LIMIT_SIGNATURES)
			return error_set(e, ERROR_LIMIT, 0,
				"with those that it has here, more than %u signatures",
				LIMIT_SIGNATURES);
		signed_format_line(&there->lines[i], line);
		if (bytes_add(file, line, strlen(line), e) != 0)
			return -1;
	}
	return 0;
}

int stack_file_join(struct layout *layout, const char *name, const uint8_t *bytes,
	size_t size_bytes, struct bytes *out, struct error *e)
{
	struct stack_file there = {0};
	struct signature_line lines[LIMIT_SIGNATURES];
	size_t text_bytes, count;
	if (bytes_add(out, bytes, size_bytes, e) != 0)
		return -1;
	int result = signed_split(out->data, out->size, &text_bytes, lines, &count, e);
	if (result == 0 && read_existing(layout, name, &there) && there.text_bytes == text_bytes &&
		memcmp(there.bytes, out->data, text_bytes) == 0)
		result = add_other_signatures(out, &there, lines, count, e);
	stack_file_close(&there);
	return result;
}

int stack_file_put(struct layout *layout, const char *name, const uint8_t *bytes, size_t size_bytes,
	struct error *e)
{
	SCOPED_OUTPUT output = OUTPUT_INIT;
	SCOPED_FD dir_fd = layout_open_directory(layout, "stacks", e);
	if (dir_fd < 0 || output_open_at(&output, dir_fd, name, 0644, e) != 0 ||
		output_write(&output, bytes, size_bytes, e) != 0)
		return -1;
	return output_commit(&output, OUTPUT_REPLACE, e);
}

int stack_file_write(struct layout *layout, const char *name, const uint8_t *bytes,
	size_t size_bytes, struct error *e)
{
	SCOPED_BYTES file = {0};
	if (stack_file_join(layout, name, bytes, size_bytes, &file, e) != 0)
		return -1;
	return stack_file_put(layout, name, file.data, file.size, e);
}

#include "target.h"

#include <stdlib.h>
#include <string.h>

#include "../layers/scope.h"
#include "../layers/signed.h"
#include "report.h"
#include "stack_file.h"
#include "stack_name.h"

static bool begins(const uint8_t *bytes, size_t size_bytes, const char *with)
{
	return size_bytes >= strlen(with) && memcmp(bytes, with, strlen(with)) == 0;
}

bool target_recognizes(const uint8_t *bytes, size_t size_bytes)
{
	return begins(bytes, size_bytes, LAYER_FILE_BEGINS) ||
	       begins(bytes, size_bytes, "plyboot stack ");
}

static int take_stack(
	struct target *target, const uint8_t *bytes, size_t size_bytes, struct error *e)
{
	struct signature_line lines[LIMIT_SIGNATURES];
	size_t text_bytes, count;
	if (stack_file_decode(bytes, size_bytes, &text_bytes, lines, &count, &target->stack, e) !=
		0)
		return -1;
	target->is_stack = true;
	target->file.count = target->stack.layer_count;
	target->file.records = SCOPE_TAKE(target->stack.layers);
	target->stack.layer_count = 0;
	for (size_t i = 0; i < count; i++)
		target->signed_by[i] = lines[i].key_id;
	target->signature_count = count;
	return 0;
}

int target_take(struct target *target, const uint8_t *bytes, size_t size_bytes,
	const char *file_name, struct error *e)
{
	if (!target_recognizes(bytes, size_bytes))
		return error_set(e, ERROR_FORMAT, 0, "neither a .layer file nor a stack file");
	if (begins(bytes, size_bytes, LAYER_FILE_BEGINS))
		return layer_file_decode(bytes, size_bytes, &target->file, e);
	if (take_stack(target, bytes, size_bytes, e) != 0)
		return -1;
	return file_name == NULL ? 0 : stack_check_file_name(&target->stack, file_name, e);
}

int target_take_named(struct target *target, const char *name, const char *store, struct error *e)
{
	char file_name[STACK_FILE_NAME_SIZE];
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size_bytes;
	if (stack_name_file(name, file_name, e) != 0 ||
		layout_open(layout_path(store), false, &target->layout, e) != 0)
		return -1;
	struct source *source = target->layout.source;
	if (source->ops->read_stack(source, file_name, &bytes, &size_bytes, e) != 0) {
		report_hint("NAME-VERSION is a stack in the store; a file is named with a slash, "
			    "or with .layer or .stack at its end");
		return error_wrap(e, "the store `%s`", target->layout.path);
	}
	return target_take(target, bytes, size_bytes, file_name, e) == 0
		       ? 0
		       : error_wrap(e, "%s", file_name);
}

static int take_file(struct target *target, const char *path, const char *store, struct error *e)
{
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size_bytes;
	if (input_read_file(path, LIMIT_STACK_FILE_BYTES, &bytes, &size_bytes, e) != 0)
		return -1;
	if (target_take(target, bytes, size_bytes, NULL, e) != 0)
		return error_wrap(e, "`%s`", path);
	return layout_open(layout_path(store), false, &target->layout, e);
}

int target_open(const char *name, const char *store, struct target *out, struct error *e)
{
	struct target target = TARGET_INIT;
	int result = stack_name_is_path(name) ? take_file(&target, name, store, e)
					      : target_take_named(&target, name, store, e);
	if (result == 0)
		*out = target;
	else
		target_close(&target);
	return result;
}

bool target_is_layer(const struct target *target)
{
	return !target->is_stack && target->file.count == 1;
}

/* All indexes together have the memory that one may have. */
static int read_layers(struct target *target, struct error *e)
{
	uint64_t left = LAYER_INDEX_MOST_BYTES;
	for (size_t i = 0; i < target->file.count; i++) {
		struct layer_index *index = &target->indexes[i];
		index->most_bytes = left;
		if (layer_read_index(&target->layout, &target->file.records[i], index, e) != 0)
			return error_wrap(e, "layer %zu", i + 1);
		uint64_t took = layer_index_bytes(index);
		left = took < left ? left - took : 1;
	}
	return 0;
}

int target_read(struct target *target, struct error *e)
{
	target->indexes = calloc(target->file.count, sizeof *target->indexes);
	if (target->indexes == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	if (read_layers(target, e) != 0)
		return -1;
	return merged_make(
		target->indexes, target->file.count, target_is_layer(target), &target->merged, e);
}

void target_close(struct target *target)
{
	merged_free(&target->merged);
	for (size_t i = 0; i < target->file.count && target->indexes != NULL; i++)
		layer_index_free(&target->indexes[i]);
	free(target->indexes);
	layer_file_free(&target->file);
	stack_free(&target->stack);
	layout_close(&target->layout);
	*target = (struct target)TARGET_INIT;
}

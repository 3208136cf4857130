#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../layers/scope.h"
#include "../layers/signed.h"
#include "../layers/stack.h"
#include "../layers/syscalls.h"
#include "clock.h"
#include "image.h"
#include "report.h"
#include "stack_file.h"

static bool holds(const struct image_content *content, const char *path)
{
	for (size_t i = 0; i < content->count; i++) {
		if (strcmp(content->files[i].path, path) == 0)
			return true;
	}
	return false;
}

static int add_file(struct image_content *content, const char *path, uint64_t size_bytes,
	const struct digest *digest, struct error *e)
{
	struct image_file *files = realloc(content->files, (content->count + 1) * sizeof *files);
	if (files == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	content->files = files;
	struct image_file *file = &files[content->count];
	*file = (struct image_file){
		.path = strdup(path), .size_bytes = size_bytes, .digest = *digest};
	if (file->path == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	content->count++;
	content->total_bytes += size_bytes;
	return 0;
}

/* A small file of the layout itself, whose digest only says what was there when we looked. */
static int add_small(
	struct layout *layout, const char *name, struct image_content *content, struct error *e)
{
	enum { SMALL_MAX_BYTES = 16 * 1024 * 1024 };
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size_bytes;
	struct digest digest;
	struct stat st;
	/* As the engine reads a store that somebody else made: what a symlink leads to is not in
	 * it. */
	SCOPED_FD fd = sys_openat2(layout->fd, name, O_RDONLY | O_NONBLOCK, 0, SYS_RESOLVE_STRICT);
	if (fd < 0 || fstat(fd, &st) != 0)
		return error_errno(e, errno, "open %s of the store `%s`", name, layout->path);
	if (!S_ISREG(st.st_mode))
		return error_set(e, ERROR_FORMAT, 0, "%s is not a regular file", name);
	if (input_read_fd(fd, name, SMALL_MAX_BYTES, &bytes, &size_bytes, e) != 0)
		return -1;
	digest_of(bytes, size_bytes, &digest);
	return add_file(content, name, size_bytes, &digest, e);
}

static int blob_size(
	struct layout *layout, const struct digest *digest, uint64_t *size_bytes, struct error *e)
{
	struct blob *blob;
	if (layout->source->ops->open_blob(layout->source, digest, &blob, e) != 0)
		return -1;
	*size_bytes = blob->size_bytes;
	blob_close(blob);
	return 0;
}

static int add_blob(struct layout *layout, const struct digest *digest,
	struct image_content *content, struct error *e)
{
	char path[LAYOUT_BLOB_PATH_SIZE];
	uint64_t size_bytes;
	layout_blob_path(digest, path);
	if (holds(content, path))
		return 0;
	if (blob_size(layout, digest, &size_bytes, e) != 0)
		return -1;
	content->blob_count++;
	return add_file(content, path, size_bytes, digest, e);
}

static int add_layers(struct layout *layout, const struct stack *stack,
	struct image_content *content, struct error *e)
{
	for (size_t i = 0; i < stack->layer_count; i++) {
		const struct layer_record *record = &stack->layers[i];
		if (layout_check_blob(layout, &record->digest, record->stored_bytes, e) != 0 ||
			add_blob(layout, &record->digest, content, e) != 0 ||
			add_blob(layout, &record->pieces, content, e) != 0)
			return error_wrap(e, "layer %zu", i + 1);
	}
	return 0;
}

static int decode_stack(const uint8_t *bytes, size_t size_bytes, const char *name,
	struct stack *out, struct error *e)
{
	struct signature_line lines[LIMIT_SIGNATURES];
	size_t text_bytes, count;
	if (stack_file_decode(bytes, size_bytes, &text_bytes, lines, &count, out, e) != 0)
		return -1;
	if (count == 0)
		report_warning("%s is not signed: it will not boot", name);
	return 0;
}

static int add_stack(
	struct layout *layout, const char *name, struct image_content *content, struct error *e)
{
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size_bytes;
	char path[sizeof "stacks/" + STACK_FILE_NAME_SIZE];
	struct stack stack;
	struct digest digest;
	if ((size_t)snprintf(path, sizeof path, "stacks/%s", name) >= sizeof path)
		return error_set(e, ERROR_FORMAT, 0, "`%s` is no stack file's name", name);
	if (holds(content, path))
		return 0;
	if (layout->source->ops->read_stack(layout->source, name, &bytes, &size_bytes, e) != 0 ||
		decode_stack(bytes, size_bytes, name, &stack, e) != 0)
		return error_wrap(e, "%s", name);
	if (stack_check_file_name(&stack, name, e) != 0) {
		stack_free(&stack);
		return -1;
	}
	uint64_t created;
	if (clock_parse(stack.created, &created) && created > content->created)
		content->created = created;
	int result = add_layers(layout, &stack, content, e);
	stack_free(&stack);
	if (result != 0)
		return error_wrap(e, "%s", name);
	digest_of(bytes, size_bytes, &digest);
	if (content->stack_count++ == LIMIT_STACK_FILES)
		return error_set(e, ERROR_LIMIT, 0,
			"more than %u stacks: /init would not look at all of them (see --stack)",
			LIMIT_STACK_FILES);
	return add_file(content, path, size_bytes, &digest, e);
}

static int add_named(struct layout *layout, const struct text_list *stacks,
	struct image_content *content, struct error *e)
{
	for (size_t i = 0; i < stacks->count; i++) {
		SCOPED_FREE char *name = NULL;
		if (asprintf(&name, "%s.stack", stacks->items[i]) < 0) {
			name = NULL;
			return error_set(e, ERROR_NOSPACE, 0, "no memory");
		}
		if (add_stack(layout, name, content, e) != 0)
			return -1;
	}
	return 0;
}

static int add_all(struct layout *layout, struct image_content *content, struct error *e)
{
	struct layout_stacks all;
	if (layout_list_stacks(layout, &all, e) != 0)
		return -1;
	int result = 0;
	for (size_t i = 0; i < all.count && result == 0; i++)
		result = add_stack(layout, all.names[i], content, e);
	layout_stacks_free(&all);
	return result;
}

static int compare_files(const void *a, const void *b)
{
	return strcmp(((const struct image_file *)a)->path, ((const struct image_file *)b)->path);
}

int image_collect(struct layout *layout, const struct text_list *stacks, struct image_content *out,
	struct error *e)
{
	*out = (struct image_content){0};
	int result =
		stacks->count > 0 ? add_named(layout, stacks, out, e) : add_all(layout, out, e);
	if (result != 0 || add_small(layout, "oci-layout", out, e) != 0 ||
		add_small(layout, "index.json", out, e) != 0) {
		image_content_free(out);
		return -1;
	}
	qsort(out->files, out->count, sizeof *out->files, compare_files);
	return 0;
}

void image_content_free(struct image_content *content)
{
	for (size_t i = 0; i < content->count; i++)
		free(content->files[i].path);
	free(content->files);
	*content = (struct image_content){0};
}

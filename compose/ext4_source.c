#include "ext4_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../layers/ceilings.h"
#include "../layers/scope.h"

struct ext4_source {
	struct source source;
	struct ext4 fs;
};

struct ext4_blob {
	struct blob blob;
	struct ext4 fs;
	struct ext4_file file;
};

static int find_regular(
	const struct ext4 *fs, const char *path, struct ext4_file *out, struct error *e)
{
	if (ext4_find(fs, path, out, e) != 0)
		return -1;
	if (!S_ISREG(out->mode))
		return error_set(e, ERROR_FORMAT, 0, "%s is not a regular file", path);
	return 0;
}

struct listing {
	int (*visit)(void *context, const char *file_name, struct error *e);
	void *context;
};

static int pass_stack(void *context, const char *name, uint32_t number, struct error *e)
{
	const struct listing *listing = context;
	size_t length = strlen(name);
	(void)number;
	if (length <= 6 || name[0] == '.' || strcmp(name + length - 6, ".stack") != 0)
		return 0;
	return listing->visit(listing->context, name, e);
}

static int list_stacks(struct source *source,
	int (*visit)(void *context, const char *file_name, struct error *e), void *context,
	struct error *e)
{
	const struct ext4_source *self = (const struct ext4_source *)source;
	struct listing listing = {.visit = visit, .context = context};
	struct ext4_file directory;
	if (ext4_find(&self->fs, "stacks", &directory, e) != 0)
		return -1;
	return ext4_list(&self->fs, &directory, pass_stack, &listing, e);
}

static int read_stack(struct source *source, const char *file_name, uint8_t **bytes,
	size_t *size_bytes, struct error *e)
{
	const struct ext4_source *self = (const struct ext4_source *)source;
	struct ext4_file file;
	char path[7 + EXT4_NAME_SIZE];
	(void)snprintf(path, sizeof path, "stacks/%s", file_name);
	if (find_regular(&self->fs, path, &file, e) != 0)
		return -1;
	if (file.size_bytes > LIMIT_STACK_FILE_BYTES)
		return error_set(e, ERROR_LIMIT, 0, "%s has %llu bytes, at most %u are allowed",
			path, (unsigned long long)file.size_bytes, LIMIT_STACK_FILE_BYTES);
	SCOPED_FREE uint8_t *buffer = malloc((size_t)file.size_bytes + 1);
	if (buffer == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	if (ext4_read_at(&self->fs, &file, 0, buffer, (size_t)file.size_bytes, e) != 0)
		return error_wrap(e, "%s", path);
	*bytes = SCOPE_TAKE(buffer);
	*size_bytes = (size_t)file.size_bytes;
	return 0;
}

static int blob_read_at(
	struct blob *blob, uint64_t offset, void *buffer, size_t size_bytes, struct error *e)
{
	const struct ext4_blob *self = (const struct ext4_blob *)blob;
	return ext4_read_at(&self->fs, &self->file, offset, buffer, size_bytes, e);
}

static int no_descriptor(const struct blob *blob)
{
	(void)blob;
	return -1;
}

static void free_blob(struct blob *blob)
{
	free(blob);
}

static const struct blob_ops blob_ops = {
	.read_at = blob_read_at, .descriptor = no_descriptor, .close = free_blob};

static int open_blob(
	struct source *source, const struct digest *digest, struct blob **out, struct error *e)
{
	const struct ext4_source *self = (const struct ext4_source *)source;
	struct ext4_file file;
	char path[sizeof "blobs/sha256/" + DIGEST_HEX] = "blobs/sha256/";
	digest_format_hex(digest, path + strlen(path));
	if (find_regular(&self->fs, path, &file, e) != 0)
		return -1;
	struct ext4_blob *blob = malloc(sizeof *blob);
	if (blob == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	*blob = (struct ext4_blob){.blob = {.ops = &blob_ops, .size_bytes = file.size_bytes},
		.fs = self->fs,
		.file = file};
	*out = &blob->blob;
	return 0;
}

static void free_source(struct source *source)
{
	free(source);
}

static const struct source_ops source_ops = {.list_stacks = list_stacks,
	.read_stack = read_stack,
	.open_blob = open_blob,
	.close = free_source};

int ext4_source_open(const struct ext4 *fs, struct source **out, struct error *e)
{
	struct ext4_source *self = malloc(sizeof *self);
	if (self == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	*self = (struct ext4_source){.source = {.ops = &source_ops}, .fs = *fs};
	*out = &self->source;
	return 0;
}

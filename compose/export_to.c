#include "export_to.h"

#include <stdio.h>
#include <string.h>

#include "image_index.h"
#include "measure.h"
#include "ustar.h"

static bool ends_in_tar(const char *path)
{
	size_t length = strlen(path);
	return length > 4 && strcmp(path + length - 4, ".tar") == 0;
}

/* --- the archive */

static int write_padding(struct export_to *to, uint64_t size_bytes, struct error *e)
{
	static const uint8_t zeros[TAR_BLOCK_BYTES];
	return output_write(&to->output, zeros, ustar_padding(size_bytes), e);
}

static int write_header(
	struct export_to *to, const char *name, uint64_t size_bytes, struct error *e)
{
	uint8_t header[TAR_BLOCK_BYTES];
	ustar_header(&(struct ustar_member){.prefix = "", .name = name, .size_bytes = size_bytes},
		header);
	return output_write(&to->output, header, sizeof header, e);
}

static int write_member(struct export_to *to, const char *name, const void *data, size_t size_bytes,
	struct error *e)
{
	if (write_header(to, name, size_bytes, e) != 0 ||
		output_write(&to->output, data, size_bytes, e) != 0)
		return -1;
	return write_padding(to, size_bytes, e);
}

static int open_archive(struct export_to *to, struct error *e)
{
	static const char layout_file[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	if (output_open(&to->output, to->path, 0644, e) != 0 ||
		write_member(to, "oci-layout", layout_file, sizeof layout_file - 1, e) != 0 ||
		write_header(to, "blobs/", 0, e) != 0)
		return -1;
	return write_header(to, "blobs/sha256/", 0, e);
}

static int finish_archive(struct export_to *to, const struct digest *manifest, uint64_t size_bytes,
	const char *name, struct error *e)
{
	static const uint8_t end[2 * TAR_BLOCK_BYTES];
	SCOPED_BYTES index = {0};
	if (image_index_write(manifest, size_bytes, name, &index, e) != 0 ||
		write_member(to, "index.json", index.data, index.size, e) != 0 ||
		output_write(&to->output, end, sizeof end, e) != 0)
		return -1;
	return output_commit(&to->output, OUTPUT_REPLACE, e);
}

/* --- either */

static int open_directory(struct export_to *to, bool store, struct error *e)
{
	return store ? layout_open(to->path, true, &to->layout, e)
		     : layout_open_image(to->path, &to->layout, e);
}

int export_to_open(const char *path, bool store, struct export_to *out, struct error *e)
{
	*out = (struct export_to)EXPORT_TO_INIT;
	out->path = path;
	out->is_archive = ends_in_tar(path);
	if ((out->is_archive ? open_archive(out, e) : open_directory(out, store, e)) == 0)
		return 0;
	export_to_close(out);
	return error_wrap(e, "export to `%s`", path);
}

/* A blob that the layout has, with the right bytes, is left alone. */
static int begin_in_layout(
	struct export_to *to, const struct digest *digest, uint64_t size_bytes, struct error *e)
{
	struct error ignored;
	if (layout_check_blob(&to->layout, digest, size_bytes, &ignored) != 0 ||
		measure_digest(&to->layout, digest, &ignored) != 0)
		return blob_writer_open(&to->layout, &to->blob, e);
	blob_writer_open_existing(&to->blob);
	return 0;
}

int export_to_begin(
	struct export_to *to, const struct digest *digest, uint64_t size_bytes, struct error *e)
{
	char path[LAYOUT_BLOB_PATH_SIZE];
	to->blob_bytes = size_bytes;
	to->written_bytes = 0;
	if (!to->is_archive)
		return begin_in_layout(to, digest, size_bytes, e);
	layout_blob_path(digest, path);
	return write_header(to, path, size_bytes, e);
}

int export_to_write(void *context, const void *data, size_t size_bytes, struct error *e)
{
	struct export_to *to = context;
	to->written_bytes += size_bytes;
	return to->is_archive ? output_write(&to->output, data, size_bytes, e)
			      : blob_writer_write(&to->blob, data, size_bytes, e);
}

int export_to_end(struct export_to *to, struct error *e)
{
	struct digest digest;
	if (to->written_bytes != to->blob_bytes)
		return error_set(e, ERROR_IO, 0, "a blob is not as large as it was");
	return to->is_archive ? write_padding(to, to->blob_bytes, e)
			      : blob_writer_finish(&to->layout, &to->blob, &digest, e);
}

int export_to_add(struct export_to *to, const struct bytes *bytes, const struct digest *digest,
	struct error *e)
{
	if (export_to_begin(to, digest, bytes->size, e) != 0 ||
		export_to_write(to, bytes->data, bytes->size, e) != 0)
		return -1;
	return export_to_end(to, e);
}

int export_to_add_stack(struct export_to *to, const struct stack_file *file, struct error *e)
{
	char path[7 + STACK_FILE_NAME_SIZE] = "stacks/";
	bool same;
	if (!to->is_archive) {
		to->stack = file;
		return stack_file_check_existing(
			&to->layout, file->name, file->bytes, file->text_bytes, false, &same, e);
	}
	strcat(path, file->name);
	if (write_header(to, "stacks/", 0, e) != 0)
		return -1;
	return write_member(to, path, file->bytes, file->size_bytes, e);
}

int export_to_finish(struct export_to *to, const struct digest *manifest, uint64_t size_bytes,
	const char *name, struct error *e)
{
	if (to->is_archive)
		return finish_archive(to, manifest, size_bytes, name, e);
	if (image_index_put(&to->layout, manifest, size_bytes, name, e) != 0)
		return -1;
	layout_keep(&to->layout);
	if (to->stack == NULL)
		return 0;
	return stack_file_write(
		&to->layout, to->stack->name, to->stack->bytes, to->stack->size_bytes, e);
}

void export_to_close(struct export_to *to)
{
	output_discard(&to->output);
	blob_writer_discard(&to->blob);
	layout_close(&to->layout);
}

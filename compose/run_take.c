/* A source becomes layers in a store. */
#include <fcntl.h>
#include <string.h>

#include "../layers/scope.h"
#include "../layers/syscalls.h"
#include "image_config.h"
#include "import.h"
#include "layer_file.h"
#include "made_layer.h"
#include "piecing.h"
#include "report.h"
#include "run_source.h"
#include "scan.h"
#include "scratch.h"
#include "stack_file.h"

/* What a kernel's tmpfs can't hold is no reason not to run a command. */
static const enum user_xattrs USER_XATTRS = USER_XATTRS_OPTIONAL;

/* Overlayfs refuses a directory that is a lower already: what the upper one sets, it sets again. */
static void drop_repeated(struct run_layers *layers, const struct digest *digest)
{
	for (size_t i = 0; i < layers->count; i++) {
		if (!digest_equal(&layers->records[i].digest, digest))
			continue;
		layers->count--;
		memmove(&layers->records[i], &layers->records[i + 1],
			(layers->count - i) * sizeof layers->records[0]);
		return;
	}
}

int run_layers_add(struct run_layers *layers, const struct layer_record *record, struct error *e)
{
	drop_repeated(layers, &record->digest);
	if (layers->count == LIMIT_LAYERS)
		return error_set(e, ERROR_LIMIT, 0, "a root has at most %u layers", LIMIT_LAYERS);
	struct layer_record *grown =
		reallocarray(layers->records, layers->count + 1, sizeof *grown);
	if (grown == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	layers->records = grown;
	layers->records[layers->count++] = *record;
	return 0;
}

/* --- a directory, a tar */

static int fill_from_scan(void *context, void *piecing, struct error *e)
{
	const struct scan *scan = context;
	struct tarout *tar;
	int result = tarout_open(piecing_write, piecing, &tar, e);
	if (result != 0)
		return -1;
	for (size_t i = 0; i < scan->count && result == 0; i++) {
		size_t leader = scan->entries[i].leader;
		result = tarout_add(tar, scan, &scan->entries[i],
			leader == i ? NULL : scan->entries[leader].path, e);
	}
	if (result == 0)
		result = tarout_finish(tar, e);
	tarout_close(tar);
	return result;
}

static int take_directory(const struct run_source *source, const struct run_reading *reading,
	struct layout *layout, struct layer_record *out, struct error *e)
{
	SCOPED_SCAN scan = SCAN_INIT;
	if (scan_tree(source->path, reading->root_owned, &scan, e) != 0)
		return -1;
	return made_layer_add(layout, fill_from_scan, &scan, USER_XATTRS, out, e);
}

static int take_tar(const struct run_source *source, struct layout *layout,
	struct layer_record *out, struct error *e)
{
	SCOPED_FD fd = open(source->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return error_errno(e, errno, "open");
	return made_layer_add_tar(layout, fd, USER_XATTRS, out, e);
}

/* --- what lies in another store */

static int copy_blob(
	struct layout *from, struct layout *to, const struct digest *digest, struct error *e)
{
	enum { CHUNK_BYTES = 256 * 1024 };
	static uint8_t chunk[CHUNK_BYTES];
	struct blob_writer writer;
	struct blob *blob;
	struct digest found;
	if (from->source->ops->open_blob(from->source, digest, &blob, e) != 0)
		return -1;
	int result = blob_writer_open(to, &writer, e);
	for (uint64_t at = 0; at < blob->size_bytes && result == 0;) {
		uint64_t left = blob->size_bytes - at;
		size_t now = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
		result = blob->ops->read_at(blob, at, chunk, now, e);
		if (result == 0)
			result = blob_writer_write(&writer, chunk, now, e);
		at += now;
	}
	blob_close(blob);
	if (result == 0)
		result = blob_writer_finish(to, &writer, &found, e);
	blob_writer_discard(&writer);
	if (result == 0 && !digest_equal(&found, digest))
		return error_set(e, ERROR_DIGEST, 0, "a blob differs from its digest");
	return result;
}

static int take_records(struct layout *from, const struct layer_record *records, size_t count,
	struct layout *to, struct run_layers *layers, struct error *e)
{
	for (size_t i = 0; i < count; i++) {
		if (layout_check_blob(from, &records[i].digest, records[i].stored_bytes, e) != 0 ||
			copy_blob(from, to, &records[i].digest, e) != 0 ||
			copy_blob(from, to, &records[i].pieces, e) != 0)
			return error_wrap(e, "layer %zu in the store `%s`", i + 1, from->path);
		if (run_layers_add(layers, &records[i], e) != 0)
			return -1;
	}
	return 0;
}

static int take_layer_file(const struct run_source *source, const char *store, struct layout *to,
	struct run_layers *layers, struct error *e)
{
	SCOPED_LAYOUT from = LAYOUT_INIT;
	struct layer_file file;
	if (layout_open(layout_path(store), false, &from, e) != 0 ||
		layer_file_read(source->path, &file, e) != 0)
		return -1;
	int result = take_records(&from, file.records, file.count, to, layers, e);
	layer_file_free(&file);
	return result;
}

static int take_stack(const struct run_source *source, const struct run_reading *reading,
	struct layout *to, struct run_layers *layers, struct error *e)
{
	SCOPED_LAYOUT from = LAYOUT_INIT;
	struct stack_file file;
	if (layout_open(source->path, false, &from, e) != 0 ||
		stack_file_open(&from, source->reference, &file, e) != 0)
		return -1;
	int result = 0;
	if (strcmp(file.stack.architecture, reading->architecture) != 0)
		result = error_set(e, ERROR_TARGET, 0,
			"the stack is for %s: --arch says which guest", file.stack.architecture);
	if (result == 0)
		result = take_records(
			&from, file.stack.layers, file.stack.layer_count, to, layers, e);
	stack_file_close(&file);
	return result;
}

/* --- images */

static int take_image_layers(const struct import_files *files, struct import_image *image,
	struct layout *to, struct run_layers *layers, struct error *e)
{
	SCOPED_FREE struct layer_record *records = calloc(image->layer_count, sizeof *records);
	size_t count = 0;
	if (records == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	if (import_take_layers(to, files, image, USER_XATTRS, records, e) != 0)
		return -1;
	for (size_t i = 0; i < image->layer_count; i++) {
		if (!image->layers[i].repeated && run_layers_add(layers, &records[count++], e) != 0)
			return -1;
	}
	return 0;
}

static int take_image(const struct run_source *source, const struct run_reading *reading,
	struct layout *to, struct run_layers *layers, struct error *e)
{
	SCOPED_SCRATCH scratch = SCRATCH_INIT;
	SCOPED_IMPORT_FILES files = IMPORT_FILES_INIT;
	SCOPED_IMPORT_IMAGE image = {0};
	const char *architecture = image_architecture(reading->architecture);
	SCOPED_FD fd = open(source->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return error_errno(e, errno, "open");
	int result = 0;
	if (source->kind == RUN_SOURCE_IMAGE)
		result = import_files_below(fd, &files, e);
	else if (scratch_open_in(to->fd, &scratch, e) != 0)
		return -1;
	else
		result = import_files_unpack(fd, scratch.fd, &files, e);
	if (result == 0)
		result = import_files_has(&files, "oci-layout")
				 ? import_choose_oci(
					   &files, source->reference, architecture, &image, e)
				 : import_choose_docker(
					   &files, source->reference, architecture, &image, e);
	return result == 0 ? take_image_layers(&files, &image, to, layers, e) : -1;
}

static int take(const struct run_source *source, const struct run_reading *reading,
	struct layout *layout, struct run_layers *layers, struct error *e)
{
	struct layer_record record;
	switch (source->kind) {
	case RUN_SOURCE_DIRECTORY:
		return take_directory(source, reading, layout, &record, e) != 0
			       ? -1
			       : run_layers_add(layers, &record, e);
	case RUN_SOURCE_TAR:
		return take_tar(source, layout, &record, e) != 0
			       ? -1
			       : run_layers_add(layers, &record, e);
	case RUN_SOURCE_RECORDS:
		return take_layer_file(source, reading->store, layout, layers, e);
	case RUN_SOURCE_STACK:
		return take_stack(source, reading, layout, layers, e);
	case RUN_SOURCE_IMAGE:
	case RUN_SOURCE_ARCHIVE:
		return take_image(source, reading, layout, layers, e);
	}
	return -1;
}

int run_source_take(const struct run_source *source, const struct run_reading *reading,
	struct layout *layout, struct run_layers *layers, struct error *e)
{
	if (take(source, reading, layout, layers, e) == 0)
		return 0;
	return error_wrap(e, "--root `%s`", source->given);
}

/* A source in memory that can misbehave, and a layer record, piece table and source for any blob.
 */
#ifndef PLYBOOT_TEST_MEMORY_SOURCE_H
#define PLYBOOT_TEST_MEMORY_SOURCE_H

#include <errno.h>

#include "bytes.h"
#include "layers/pieces.h"
#include "layers/source.h"
#include "layers/stack.h"

struct memory_blob {
	struct digest name;
	const uint8_t *data;
	size_t size;
	bool missing;
	uint64_t claimed_bytes; /* for blob->size_bytes, when not 0 */
	uint64_t fail_at;       /* a read that reaches it gives EIO, when not 0 */
	unsigned *reads;        /* how often each byte was read: `size` of them, owned */
	bool changes;           /* a byte that was read before comes out inverted */
};

struct memory_source {
	struct source source;
	struct memory_blob layer, table;
	int open_blobs;
};

struct memory_handle {
	struct blob blob;
	struct memory_source *source;
	struct memory_blob *of;
};

static inline int memory_read_at(
	struct blob *blob, uint64_t offset, void *buffer, size_t size, struct error *e)
{
	struct memory_blob *of = ((struct memory_handle *)blob)->of;
	if (of->fail_at != 0 && offset + size > of->fail_at)
		return error_errno(e, EIO, "read");
	if (offset > of->size || size > of->size - offset)
		return error_set(e, ERROR_SIZE, 0, "the blob ends");
	for (size_t i = 0; i < size; i++) {
		unsigned before = of->reads[offset + i]++;
		((uint8_t *)buffer)[i] =
			of->data[offset + i] ^ (of->changes && before > 0 ? 0xff : 0);
	}
	return 0;
}

static inline void memory_close_blob(struct blob *blob)
{
	((struct memory_handle *)blob)->source->open_blobs--;
	free(blob);
}

static inline int memory_descriptor(const struct blob *blob)
{
	(void)blob;
	return -1;
}

static const struct blob_ops memory_blob_ops = {
	memory_read_at, memory_descriptor, memory_close_blob};

static inline int memory_open_blob(
	struct source *source, const struct digest *name, struct blob **out, struct error *e)
{
	struct memory_source *self = (struct memory_source *)source;
	struct memory_blob *of =
		digest_equal(name, &self->table.name) ? &self->table : &self->layer;
	if (!digest_equal(name, &of->name) || of->missing)
		return error_set(e, ERROR_MISSING, ENOENT, "no such blob");
	struct memory_handle *handle = calloc(1, sizeof *handle);
	if (handle == NULL)
		return error_errno(e, ENOMEM, "open a blob");
	*handle = (struct memory_handle){
		.blob = {&memory_blob_ops, of->claimed_bytes != 0 ? of->claimed_bytes : of->size},
		.source = self,
		.of = of};
	self->open_blobs++;
	*out = &handle->blob;
	return 0;
}

static inline int memory_no_stacks(struct source *source,
	int (*visit)(void *context, const char *file_name, struct error *e), void *context,
	struct error *e)
{
	(void)source, (void)visit, (void)context, (void)e;
	return 0;
}

static inline int memory_no_stack(struct source *source, const char *file_name, uint8_t **bytes,
	size_t *size, struct error *e)
{
	(void)source, (void)bytes, (void)size;
	return error_set(e, ERROR_MISSING, ENOENT, "%s", file_name);
}

static inline void memory_close(struct source *source)
{
	(void)source;
}

static const struct source_ops memory_source_ops = {
	memory_no_stacks, memory_no_stack, memory_open_blob, memory_close};

/* --- layers -------------------------------------------------------------------------------------
 */

/* All that the engine wants of one layer. `blob` and `table` may be changed after layer_make():
 * digests and sizes in the record stay what they were. */
struct layer {
	struct layer_record record;
	struct bytes blob, table;
	struct memory_source source;
};

/* Piece table and record for the blob as it is now. `pieces` have their sizes; digests are filled
 * in. */
static inline void layer_make(struct layer *out, enum media media, const struct bytes *blob,
	struct piece *pieces, size_t count)
{
	*out = (struct layer){0};
	bytes_add(&out->blob, blob->data, blob->size);
	struct layer_record *record = &out->record;
	uint64_t offset = 0;
	for (size_t i = 0; i < count; i++) {
		digest_of(blob->data + offset, (size_t)pieces[i].stored_bytes, &pieces[i].digest);
		offset += pieces[i].stored_bytes;
		if (pieces[i].stored_bytes > record->largest_piece_bytes)
			record->largest_piece_bytes = pieces[i].stored_bytes;
	}
	const struct piece_table table = {.count = count, .pieces = pieces};
	uint8_t *encoded = NULL;
	size_t encoded_bytes = 0;
	struct error e;
	if (offset != blob->size || piece_table_encode(&table, &encoded, &encoded_bytes, &e) != 0)
		abort();
	bytes_add(&out->table, encoded, encoded_bytes);
	free(encoded);
	record->media = media;
	record->stored_bytes = blob->size;
	record->unpacked_bytes = UINT64_C(1) << 32;
	record->entries = 1000000;
	record->user_xattrs = USER_XATTRS_REQUIRED;
	digest_of(blob->data, blob->size, &record->digest);
	digest_of(out->table.data, out->table.size, &record->pieces);
}

/* The source that serves the blob and the table as they are now, with nothing read yet. */
static inline struct source *layer_source(struct layer *layer)
{
	free(layer->source.layer.reads);
	free(layer->source.table.reads);
	layer->source = (struct memory_source){
		.source = {&memory_source_ops},
		.layer = {.name = layer->record.digest,
			.data = layer->blob.data,
			.size = layer->blob.size,
			.reads = calloc(layer->blob.size + 1, sizeof(unsigned))},
		.table = {.name = layer->record.pieces,
			.data = layer->table.data,
			.size = layer->table.size,
			.reads = calloc(layer->table.size + 1, sizeof(unsigned))},
	};
	return &layer->source.source;
}

static inline void layer_free(struct layer *layer)
{
	bytes_free(&layer->blob);
	bytes_free(&layer->table);
	free(layer->source.layer.reads);
	free(layer->source.table.reads);
}

/* Pieces of `piece_bytes` each, one run; it decodes to `decoded_bytes` (a plain tar to itself). */
static inline void layer_cut(struct layer *out, enum media media, const struct bytes *blob,
	uint64_t decoded_bytes, size_t piece_bytes)
{
	size_t count = (blob->size + piece_bytes - 1) / piece_bytes;
	struct piece *pieces = calloc(count, sizeof *pieces);
	if (pieces == NULL)
		abort();
	for (size_t i = 0; i < count; i++) {
		size_t left = blob->size - i * piece_bytes;
		pieces[i].stored_bytes = left < piece_bytes ? left : piece_bytes;
		pieces[i].decoded_bytes = media == MEDIA_TAR ? pieces[i].stored_bytes : 0;
	}
	if (media != MEDIA_TAR)
		pieces[count - 1].decoded_bytes = decoded_bytes;
	layer_make(out, media, blob, pieces, count);
	free(pieces);
}

/* The tar in any of the three media. */
static inline void layer_of_tar(
	struct layer *out, enum media media, const struct bytes *tar, size_t piece_bytes)
{
	struct bytes blob = {0};
	if (media == MEDIA_TAR)
		bytes_add(&blob, tar->data, tar->size);
	else if (media == MEDIA_TAR_GZIP)
		gzip_add(&blob, tar->data, tar->size, NULL);
	else
		zstd_add(&blob, tar->data, tar->size, NULL);
	layer_cut(out, media, &blob, tar->size, piece_bytes);
	bytes_free(&blob);
}

#endif

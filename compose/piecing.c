#include "piecing.h"

#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "../layers/pieces.h"
#include "../layers/scope.h"

struct piecing {
	struct layout *layout;
	struct piecing_settings settings;
	struct blob_writer blob;
	struct piece_table table;
	size_t table_capacity;
	uint64_t largest_bytes;
	uint8_t *tar; /* the piece that is being filled */
	size_t tar_used;
	uint8_t *packed;
	size_t packed_capacity;
	z_stream gzip;
	bool gzip_ready;
	ZSTD_CCtx *zstd;
};

/* --- the three ways to store a piece */

static int start_gzip(struct piecing *self, struct error *e)
{
	/* 15 + 16: a gzip header of zlib's own: no name, no time, and "Unix" on every system. */
	if (deflateInit2(&self->gzip, self->settings.level, Z_DEFLATED, 15 + 16, 8,
		    Z_DEFAULT_STRATEGY) != Z_OK)
		return error_set(e, ERROR_NOSPACE, 0, "no memory for gzip");
	self->gzip_ready = true;
	self->packed_capacity = deflateBound(&self->gzip, self->settings.piece_bytes);
	return 0;
}

static int pack_gzip(struct piecing *self, size_t *size_bytes, struct error *e)
{
	if (deflateReset(&self->gzip) != Z_OK)
		return error_set(e, ERROR_IO, 0, "gzip can't be started");
	self->gzip.next_in = self->tar;
	self->gzip.avail_in = (uInt)self->tar_used;
	self->gzip.next_out = self->packed;
	self->gzip.avail_out = (uInt)self->packed_capacity;
	if (deflate(&self->gzip, Z_FINISH) != Z_STREAM_END)
		return error_set(e, ERROR_IO, 0, "gzip can't be finished");
	*size_bytes = self->packed_capacity - self->gzip.avail_out;
	return 0;
}

static int start_zstd(struct piecing *self, struct error *e)
{
	self->zstd = ZSTD_createCCtx();
	if (self->zstd == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory for zstd");
	if (ZSTD_isError(ZSTD_CCtx_setParameter(
		    self->zstd, ZSTD_c_compressionLevel, self->settings.level)) ||
		ZSTD_isError(ZSTD_CCtx_setParameter(self->zstd, ZSTD_c_checksumFlag, 1)) ||
		ZSTD_isError(ZSTD_CCtx_setParameter(self->zstd, ZSTD_c_contentSizeFlag, 1)))
		return error_set(e, ERROR_IO, 0, "zstd can't be started");
	self->packed_capacity = ZSTD_compressBound(self->settings.piece_bytes);
	return 0;
}

static int pack_zstd(struct piecing *self, size_t *size_bytes, struct error *e)
{
	size_t size = ZSTD_compress2(
		self->zstd, self->packed, self->packed_capacity, self->tar, self->tar_used);
	if (ZSTD_isError(size))
		return error_set(e,
			ZSTD_getErrorCode(size) == ZSTD_error_memory_allocation ? ERROR_NOSPACE
										: ERROR_IO,
			0, "zstd: %s", ZSTD_getErrorName(size));
	*size_bytes = size;
	return 0;
}

static int start_plain(struct piecing *self, struct error *e)
{
	(void)e;
	self->packed_capacity = self->settings.piece_bytes;
	return 0;
}

static int pack_plain(struct piecing *self, size_t *size_bytes, struct error *e)
{
	(void)e;
	memcpy(self->packed, self->tar, self->tar_used);
	*size_bytes = self->tar_used;
	return 0;
}

static const struct {
	int (*start)(struct piecing *self, struct error *e);
	int (*pack)(struct piecing *self, size_t *size_bytes, struct error *e);
} ways[MEDIA_TYPES] = {
	[MEDIA_TAR] = {start_plain, pack_plain},
	[MEDIA_TAR_GZIP] = {start_gzip, pack_gzip},
	[MEDIA_TAR_ZSTD] = {start_zstd, pack_zstd},
};

/* --- pieces */

static int remember_piece(struct piecing *self, const struct piece *piece, struct error *e)
{
	/* Now, and not when all of a bomb has been packed. */
	if (self->table.count == PIECES_MOST)
		return error_set(e, ERROR_LIMIT, 0,
			"more than %d pieces: a larger --piece-size makes fewer", PIECES_MOST);
	if (self->table.count == self->table_capacity) {
		size_t capacity = self->table_capacity * 2 + 64;
		struct piece *pieces = realloc(self->table.pieces, capacity * sizeof *pieces);
		if (pieces == NULL)
			return error_set(e, ERROR_NOSPACE, 0, "no memory for the piece table");
		self->table.pieces = pieces;
		self->table_capacity = capacity;
	}
	self->table.pieces[self->table.count++] = *piece;
	self->table.decoded_bytes += piece->decoded_bytes;
	if (piece->stored_bytes > self->largest_bytes)
		self->largest_bytes = piece->stored_bytes;
	return 0;
}

static int flush_piece(struct piecing *self, struct error *e)
{
	size_t size;
	if (ways[self->settings.media].pack(self, &size, e) != 0)
		return -1;
	struct piece piece = {.stored_bytes = size, .decoded_bytes = self->tar_used};
	digest_of(self->packed, size, &piece.digest);
	if (remember_piece(self, &piece, e) != 0)
		return -1;
	self->tar_used = 0;
	return blob_writer_write(&self->blob, self->packed, size, e);
}

int piecing_open(struct layout *layout, const struct piecing_settings *settings,
	struct piecing **out, struct error *e)
{
	struct piecing *self = calloc(1, sizeof *self);
	if (self == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	self->layout = layout;
	self->settings = *settings;
	self->blob = (struct blob_writer)BLOB_WRITER_INIT;
	if (ways[settings->media].start(self, e) != 0) {
		piecing_close(self);
		return -1;
	}
	self->tar = malloc(settings->piece_bytes);
	self->packed = malloc(self->packed_capacity);
	if (self->tar == NULL || self->packed == NULL) {
		piecing_close(self);
		return error_set(e, ERROR_NOSPACE, 0, "no memory for a piece");
	}
	if (blob_writer_open(layout, &self->blob, e) != 0) {
		piecing_close(self);
		return -1;
	}
	*out = self;
	return 0;
}

int piecing_write(void *piecing, const void *data, size_t size_bytes, struct error *e)
{
	struct piecing *self = piecing;
	const uint8_t *at = data;
	while (size_bytes > 0) {
		size_t room = self->settings.piece_bytes - self->tar_used;
		size_t now = size_bytes < room ? size_bytes : room;
		memcpy(self->tar + self->tar_used, at, now);
		self->tar_used += now;
		at += now;
		size_bytes -= now;
		if (self->tar_used == self->settings.piece_bytes && flush_piece(self, e) != 0)
			return -1;
	}
	return 0;
}

static int finish_table(struct piecing *self, struct layer_record *record, struct error *e)
{
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size_bytes;
	if (piece_table_encode(&self->table, &bytes, &size_bytes, e) != 0) {
		(void)error_wrap(e, "the piece table");
		return -1;
	}
	return layout_add_blob(self->layout, bytes, size_bytes, &record->pieces, e);
}

int piecing_finish(struct piecing *self, struct layer_record *record, struct error *e)
{
	if (self->tar_used > 0 && flush_piece(self, e) != 0)
		return -1;
	if (self->table.count == 0)
		return error_set(e, ERROR_TAR, 0, "an empty file is no tar");
	record->media = self->settings.media;
	record->stored_bytes = self->blob.size_bytes;
	record->largest_piece_bytes = self->largest_bytes;
	if (blob_writer_finish(self->layout, &self->blob, &record->digest, e) != 0)
		return -1;
	return finish_table(self, record, e);
}

void piecing_close(struct piecing *self)
{
	if (self == NULL)
		return;
	if (self->gzip_ready)
		(void)deflateEnd(&self->gzip);
	ZSTD_freeCCtx(self->zstd);
	blob_writer_discard(&self->blob);
	piece_table_free(&self->table);
	free(self->tar);
	free(self->packed);
	free(self);
}

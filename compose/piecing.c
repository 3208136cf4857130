#include "piecing.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

struct piecing {
	struct piece_writer *writer;
	struct piecing_settings settings;
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

static int flush_piece(struct piecing *self, struct error *e)
{
	size_t size;
	if (ways[self->settings.media].pack(self, &size, e) != 0 ||
		piece_writer_add(self->writer, self->packed, size, self->tar_used, e) != 0)
		return -1;
	self->tar_used = 0;
	return 0;
}

int piecing_open(struct piece_writer *writer, const struct piecing_settings *settings,
	struct piecing **out, struct error *e)
{
	struct piecing *self = calloc(1, sizeof *self);
	if (self == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	self->writer = writer;
	self->settings = *settings;
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

int piecing_finish(struct piecing *self, struct error *e)
{
	return self->tar_used > 0 ? flush_piece(self, e) : 0;
}

void piecing_close(struct piecing *self)
{
	if (self == NULL)
		return;
	if (self->gzip_ready)
		(void)deflateEnd(&self->gzip);
	ZSTD_freeCCtx(self->zstd);
	free(self->tar);
	free(self->packed);
	free(self);
}

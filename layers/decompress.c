#include "decompress.h"

#include <errno.h>
#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

/*
 * A codec turns the input at hand into output. It consumes and produces what it can and says
 * whether it stands between two members (gzip) or frames (zstd), which is where a run may end. The
 * loop that pulls pieces, counts and checks the run's end is the same for both.
 */
struct codec {
	int (*start)(struct decompressor *self, struct error *e);
	int (*step)(struct decompressor *self, uint8_t *to, size_t room, size_t *produced,
		struct error *e);
	void (*stop)(struct decompressor *self);
};

struct decompressor {
	const struct codec *codec;
	struct feed *feed;
	const uint8_t *input; /* what is left of the current piece */
	size_t input_bytes;
	bool run_ends;              /* the current piece is the run's last */
	bool at_end;                /* no piece is left */
	bool between;               /* at the border of two members or frames */
	uint64_t run_decoded_bytes; /* what the run must come to */
	uint64_t run_so_far;
	union {
		struct {
			z_stream stream;
			gz_header header;
		} gzip;
		ZSTD_DCtx *zstd;
	};
};

static int gzip_start(struct decompressor *self, struct error *e)
{
	/* 16: gzip only; zlib then checks magic, header CRC, and each member's CRC-32 and ISIZE. */
	if (inflateInit2(&self->gzip.stream, 16 + MAX_WBITS) != Z_OK)
		return error_errno(e, ENOMEM, "start zlib");
	return inflateGetHeader(&self->gzip.stream, &self->gzip.header) == Z_OK
		       ? 0
		       : error_set(e, ERROR_STREAM, 0, "start zlib");
}

static int gzip_step(
	struct decompressor *self, uint8_t *to, size_t room, size_t *produced, struct error *e)
{
	z_stream *stream = &self->gzip.stream;
	if (self->between) {
		if (inflateReset(stream) != Z_OK ||
			inflateGetHeader(stream, &self->gzip.header) != Z_OK)
			return error_set(e, ERROR_STREAM, 0, "start a gzip member");
		self->between = false;
	}
	/* zlib is shown no more than a header may have, until it has seen one. */
	bool in_header = self->gzip.header.done == 0;
	size_t most = in_header ? LIMIT_GZIP_HEADER_BYTES - stream->total_in : SIZE_MAX;
	size_t shown = self->input_bytes < most ? self->input_bytes : most;
	stream->next_in = self->input;
	stream->avail_in = (uInt)shown; /* a piece is at most 16 MiB */
	stream->next_out = to;
	stream->avail_out = (uInt)room; /* a chunk, or 128 KiB */
	int status = inflate(stream, Z_NO_FLUSH);
	*produced = room - stream->avail_out;
	self->input = stream->next_in;
	self->input_bytes -= shown - stream->avail_in;
	if (status == Z_STREAM_END) {
		self->between = true;
		return 0;
	}
	if (status == Z_MEM_ERROR)
		return error_errno(e, ENOMEM, "decode gzip");
	if (status != Z_OK && status != Z_BUF_ERROR)
		return error_set(e, ERROR_STREAM, 0, "gzip: %s",
			stream->msg != NULL ? stream->msg : "damaged data");
	if (self->gzip.header.done == 0 && stream->total_in == LIMIT_GZIP_HEADER_BYTES)
		return error_set(e, ERROR_LIMIT, 0, "gzip: a header of more than %u bytes",
			LIMIT_GZIP_HEADER_BYTES);
	return 0;
}

static void gzip_stop(struct decompressor *self)
{
	(void)inflateEnd(&self->gzip.stream);
}

static int zstd_start(struct decompressor *self, struct error *e)
{
	self->zstd = ZSTD_createDCtx();
	if (self->zstd == NULL || ZSTD_isError(ZSTD_DCtx_setParameter(
					  self->zstd, ZSTD_d_windowLogMax, LIMIT_ZSTD_WINDOW_LOG)))
		return error_errno(e, ENOMEM, "start zstd");
	return 0;
}

static int zstd_step(
	struct decompressor *self, uint8_t *to, size_t room, size_t *produced, struct error *e)
{
	ZSTD_inBuffer in = {self->input, self->input_bytes, 0};
	ZSTD_outBuffer out = {to, room, 0};
	size_t status = ZSTD_decompressStream(self->zstd, &out, &in);
	*produced = out.pos;
	self->input += in.pos;
	self->input_bytes -= in.pos;
	if (!ZSTD_isError(status)) {
		self->between = status == 0;
		return 0;
	}
	switch (ZSTD_getErrorCode(status)) {
	case ZSTD_error_frameParameter_windowTooLarge:
		return error_set(e, ERROR_LIMIT, 0, "zstd: a window of more than %d MiB",
			1 << (LIMIT_ZSTD_WINDOW_LOG - 20));
	case ZSTD_error_memory_allocation:
		return error_errno(e, ENOMEM, "decode zstd");
	default:
		return error_set(e, ERROR_STREAM, 0, "zstd: damaged data (error %d)",
			(int)ZSTD_getErrorCode(status));
	}
}

static void zstd_stop(struct decompressor *self)
{
	(void)ZSTD_freeDCtx(self->zstd);
}

static const struct codec gzip_codec = {gzip_start, gzip_step, gzip_stop};
static const struct codec zstd_codec = {zstd_start, zstd_step, zstd_stop};

int decompressor_open(
	enum media media, struct feed *feed, struct decompressor **out, struct error *e)
{
	struct decompressor *self = calloc(1, sizeof *self);
	if (self == NULL)
		return error_errno(e, ENOMEM, "start a decoder");
	self->codec = media == MEDIA_TAR_GZIP ? &gzip_codec : &zstd_codec;
	self->feed = feed;
	self->run_ends = true;
	self->between = true;
	if (self->codec->start(self, e) != 0) {
		decompressor_close(self);
		return -1;
	}
	*out = self;
	return 0;
}

/* A run is over when its last piece is used up: it must stand at a border and have come to what the
 * table says. */
static int check_run_end(const struct decompressor *self, struct error *e)
{
	if (!self->between)
		return error_set(e, ERROR_STREAM, 0, "compressed data is cut short");
	if (self->run_so_far != self->run_decoded_bytes)
		return error_set(e, ERROR_STREAM, 0,
			"compressed data came to %llu bytes, the piece table says %llu",
			(unsigned long long)self->run_so_far,
			(unsigned long long)self->run_decoded_bytes);
	return 0;
}

static int next_piece(struct decompressor *self, struct error *e)
{
	struct piece_view view;
	if (self->feed->next(self->feed, &view, e) != 0)
		return -1;
	if (view.bytes == NULL) {
		self->at_end = true;
		return 0;
	}
	if (self->run_ends)
		self->run_so_far = 0;
	self->input = verified_data(view.bytes);
	self->input_bytes = verified_size(view.bytes);
	self->run_ends = view.run_ends;
	self->run_decoded_bytes = view.run_decoded_bytes;
	return 0;
}

static int count_output(struct decompressor *self, size_t produced, struct error *e)
{
	self->run_so_far += produced;
	if (self->run_so_far > self->run_decoded_bytes)
		return error_set(e, ERROR_LIMIT, 0,
			"compressed data comes to more than the %llu bytes of the piece table",
			(unsigned long long)self->run_decoded_bytes);
	return 0;
}

int decompressor_fill(struct decompressor *self, uint8_t *to, size_t room_bytes, size_t *got_bytes,
	struct error *e)
{
	size_t got = 0;
	/* A decoder may hold output back when its buffer was full, so a piece is used up only when
	 * a step with nothing to read yields nothing. */
	while (got < room_bytes && !self->at_end) {
		size_t produced = 0;
		if (self->input_bytes > 0 || !self->between) {
			if (self->codec->step(self, to + got, room_bytes - got, &produced, e) !=
					0 ||
				count_output(self, produced, e) != 0)
				return -1;
		}
		got += produced;
		if (produced > 0 || self->input_bytes > 0)
			continue;
		if (self->run_ends && check_run_end(self, e) != 0)
			return -1;
		if (next_piece(self, e) != 0)
			return -1;
	}
	*got_bytes = got;
	return 0;
}

void decompressor_restart(struct decompressor *self)
{
	self->at_end = false;
	self->run_ends = true;
}

void decompressor_close(struct decompressor *self)
{
	if (self == NULL)
		return;
	self->codec->stop(self);
	free(self);
}

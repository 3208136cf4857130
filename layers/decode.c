#include "decode.h"

#include <errno.h>
#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum { OUTPUT_BYTES = 128 * 1024 };

/*
 * A codec turns the input at hand into output. It consumes and produces what it can and says
 * whether it stands between two members (gzip) or frames (zstd), which is where a run may end. The
 * loop that pulls pieces, counts and checks the run's end is the same for all.
 */
struct codec {
	int (*start)(struct decoder *decoder, struct error *e);
	int (*step)(struct decoder *decoder, size_t *produced, struct error *e);
	void (*stop)(struct decoder *decoder);
};

struct decoder {
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
	uint8_t output[OUTPUT_BYTES];
};

static int gzip_start(struct decoder *decoder, struct error *e)
{
	/* 16: gzip only; zlib then checks magic, header CRC, and each member's CRC-32 and ISIZE. */
	if (inflateInit2(&decoder->gzip.stream, 16 + MAX_WBITS) != Z_OK)
		return error_errno(e, ENOMEM, "start zlib");
	return inflateGetHeader(&decoder->gzip.stream, &decoder->gzip.header) == Z_OK
		       ? 0
		       : error_set(e, ERROR_STREAM, 0, "start zlib");
}

static int gzip_step(struct decoder *decoder, size_t *produced, struct error *e)
{
	z_stream *stream = &decoder->gzip.stream;
	if (decoder->between) {
		if (inflateReset(stream) != Z_OK ||
			inflateGetHeader(stream, &decoder->gzip.header) != Z_OK)
			return error_set(e, ERROR_STREAM, 0, "start a gzip member");
		decoder->between = false;
	}
	/* zlib is shown no more than a header may have, until it has seen one. */
	bool in_header = decoder->gzip.header.done == 0;
	size_t most = in_header ? LIMIT_GZIP_HEADER_BYTES - stream->total_in : SIZE_MAX;
	size_t shown = decoder->input_bytes < most ? decoder->input_bytes : most;
	stream->next_in = decoder->input;
	stream->avail_in = (uInt)shown; /* a piece is at most 16 MiB */
	stream->next_out = decoder->output;
	stream->avail_out = OUTPUT_BYTES;
	int status = inflate(stream, Z_NO_FLUSH);
	*produced = OUTPUT_BYTES - stream->avail_out;
	decoder->input = stream->next_in;
	decoder->input_bytes -= shown - stream->avail_in;
	if (status == Z_STREAM_END) {
		decoder->between = true;
		return 0;
	}
	if (status == Z_MEM_ERROR)
		return error_errno(e, ENOMEM, "decode gzip");
	if (status != Z_OK && status != Z_BUF_ERROR)
		return error_set(e, ERROR_STREAM, 0, "gzip: %s",
			stream->msg != NULL ? stream->msg : "damaged data");
	if (decoder->gzip.header.done == 0 && stream->total_in == LIMIT_GZIP_HEADER_BYTES)
		return error_set(e, ERROR_LIMIT, 0, "gzip: a header of more than %u bytes",
			LIMIT_GZIP_HEADER_BYTES);
	return 0;
}

static void gzip_stop(struct decoder *decoder)
{
	(void)inflateEnd(&decoder->gzip.stream);
}

static int zstd_start(struct decoder *decoder, struct error *e)
{
	decoder->zstd = ZSTD_createDCtx();
	if (decoder->zstd == NULL || ZSTD_isError(ZSTD_DCtx_setParameter(decoder->zstd,
					     ZSTD_d_windowLogMax, LIMIT_ZSTD_WINDOW_LOG)))
		return error_errno(e, ENOMEM, "start zstd");
	return 0;
}

static int zstd_step(struct decoder *decoder, size_t *produced, struct error *e)
{
	ZSTD_inBuffer in = {decoder->input, decoder->input_bytes, 0};
	ZSTD_outBuffer out = {decoder->output, OUTPUT_BYTES, 0};
	size_t status = ZSTD_decompressStream(decoder->zstd, &out, &in);
	*produced = out.pos;
	decoder->input += in.pos;
	decoder->input_bytes -= in.pos;
	if (!ZSTD_isError(status)) {
		decoder->between = status == 0;
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

static void zstd_stop(struct decoder *decoder)
{
	(void)ZSTD_freeDCtx(decoder->zstd);
}

static const struct codec gzip_codec = {gzip_start, gzip_step, gzip_stop};
static const struct codec zstd_codec = {zstd_start, zstd_step, zstd_stop};

static const struct codec *const codecs[MEDIA_TYPES] = {
	[MEDIA_TAR] = NULL, /* a piece is handed on as it is */
	[MEDIA_TAR_GZIP] = &gzip_codec,
	[MEDIA_TAR_ZSTD] = &zstd_codec,
};

int decoder_open(enum media media, struct feed *feed, struct decoder **out, struct error *e)
{
	struct decoder *decoder = calloc(1, sizeof *decoder);
	if (decoder == NULL)
		return error_errno(e, ENOMEM, "start a decoder");
	decoder->codec = codecs[media];
	decoder->feed = feed;
	decoder->run_ends = true;
	decoder->between = true;
	if (decoder->codec != NULL && decoder->codec->start(decoder, e) != 0) {
		decoder_close(decoder);
		return -1;
	}
	*out = decoder;
	return 0;
}

/* A run is over when its last piece is used up: it must stand at a border and have come to what the
 * table says. */
static int check_run_end(const struct decoder *decoder, struct error *e)
{
	if (!decoder->between)
		return error_set(e, ERROR_STREAM, 0, "compressed data is cut short");
	if (decoder->run_so_far != decoder->run_decoded_bytes)
		return error_set(e, ERROR_STREAM, 0,
			"compressed data came to %llu bytes, the piece table says %llu",
			(unsigned long long)decoder->run_so_far,
			(unsigned long long)decoder->run_decoded_bytes);
	return 0;
}

static int next_piece(struct decoder *decoder, struct error *e)
{
	struct piece_view view;
	if (decoder->feed->next(decoder->feed, &view, e) != 0)
		return -1;
	if (view.bytes == NULL) {
		decoder->at_end = true;
		return 0;
	}
	if (decoder->run_ends)
		decoder->run_so_far = 0;
	decoder->input = verified_data(view.bytes);
	decoder->input_bytes = verified_size(view.bytes);
	decoder->run_ends = view.run_ends;
	decoder->run_decoded_bytes = view.run_decoded_bytes;
	return 0;
}

static int read_plain(
	struct decoder *decoder, const uint8_t **data, size_t *size_bytes, struct error *e)
{
	if (next_piece(decoder, e) != 0)
		return -1;
	*data = decoder->input;
	*size_bytes = decoder->at_end ? 0 : decoder->input_bytes;
	return 0;
}

static int count_output(struct decoder *decoder, size_t produced, struct error *e)
{
	decoder->run_so_far += produced;
	if (decoder->run_so_far > decoder->run_decoded_bytes)
		return error_set(e, ERROR_LIMIT, 0,
			"compressed data comes to more than the %llu bytes of the piece table",
			(unsigned long long)decoder->run_decoded_bytes);
	return 0;
}

int decoder_read(struct decoder *decoder, const uint8_t **data, size_t *size_bytes, struct error *e)
{
	if (decoder->at_end) {
		*size_bytes = 0;
		return 0;
	}
	if (decoder->codec == NULL)
		return read_plain(decoder, data, size_bytes, e);

	/* A decoder may hold output back when its buffer was full, so a piece is used up only when
	 * a step with nothing to read yields nothing. */
	for (;;) {
		size_t produced = 0;
		if (decoder->input_bytes > 0 || !decoder->between) {
			if (decoder->codec->step(decoder, &produced, e) != 0 ||
				count_output(decoder, produced, e) != 0)
				return -1;
		}
		if (produced > 0) {
			*data = decoder->output;
			*size_bytes = produced;
			return 0;
		}
		if (decoder->input_bytes > 0)
			continue;
		if (decoder->run_ends && check_run_end(decoder, e) != 0)
			return -1;
		if (next_piece(decoder, e) != 0)
			return -1;
		if (decoder->at_end) {
			*size_bytes = 0;
			return 0;
		}
	}
}

void decoder_close(struct decoder *decoder)
{
	if (decoder == NULL)
		return;
	if (decoder->codec != NULL)
		decoder->codec->stop(decoder);
	free(decoder);
}

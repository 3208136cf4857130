/* layers/decode.c: zlib and zstd fail where no stream makes them. */
#include "faults.h"

#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "bytes.h"
#include "memory_source.h"
#include "layers/decode.h"
#include "layers/stream.h"

/* The call that fails, the how manyeth one of it (from 1), and with what. */
static struct {
	const char *name;
	unsigned left;
	int status;
} broken;

static bool breaks(const char *name)
{
	return broken.name != NULL && strcmp(broken.name, name) == 0 && --broken.left == 0;
}

#define WRAP(type, name, parameters, arguments, failure)                                           \
	type __real_##name parameters;                                                             \
	type __wrap_##name parameters;                                                             \
	type __wrap_##name parameters                                                              \
	{                                                                                          \
		return breaks(#name) ? (failure) : __real_##name arguments;                        \
	}
WRAP(int, inflateInit2_, (z_streamp stream, int bits, const char *version, int size),
	(stream, bits, version, size), broken.status)
WRAP(int, inflateGetHeader, (z_streamp stream, gz_headerp header), (stream, header), broken.status)
WRAP(int, inflateReset, (z_streamp stream), (stream), broken.status)
WRAP(int, inflate, (z_streamp stream, int flush), (stream, flush), broken.status)
WRAP(ZSTD_DCtx *, ZSTD_createDCtx, (void), (), NULL)
WRAP(size_t, ZSTD_DCtx_setParameter, (ZSTD_DCtx * context, ZSTD_dParameter parameter, int value),
	(context, parameter, value), (size_t)-broken.status)
WRAP(size_t, ZSTD_decompressStream,
	(ZSTD_DStream * context, ZSTD_outBuffer *out, ZSTD_inBuffer *in), (context, out, in),
	(size_t)-broken.status)

/* All of a layer of two runs. */
static int decode(enum media media, struct error *e)
{
	struct bytes plain = {0};
	struct layer layer;
	struct stream *stream = NULL;
	struct decoder *decoder = NULL;
	const uint8_t *data;
	size_t size = 1, all = 0;
	bytes_fill(&plain, 'p', 5000);
	layer_of_tar(&layer, media, &plain, 20);
	if (stream_open(layer_source(&layer), &layer.record, &stream, e) != 0)
		abort();
	int status = decoder_open(media, stream_feed(stream), &decoder, e);
	while (status == 0 && size > 0) {
		status = decoder_read(decoder, &data, &size, e);
		all += status == 0 ? size : 0;
	}
	if (status == 0 && all != plain.size)
		status = FAULTS_WRONG;
	decoder_close(decoder);
	stream_close(stream);
	layer_free(&layer);
	bytes_free(&plain);
	return status;
}

int main(void)
{
	static const struct {
		const char *name;
		unsigned number;
		int status;
		enum media media;
		enum error_code code;
	} rows[] = {
		{"inflateInit2_", 1, Z_MEM_ERROR, MEDIA_TAR_GZIP, ERROR_NOSPACE},
		{"inflateGetHeader", 1, Z_STREAM_ERROR, MEDIA_TAR_GZIP, ERROR_STREAM},
		{"inflateGetHeader", 2, Z_STREAM_ERROR, MEDIA_TAR_GZIP, ERROR_STREAM},
		{"inflateReset", 1, Z_STREAM_ERROR, MEDIA_TAR_GZIP, ERROR_STREAM},
		{"inflate", 1, Z_MEM_ERROR, MEDIA_TAR_GZIP, ERROR_NOSPACE},
		{"inflate", 2, Z_NEED_DICT, MEDIA_TAR_GZIP, ERROR_STREAM},
		{"ZSTD_createDCtx", 1, 0, MEDIA_TAR_ZSTD, ERROR_NOSPACE},
		{"ZSTD_DCtx_setParameter", 1, ZSTD_error_parameter_outOfBound, MEDIA_TAR_ZSTD,
			ERROR_NOSPACE},
		{"ZSTD_decompressStream", 1, ZSTD_error_memory_allocation, MEDIA_TAR_ZSTD,
			ERROR_NOSPACE},
	};
	struct error e;
	for (enum media media = MEDIA_TAR; media < MEDIA_TYPES; media++)
		is_int(decode(media, &e), 0, "nothing fails: %s", media_name(media));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		broken.name = rows[i].name;
		broken.left = rows[i].number;
		broken.status = rows[i].status;
		e = (struct error){0};
		int status = decode(rows[i].media, &e);
		error_is(status, &e, rows[i].code, "%s fails, call %u", rows[i].name,
			rows[i].number);
	}
	decoder_close(NULL);
	return done();
}

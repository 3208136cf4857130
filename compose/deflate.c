#include "deflate.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

static int with_gzip(const struct bytes *in, struct bytes *out, struct error *e)
{
	z_stream stream = {0};
	if (in->size > UINT32_MAX / 2)
		return error_set(
			e, ERROR_LIMIT, 0, "%zu bytes at once are too many for gzip", in->size);
	if (deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return error_set(e, ERROR_NOSPACE, 0, "no memory for gzip");
	out->capacity = deflateBound(&stream, in->size);
	out->data = malloc(out->capacity);
	stream.next_in = in->data;
	stream.avail_in = (uInt)in->size;
	stream.next_out = out->data;
	stream.avail_out = (uInt)out->capacity;
	int result = 0;
	if (out->data == NULL)
		result = error_set(e, ERROR_NOSPACE, 0, "no memory for gzip");
	else if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
		result = error_set(e, ERROR_IO, 0, "gzip can't be finished");
	out->size = out->capacity - stream.avail_out;
	(void)deflateEnd(&stream);
	return result;
}

/* With the content's size in the frame's header and no checksum, as `zstd` gives the kernel. */
static int with_zstd(const struct bytes *in, struct bytes *out, struct error *e)
{
	out->capacity = ZSTD_compressBound(in->size);
	out->data = malloc(out->capacity);
	if (out->data == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory for zstd");
	size_t size = ZSTD_compress(out->data, out->capacity, in->data, in->size, 19);
	if (ZSTD_isError(size))
		return error_set(e, ERROR_IO, 0, "zstd: %s", ZSTD_getErrorName(size));
	out->size = size;
	return 0;
}

int deflate_bytes(struct bytes *bytes, const char *how, struct error *e)
{
	struct bytes out = {0};
	if (strcmp(how, "none") == 0)
		return 0;
	int result =
		strcmp(how, "gzip") == 0 ? with_gzip(bytes, &out, e) : with_zstd(bytes, &out, e);
	if (result != 0) {
		bytes_free(&out);
		return -1;
	}
	bytes_free(bytes);
	*bytes = out;
	return 0;
}

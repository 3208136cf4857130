#include "made_layer.h"

#include <stdlib.h>

#include "../layers/scope.h"
#include "measure.h"
#include "piecing.h"
#include "unzip.h"

static int write_layer(struct piece_writer *writer, made_layer_fill *fill, void *context,
	struct layer_record *record, struct error *e)
{
	static const struct piecing_settings settings = {
		.media = MEDIA_TAR_ZSTD, .level = 3, .piece_bytes = 1024 * 1024};
	struct piecing *piecing;
	record->media = settings.media;
	if (piecing_open(writer, &settings, &piecing, e) != 0)
		return -1;
	int result = fill(context, piecing, e);
	if (result == 0)
		result = piecing_finish(piecing, e);
	piecing_close(piecing);
	return result == 0 ? piece_writer_finish(writer, record, e) : -1;
}

int made_layer_add(struct layout *layout, made_layer_fill *fill, void *context,
	enum user_xattrs user_xattrs, struct layer_record *out, struct error *e)
{
	struct piece_writer writer = PIECE_WRITER_INIT;
	struct layer_record record = {0};
	int result = piece_writer_open(layout, &writer, e);
	if (result == 0)
		result = write_layer(&writer, fill, context, &record, e);
	piece_writer_close(&writer);
	if (result != 0 || measure_layer(layout, user_xattrs, &record, e) != 0)
		return -1;
	*out = record;
	return 0;
}

static int fill_from_tar(void *context, void *piecing, struct error *e)
{
	enum { CHUNK_BYTES = 256 * 1024 };
	SCOPED_FREE uint8_t *chunk = malloc(CHUNK_BYTES);
	size_t got;
	if (chunk == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	for (;;) {
		if (unzip_read(context, chunk, CHUNK_BYTES, &got, e) != 0)
			return -1;
		if (got == 0)
			return 0;
		if (piecing_write(piecing, chunk, got, e) != 0)
			return -1;
	}
}

int made_layer_add_tar(struct layout *layout, int fd, enum user_xattrs user_xattrs,
	struct layer_record *out, struct error *e)
{
	struct unzip *unzip;
	if (unzip_open(fd, &unzip, e) != 0)
		return -1;
	int result = made_layer_add(layout, fill_from_tar, unzip, user_xattrs, out, e);
	unzip_close(unzip);
	return result;
}

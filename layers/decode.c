#include "decode_private.h"

#include <errno.h>
#include <stdlib.h>

#include "decompress.h"

enum { OUTPUT_BYTES = 128 * 1024 };

/* Pieces of a plain tar, each handed on as it is. */
struct plain {
	struct decoder decoder;
	struct feed *feed;
	bool at_end;
};

static int plain_read(
	struct decoder *decoder, const uint8_t **data, size_t *size_bytes, struct error *e)
{
	struct plain *self = (struct plain *)decoder;
	struct piece_view view = {0};
	if (!self->at_end && self->feed->next(self->feed, &view, e) != 0)
		return -1;
	self->at_end = view.bytes == NULL;
	*size_bytes = 0;
	if (!self->at_end) {
		*data = verified_data(view.bytes);
		*size_bytes = verified_size(view.bytes);
	}
	return 0;
}

static void plain_close(struct decoder *decoder)
{
	free(decoder);
}

static const struct decoder_ops plain_ops = {plain_read, plain_close};

static int plain_open(struct feed *feed, struct decoder **out, struct error *e)
{
	struct plain *self = calloc(1, sizeof *self);
	if (self == NULL)
		return error_errno(e, ENOMEM, "start a decoder");
	*self = (struct plain){.decoder = {&plain_ops}, .feed = feed};
	*out = &self->decoder;
	return 0;
}

struct sequential {
	struct decoder decoder;
	struct decompressor *decompressor;
	uint8_t output[OUTPUT_BYTES];
};

static int sequential_read(
	struct decoder *decoder, const uint8_t **data, size_t *size_bytes, struct error *e)
{
	struct sequential *self = (struct sequential *)decoder;
	*data = self->output;
	return decompressor_fill(self->decompressor, self->output, OUTPUT_BYTES, size_bytes, e);
}

static void sequential_close(struct decoder *decoder)
{
	struct sequential *self = (struct sequential *)decoder;
	decompressor_close(self->decompressor);
	free(self);
}

static const struct decoder_ops sequential_ops = {sequential_read, sequential_close};

static int sequential_open(
	enum media media, struct feed *feed, struct decoder **out, struct error *e)
{
	struct sequential *self = malloc(sizeof *self);
	if (self == NULL)
		return error_errno(e, ENOMEM, "start a decoder");
	self->decoder.ops = &sequential_ops;
	if (decompressor_open(media, feed, &self->decompressor, e) != 0) {
		free(self);
		return -1;
	}
	*out = &self->decoder;
	return 0;
}

int decoder_open(enum media media, struct feed *feed, struct decoder **out, struct error *e)
{
	return media == MEDIA_TAR ? plain_open(feed, out, e) : sequential_open(media, feed, out, e);
}

int decoder_read(struct decoder *decoder, const uint8_t **data, size_t *size_bytes, struct error *e)
{
	return decoder->ops->read(decoder, data, size_bytes, e);
}

void decoder_close(struct decoder *decoder)
{
	if (decoder != NULL)
		decoder->ops->close(decoder);
}

#include "layer_stored.h"

#include "../layers/decode.h"

/* Between a stream and its decoder: sees each checked piece as it passes. */
struct tap {
	struct feed feed;
	struct feed *from;
	layer_sink *sink;
	void *context;
	struct sha256 hash;
};

static int tap_next(struct feed *feed, struct piece_view *out, struct error *e)
{
	struct tap *tap = (struct tap *)feed;
	if (tap->from->next(tap->from, out, e) != 0)
		return -1;
	if (out->bytes == NULL)
		return 0;
	const uint8_t *data = verified_data(out->bytes);
	size_t size_bytes = verified_size(out->bytes);
	sha256_update(&tap->hash, data, size_bytes);
	return tap->sink != NULL ? tap->sink(tap->context, data, size_bytes, e) : 0;
}

static int hash_tar(struct tap *tap, enum media media, struct digest *diff_id, struct error *e)
{
	struct decoder *decoder;
	struct sha256 hash;
	const uint8_t *data;
	size_t size_bytes = 1;
	int result = 0;
	if (decoder_open(media, &tap->feed, &decoder, e) != 0)
		return -1;
	sha256_start(&hash);
	while (result == 0 && size_bytes > 0) {
		result = decoder_read(decoder, &data, &size_bytes, e);
		if (result == 0)
			sha256_update(&hash, data, size_bytes);
	}
	decoder_close(decoder);
	sha256_finish(&hash, diff_id);
	return result;
}

int layer_stored_read(struct layout *layout, const struct layer_record *record, layer_sink *sink,
	void *context, struct digest *diff_id, struct error *e)
{
	struct stream *stream;
	struct digest whole, tar;
	if (stream_open(layout->source, record, &stream, e) != 0)
		return -1;
	struct tap tap = {.feed = {.next = tap_next},
		.from = stream_feed(stream),
		.sink = sink,
		.context = context};
	sha256_start(&tap.hash);
	int result = hash_tar(&tap, record->media, &tar, e);
	stream_close(stream);
	if (result != 0)
		return -1;
	sha256_finish(&tap.hash, &whole);
	if (!digest_equal(&whole, &record->digest))
		return error_set(e, ERROR_DIGEST, 0, "the blob as a whole differs from its digest");
	*diff_id = tar;
	return 0;
}

#include "measure.h"

#include "../layers/scope.h"
#include "../layers/unpack.h"
#include "scratch.h"

static const struct unpack_options as_much_as_there_can_be = {
	.max_unpacked_bytes = LIMIT_LAYER_UNPACKED_BYTES,
	.max_entries = LIMIT_LAYER_ENTRIES,
	.names_only = true,
};

static int unpack_names(struct layout *layout, const struct layer_record *record,
	struct unpack_result *result, struct error *e)
{
	SCOPED_SCRATCH scratch = SCRATCH_INIT;
	struct stream *stream;
	struct decoder *decoder;
	if (scratch_open(&scratch, e) != 0 || stream_open(layout->source, record, &stream, e) != 0)
		return -1;
	int status = decoder_open(record->media, stream_feed(stream), &decoder, e);
	if (status == 0) {
		status = unpack_tar(decoder, scratch.fd, &as_much_as_there_can_be, result, e);
		decoder_close(decoder);
	}
	stream_close(stream);
	return status;
}

int measure_layer(struct layout *layout, enum user_xattrs user_xattrs, struct layer_record *record,
	struct error *e)
{
	struct unpack_result result = {0};
	record->unpacked_bytes = LIMIT_LAYER_UNPACKED_BYTES;
	record->entries = LIMIT_LAYER_ENTRIES;
	record->user_xattrs = USER_XATTRS_OPTIONAL;
	if (unpack_names(layout, record, &result, e) != 0)
		return -1;
	record->unpacked_bytes = result.unpacked_bytes;
	record->entries = result.entries;
	record->user_xattrs = result.user_xattrs > 0 ? user_xattrs : USER_XATTRS_NONE;
	unpack_result_free(&result);
	return 0;
}

/* The registry's digest: /init relies on the pieces, whose table is signed, but a blob that goes to
 * a registry must have both. */
int measure_digest(struct layout *layout, const struct digest *digest, struct error *e)
{
	enum { CHUNK_BYTES = 256 * 1024 };
	static uint8_t chunk[CHUNK_BYTES];
	struct blob *blob;
	struct sha256 hash;
	struct digest actual;
	int status = 0;
	if (layout->source->ops->open_blob(layout->source, digest, &blob, e) != 0)
		return -1;
	sha256_start(&hash);
	for (uint64_t at = 0; at < blob->size_bytes && status == 0;) {
		uint64_t left = blob->size_bytes - at;
		size_t now = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
		status = blob->ops->read_at(blob, at, chunk, now, e);
		sha256_update(&hash, chunk, now);
		at += now;
	}
	blob_close(blob);
	sha256_finish(&hash, &actual);
	if (status == 0 && !digest_equal(&actual, digest))
		status = error_set(
			e, ERROR_DIGEST, 0, "the blob as a whole differs from its digest");
	return status;
}

int measure_check(struct layout *layout, const struct layer_record *record, struct error *e)
{
	static const struct layer_unpack_options options = {
		.user_xattrs_supported = true, .names_only = true};
	struct unpack_result result = {0};
	/* The pieces first: their error names the place. */
	SCOPED_SCRATCH scratch = SCRATCH_INIT;
	if (scratch_open(&scratch, e) != 0 ||
		layer_unpack(layout->source, record, scratch.fd, &options, &result, e) != 0)
		return -1;
	unpack_result_free(&result);
	return measure_digest(layout, &record->digest, e);
}

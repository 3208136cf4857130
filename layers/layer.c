#include "unpack.h"

#include "scope.h"

/* The signature says how much there is: less is as wrong as more, for it would be another layer. */
static int check_counts(
	const struct layer_record *record, const struct unpack_result *result, struct error *e)
{
	if (result->entries != record->entries)
		return error_set(e, ERROR_SIZE, 0, "%llu entries, the signed stack file says %llu",
			(unsigned long long)result->entries, (unsigned long long)record->entries);
	if (result->unpacked_bytes != record->unpacked_bytes)
		return error_set(e, ERROR_SIZE, 0,
			"unpacks to %llu bytes, the signed stack file says %llu",
			(unsigned long long)result->unpacked_bytes,
			(unsigned long long)record->unpacked_bytes);
	return 0;
}

static int check_user_xattrs(const struct layer_record *record,
	const struct layer_unpack_options *options, struct error *e)
{
	if (record->user_xattrs == USER_XATTRS_REQUIRED && !options->user_xattrs_supported)
		return error_set(e, ERROR_KERNEL, 0,
			"the layer has user.* xattrs, which this kernel's tmpfs cannot hold (Linux "
			"6.6 can)");
	return 0;
}

static int open_decoder(struct stream *stream, const struct layer_record *record, unsigned workers,
	struct decoder **out, struct error *e)
{
	/* Less than two chunks leave nothing to do at once. */
	if (workers == 0 || stream_pieces(stream)->decoded_bytes < 2 * DECODER_CHUNK_BYTES)
		return decoder_open(record->media, stream_feed(stream), out, e);
	return decoder_open_parallel(stream, record->media, workers, out, e);
}

int layer_unpack_stream(struct stream *stream, const struct layer_record *record, int root_fd,
	const struct layer_unpack_options *options, struct unpack_result *out, struct error *e)
{
	const struct unpack_options limits = {
		.max_unpacked_bytes = record->unpacked_bytes,
		.max_entries = record->entries,
		.skip_user_xattrs = !options->user_xattrs_supported,
		.refuse_user_xattrs = record->user_xattrs == USER_XATTRS_NONE,
		.names_only = options->names_only,
		.beats = options->beats,
		.observer = options->observer,
	};
	struct decoder *decoder = NULL;
	if (check_user_xattrs(record, options, e) != 0 ||
		open_decoder(stream, record, options->workers, &decoder, e) != 0)
		return -1;
	stream_on_beat(stream, options->beats);
	if (options->progress != NULL)
		stream_on_progress(stream, options->progress, options->progress_context);
	struct unpack_result result = {0};
	int status = unpack_tar(decoder, root_fd, &limits, &result, e);
	decoder_close(decoder);
	if (status != 0)
		return -1;
	if (check_counts(record, &result, e) != 0) {
		unpack_result_free(&result);
		return -1;
	}
	*out = result;
	return 0;
}

int layer_unpack(struct source *source, const struct layer_record *record, int root_fd,
	const struct layer_unpack_options *options, struct unpack_result *out, struct error *e)
{
	struct stream *stream = NULL;
	if (stream_open(source, record, &stream, e) != 0)
		return -1;
	int status = layer_unpack_stream(stream, record, root_fd, options, out, e);
	stream_close(stream);
	return status;
}

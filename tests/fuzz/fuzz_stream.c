/*
 * gzip and zstd in pieces. The input is
 *
 *     u8      bit 0: zstd instead of gzip; bits 1 and 2: threads, 1 to 4; bits 3 to 7: their chunks
 *     u8      how many cuts follow, 15 at most
 *     cuts    u16 bytes of the piece; u8, even: it ends a run; i8, how far the table's number of
 *             decoded bytes is from the truth
 *     rest    the blob; what the cuts leave is the last piece
 *
 * What a run decodes to is known from zlib and zstd when they are given it whole. The decoder must
 * accept just what they accept and the table states rightly, give the very same bytes, never more
 * of a run than the table says, and no other error than ERROR_STREAM and ERROR_LIMIT: in this
 * thread and in several, with the same words.
 */
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>

#include "digest.h"
#include "feed.h"
#include "layers/memory_source.h"
#include "layers/parallel_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CUTS_MOST = 16, CUT_BYTES = 4, RUN_MOST_BYTES = 200 * 1024 };

struct input {
	enum media media;
	unsigned workers;
	size_t chunk_bytes;
	size_t count;
	struct cut cuts[CUTS_MOST];
	int8_t off_by[CUTS_MOST];
	const uint8_t *blob;
	size_t blob_bytes;
};

static bool input_read(const uint8_t *data, size_t size, struct input *out)
{
	if (size < 3)
		return false;
	out->media = data[0] & 1 ? MEDIA_TAR_ZSTD : MEDIA_TAR_GZIP;
	out->workers = 1 + (data[0] >> 1 & 3);
	out->chunk_bytes = (size_t)512 << (data[0] >> 3) % 10;
	size_t stated = data[1] % CUTS_MOST;
	if (size <= 2 + stated * CUT_BYTES)
		return false;
	out->blob = data + 2 + stated * CUT_BYTES;
	out->blob_bytes = size - 2 - stated * CUT_BYTES;
	out->count = 0;
	size_t left = out->blob_bytes;
	for (size_t i = 0; i < stated; i++) {
		const uint8_t *at = data + 2 + i * CUT_BYTES;
		size_t length = (size_t)(at[0] | at[1] << 8);
		if (length == 0 || length >= left)
			continue;
		left -= length;
		out->off_by[out->count] = (int8_t)at[3];
		out->cuts[out->count++] =
			(struct cut){.size_bytes = length, .run_ends = at[2] % 2 == 0};
	}
	/* The last piece ends its run whatever is said; what is said of the first run holds. */
	out->off_by[out->count] = out->count > 0 ? out->off_by[0] : 0;
	out->cuts[out->count++] = (struct cut){.size_bytes = left, .run_ends = true};
	return true;
}

/* --- the reference: a run whole, up to RUN_MOST_BYTES of it */

struct reference {
	uint8_t *bytes; /* RUN_MOST_BYTES and one, to see that there are more */
	size_t size;
	bool whole;       /* it is right to its end */
	bool long_header; /* of gzip: more than the decoder takes */
};

static void gunzip(const uint8_t *data, size_t size, struct reference *out)
{
	z_stream stream = {.next_in = data, .avail_in = (uInt)size};
	must(inflateInit2(&stream, 16 + MAX_WBITS) == Z_OK);
	int status = Z_OK;
	do {
		gz_header header = {0};
		const uint8_t *begin = stream.next_in;
		must(inflateReset(&stream) == Z_OK && inflateGetHeader(&stream, &header) == Z_OK);
		/* Z_BLOCK: the first call returns behind the header. */
		stream.next_out = out->bytes + out->size;
		stream.avail_out = (uInt)(RUN_MOST_BYTES + 1 - out->size);
		status = inflate(&stream, Z_BLOCK);
		size_t header_bytes = (size_t)(stream.next_in - begin);
		out->long_header |= header_bytes > LIMIT_GZIP_HEADER_BYTES;
		while (status == Z_OK && stream.avail_out > 0 && stream.avail_in > 0)
			status = inflate(&stream, Z_NO_FLUSH);
		out->size = RUN_MOST_BYTES + 1 - stream.avail_out;
	} while (status == Z_STREAM_END && stream.avail_in > 0);
	out->whole = status == Z_STREAM_END;
	(void)inflateEnd(&stream);
}

static void unzstd(const uint8_t *data, size_t size, struct reference *out)
{
	ZSTD_DCtx *context = ZSTD_createDCtx();
	must(context != NULL && !ZSTD_isError(ZSTD_DCtx_setParameter(
					context, ZSTD_d_windowLogMax, LIMIT_ZSTD_WINDOW_LOG)));
	ZSTD_inBuffer in = {data, size, 0};
	ZSTD_outBuffer to = {out->bytes, RUN_MOST_BYTES + 1, 0};
	size_t status = 1, before;
	do {
		before = in.pos + to.pos;
		status = ZSTD_decompressStream(context, &to, &in);
	} while (!ZSTD_isError(status) && in.pos + to.pos > before && to.pos < to.size &&
		 (in.pos < in.size || status != 0));
	out->size = to.pos;
	out->whole = status == 0 && in.pos == in.size;
	(void)ZSTD_freeDCtx(context);
}

/* --- the comparison */

struct check {
	struct input *input;
	struct reference run;
	bool right; /* all runs so far are, and the table says so */
	struct sha256 hash;
	uint64_t bytes, most_bytes; /* decoded in truth; by the table */
};

/* Take the run of pieces `first` .. `last`, and make the table's number of it. */
static void take_run(
	struct check *check, const uint8_t *data, size_t size, size_t first, size_t last)
{
	struct reference *run = &check->run;
	run->size = 0;
	run->long_header = false;
	if (check->input->media == MEDIA_TAR_GZIP)
		gunzip(data, size, run);
	else
		unzstd(data, size, run);
	int64_t stated = (int64_t)run->size + check->input->off_by[last];
	if (run->size > RUN_MOST_BYTES)
		stated = RUN_MOST_BYTES;
	else if (stated < 1)
		stated = 1; /* a table has no other number for the end of a run */
	for (size_t i = first; i <= last; i++)
		check->input->cuts[i].run_decoded_bytes = (uint64_t)stated;
	check->right &= run->whole && run->size <= RUN_MOST_BYTES && !run->long_header &&
			(uint64_t)stated == run->size;
	check->most_bytes += (uint64_t)stated;
	check->bytes += run->size;
	sha256_update(&check->hash, run->bytes, run->size);
}

static void take_runs(struct check *check)
{
	struct input *input = check->input;
	const uint8_t *at = input->blob;
	size_t first = 0, size = 0;
	for (size_t i = 0; i < input->count; i++) {
		size += input->cuts[i].size_bytes;
		if (!input->cuts[i].run_ends)
			continue;
		take_run(check, at, size, first, i);
		at += size;
		size = 0;
		first = i + 1;
	}
}

struct outcome {
	int result;
	struct error e;
	uint64_t bytes;
	struct digest digest;
};

static struct outcome read_all(struct decoder *decoder, uint64_t most_bytes)
{
	struct outcome out = {0};
	struct sha256 hash;
	sha256_start(&hash);
	for (;;) {
		const uint8_t *data = NULL;
		size_t size = 0;
		out.result = decoder_read(decoder, &data, &size, &out.e);
		if (out.result != 0 || size == 0)
			break;
		sha256_update(&hash, data, size);
		out.bytes += size;
		must(out.bytes <= most_bytes);
	}
	sha256_finish(&hash, &out.digest);
	return out;
}

static struct outcome read_here(const struct check *check)
{
	const struct input *input = check->input;
	struct memory_feed feed = memory_feed(input->blob, input->cuts, input->count);
	struct decoder *decoder = NULL;
	struct error e = {0};
	must(decoder_open(input->media, &feed.feed, &decoder, &e) == 0);
	struct outcome out = read_all(decoder, check->most_bytes);
	decoder_close(decoder);
	memory_feed_close(&feed);
	return out;
}

static struct outcome read_by_threads(const struct check *check)
{
	const struct input *input = check->input;
	struct piece pieces[CUTS_MOST] = {{0}};
	struct bytes blob = {0};
	struct layer layer;
	struct stream *stream = NULL;
	struct decoder *decoder = NULL;
	struct error e = {0};
	for (size_t i = 0; i < input->count; i++) {
		pieces[i].stored_bytes = input->cuts[i].size_bytes;
		if (input->cuts[i].run_ends)
			pieces[i].decoded_bytes = input->cuts[i].run_decoded_bytes;
	}
	bytes_add(&blob, input->blob, input->blob_bytes);
	layer_make(&layer, input->media, &blob, pieces, input->count);
	must(stream_open(layer_source(&layer), &layer.record, &stream, &e) == 0);
	must(parallel_open(
		     stream, input->media, input->workers, input->chunk_bytes, &decoder, &e) == 0);
	struct outcome out = read_all(decoder, check->most_bytes);
	decoder_close(decoder);
	stream_close(stream);
	layer_free(&layer);
	bytes_free(&blob);
	return out;
}

static void check_outcome(const struct check *check, const struct outcome *out)
{
	struct digest want;
	sha256_finish(&check->hash, &want);
	must((out->result == 0) == check->right);
	if (out->result != 0)
		must(out->e.code == ERROR_STREAM || out->e.code == ERROR_LIMIT);
	else
		must(out->bytes == check->bytes && digest_equal(&out->digest, &want));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t room[RUN_MOST_BYTES + 1];
	struct input input;
	if (!input_read(data, size, &input))
		return 0;
	struct check check = {.input = &input, .run.bytes = room, .right = true};
	sha256_start(&check.hash);
	take_runs(&check);
	struct outcome here = read_here(&check), threads = read_by_threads(&check);
	check_outcome(&check, &here);
	check_outcome(&check, &threads);
	/* Of a run that is both damaged and too long, either may be seen first. */
	must(here.e.code != threads.e.code || strcmp(here.e.text, threads.e.text) == 0);
	return 0;
}

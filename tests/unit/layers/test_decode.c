/* layers/decode.c: gzip, zstd and plain streams in pieces, and all that can be wrong with them. */
#include "layers/parallel_private.h"
#include "errors.h"
#include "memory_source.h"
#include "random.h"

enum { WAYS = 6 };

/* In this thread, or by several, in chunks so small that there are many, or as they are. */
static int open_way(
	int way, struct stream *stream, enum media media, struct decoder **out, struct error *e)
{
	static const struct {
		unsigned workers;
		size_t chunk_bytes;
	} ways[WAYS] = {{0}, {1, 3000}, {2, 7777}, {4, 5000}, {DECODER_WORKERS_MOST, 20000},
		{2, DECODER_CHUNK_BYTES}};
	if (way == 0)
		return decoder_open(media, stream_feed(stream), out, e);
	return parallel_open(stream, media, ways[way].workers, ways[way].chunk_bytes, out, e);
}

/* All that a layer decodes to; on failure what came before is kept too. */
static int decode_way(int way, struct layer *layer, struct bytes *out, struct error *e)
{
	struct stream *stream = NULL;
	struct decoder *decoder = NULL;
	const uint8_t *data = NULL;
	size_t size = 0;
	*out = (struct bytes){0};
	if (stream_open(layer_source(layer), &layer->record, &stream, e) != 0)
		return -1;
	if (open_way(way, stream, layer->record.media, &decoder, e) != 0)
		abort();
	int result;
	do {
		result = decoder_read(decoder, &data, &size, e);
		if (result == 0)
			bytes_add(out, data, size);
	} while (result == 0 && size > 0);
	struct error again = {0};
	size = 1;
	if (result == 0)
		ok(decoder_read(decoder, &data, &size, &again) == 0 && size == 0,
			"the end stays the end");
	else if (way > 0)
		ok(decoder_read(decoder, &data, &size, &again) == -1 && again.code == e->code,
			"an error stays the error");
	if (result != 0)
		ok(way == 0 || decoder_read(decoder, &data, &size, NULL) == -1,
			"also for who does not ask why");
	decoder_close(decoder);
	stream_close(stream);
	return result;
}

/* Every way must come to the same, errors and their words included. */
static int decode(struct layer *layer, struct bytes *out, struct error *e)
{
	int result = decode_way(0, layer, out, e);
	for (int way = 1; way < WAYS; way++) {
		struct bytes other;
		struct error why = {0};
		int status = decode_way(way, layer, &other, &why);
		bool same = status == result && why.code == e->code &&
			    strcmp(why.text, e->text) == 0 &&
			    (status != 0 || (other.size == out->size &&
						    (out->size == 0 || memcmp(other.data, out->data,
									       out->size) == 0)));
		if (!same)
			ok(false, "way %d: %d instead of %d, %s: %s", way, status, result, why.text,
				e->text);
		bytes_free(&other);
	}
	return result;
}

static void gives(struct layer *layer, const struct bytes *want, const char *name)
{
	struct bytes got;
	struct error e = {0};
	bool good = decode(layer, &got, &e) == 0 && got.size == want->size &&
		    memcmp(got.data, want->data, want->size) == 0;
	if (!ok(good, "%s", name))
		printf("# %zu bytes, %s\n", got.size, e.text);
	bytes_free(&got);
	layer_free(layer);
}

static void fails(struct layer *layer, enum error_code code, const char *name)
{
	struct bytes got;
	struct error e = {0};
	error_is(decode(layer, &got, &e), &e, code, "%s", name);
	bytes_free(&got);
	layer_free(layer);
}

/* Text that compresses a little, so that there is more than one block. */
static struct bytes sample(size_t size)
{
	struct bytes out = {0};
	uint64_t seed = 5;
	while (out.size < size) {
		char line[32];
		(void)snprintf(line, sizeof line, "%llx\n",
			(unsigned long long)random_u64(&seed) >> random_below(&seed, 40));
		bytes_add(&out, line, strlen(line));
	}
	out.size = size;
	return out;
}

static const char *const media_text[] = {"plain", "gzip", "zstd"};

static void compress_into(struct bytes *out, enum media media, const void *data, size_t size)
{
	if (media == MEDIA_TAR_GZIP)
		gzip_add(out, data, size, NULL);
	else if (media == MEDIA_TAR_ZSTD)
		zstd_add(out, data, size, NULL);
	else
		bytes_add(out, data, size);
}

static void decodes_pieces_of_any_size(void)
{
	static const size_t sizes[] = {1, 2, 3, 17, 1000, 65536, 1 << 20};
	struct bytes plain = sample(300000);
	for (enum media media = MEDIA_TAR; media < MEDIA_TYPES; media++) {
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			char name[64];
			struct layer layer;
			struct bytes some = plain;
			if (sizes[i] < 17)
				some.size = 20000;
			layer_of_tar(&layer, media, &some, sizes[i]);
			(void)snprintf(name, sizeof name, "%s in pieces of %zu", media_text[media],
				sizes[i]);
			gives(&layer, &some, name);
		}
	}
	bytes_free(&plain);
}

/* Members or frames of their own as pieces, runs of several pieces, and several members in one. */
static void decodes_runs(void)
{
	for (enum media media = MEDIA_TAR_GZIP; media < MEDIA_TYPES; media++) {
		struct bytes plain = sample(10000), blob = {0};
		struct piece pieces[6] = {0};
		struct layer layer;
		compress_into(&blob, media, plain.data, 4000);
		size_t first = blob.size;
		compress_into(&blob, media, plain.data + 4000, 3000);
		size_t second = blob.size;
		compress_into(&blob, media, plain.data + 7000, 3000);

		pieces[0] = (struct piece){.stored_bytes = first, .decoded_bytes = 4000};
		pieces[1] = (struct piece){.stored_bytes = second - first, .decoded_bytes = 3000};
		pieces[2] =
			(struct piece){.stored_bytes = blob.size - second, .decoded_bytes = 3000};
		layer_make(&layer, media, &blob, pieces, 3);
		gives(&layer, &plain, "three runs of one piece");

		pieces[0] = (struct piece){.stored_bytes = 10};
		pieces[1] = (struct piece){.stored_bytes = first - 10, .decoded_bytes = 4000};
		pieces[2] = (struct piece){.stored_bytes = second - first + 5};
		pieces[3] = (struct piece){
			.stored_bytes = blob.size - second - 5, .decoded_bytes = 6000};
		layer_make(&layer, media, &blob, pieces, 4);
		gives(&layer, &plain, "two runs, the second with two members across two pieces");

		pieces[1].decoded_bytes = 3999;
		layer_make(&layer, media, &blob, pieces, 4);
		fails(&layer, ERROR_LIMIT, "a run that comes to one byte more than its table says");
		pieces[1].decoded_bytes = 4001;
		layer_make(&layer, media, &blob, pieces, 4);
		fails(&layer, ERROR_STREAM, "a run that comes to one byte less");
		pieces[1].decoded_bytes = 4000;
		pieces[3].decoded_bytes = 5999;
		layer_make(&layer, media, &blob, pieces, 4);
		fails(&layer, ERROR_LIMIT, "the last run, one more");
		pieces[3].decoded_bytes = 6001;
		layer_make(&layer, media, &blob, pieces, 4);
		fails(&layer, ERROR_STREAM, "the last run, one less");

		/* The border of two runs where no member ends. */
		pieces[0] = (struct piece){.stored_bytes = first - 1, .decoded_bytes = 4000};
		pieces[1] = (struct piece){
			.stored_bytes = blob.size - first + 1, .decoded_bytes = 6000};
		layer_make(&layer, media, &blob, pieces, 2);
		fails(&layer, ERROR_STREAM, "a run that ends inside a member");
		pieces[0] = (struct piece){.stored_bytes = first + 1, .decoded_bytes = 4000};
		pieces[1] = (struct piece){
			.stored_bytes = blob.size - first - 1, .decoded_bytes = 6000};
		layer_make(&layer, media, &blob, pieces, 2);
		fails(&layer, ERROR_STREAM, "a run that takes a byte of the next member");
		bytes_free(&plain);
		bytes_free(&blob);
	}
}

static void refuses_other_formats(void)
{
	struct bytes plain = sample(5000);
	for (enum media is = MEDIA_TAR; is < MEDIA_TYPES; is++) {
		for (enum media called = MEDIA_TAR_GZIP; called < MEDIA_TYPES; called++) {
			struct bytes blob = {0};
			struct layer layer;
			char name[64];
			if (is == called)
				continue;
			compress_into(&blob, is, plain.data, plain.size);
			layer_cut(&layer, called, &blob, plain.size, 1000);
			(void)snprintf(name, sizeof name, "%s called %s", media_text[is],
				media_text[called]);
			fails(&layer, ERROR_STREAM, name);
			bytes_free(&blob);
		}
	}
	static const char zlib_stream[] = "\x78\x9c\x03\x00\x00\x00\x00\x01";
	struct bytes blob = {0};
	struct layer layer;
	bytes_add(&blob, zlib_stream, sizeof zlib_stream - 1);
	layer_cut(&layer, MEDIA_TAR_GZIP, &blob, 1, 100);
	fails(&layer, ERROR_STREAM, "zlib called gzip");
	bytes_free(&blob);
	bytes_free(&plain);
}

/* The blob with one change, which the piece table vouches for. */
static void damaged(enum media media, const struct bytes *plain, const struct bytes *blob,
	size_t at, uint8_t flip, enum error_code code, const char *name)
{
	struct layer layer;
	blob->data[at] ^= flip;
	layer_cut(&layer, media, blob, plain->size, 777);
	blob->data[at] ^= flip;
	fails(&layer, code, name);
}

static void checks_trailers(void)
{
	struct bytes plain = sample(5000), gzip = {0}, zstd = {0};
	gzip_add(&gzip, plain.data, plain.size, NULL);
	zstd_add(&zstd, plain.data, plain.size, NULL);
	damaged(MEDIA_TAR_GZIP, &plain, &gzip, 0, 1, ERROR_STREAM, "gzip: wrong magic");
	damaged(MEDIA_TAR_GZIP, &plain, &gzip, 2, 1, ERROR_STREAM, "gzip: wrong method");
	damaged(MEDIA_TAR_GZIP, &plain, &gzip, 3, 0xe0, ERROR_STREAM, "gzip: reserved flags");
	damaged(MEDIA_TAR_GZIP, &plain, &gzip, gzip.size - 8, 1, ERROR_STREAM, "gzip: bad CRC");
	damaged(MEDIA_TAR_GZIP, &plain, &gzip, gzip.size - 5, 0x80, ERROR_STREAM,
		"gzip: bad CRC, last bit");
	damaged(MEDIA_TAR_GZIP, &plain, &gzip, gzip.size - 4, 1, ERROR_STREAM, "gzip: bad ISIZE");
	damaged(MEDIA_TAR_GZIP, &plain, &gzip, gzip.size - 1, 0x80, ERROR_STREAM,
		"gzip: bad ISIZE, last bit");
	damaged(MEDIA_TAR_ZSTD, &plain, &zstd, 0, 1, ERROR_STREAM, "zstd: wrong magic");
	damaged(MEDIA_TAR_ZSTD, &plain, &zstd, zstd.size - 1, 1, ERROR_STREAM,
		"zstd: bad checksum");
	damaged(MEDIA_TAR_ZSTD, &plain, &zstd, 4, 8, ERROR_STREAM, "zstd: reserved bit");
	bytes_free(&plain);
	bytes_free(&gzip);
	bytes_free(&zstd);
}

static void refuses_cut_streams(void)
{
	for (enum media media = MEDIA_TAR_GZIP; media < MEDIA_TYPES; media++) {
		struct bytes plain = sample(5000), blob = {0};
		compress_into(&blob, media, plain.data, plain.size);
		size_t whole = blob.size;
		for (size_t i = 0; i < 64; i++) {
			struct layer layer;
			char name[64];
			/* The first 16 and last 16 bytes, and 32 places between. */
			blob.size = i < 16   ? i + 1
				    : i < 32 ? whole - 1 - (i - 16)
					     : whole * (i - 31) / 34;
			layer_cut(&layer, media, &blob, plain.size, 500);
			(void)snprintf(
				name, sizeof name, "%s cut at %zu", media_text[media], blob.size);
			fails(&layer, ERROR_STREAM, name);
		}
		blob.size = whole;
		bytes_free(&plain);
		bytes_free(&blob);
	}
}

static void refuses_trailing_bytes(void)
{
	static const char *const tails[] = {"\0", "x", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
		"\x1f\x8b", "\x28\xb5\x2f\xfd"};
	static const size_t sizes[] = {1, 1, 20, 2, 4};
	for (enum media media = MEDIA_TAR_GZIP; media < MEDIA_TYPES; media++) {
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			struct bytes plain = sample(5000), blob = {0};
			struct layer layer;
			char name[64];
			compress_into(&blob, media, plain.data, plain.size);
			bytes_add(&blob, tails[i], sizes[i]);
			layer_cut(&layer, media, &blob, plain.size, 4096);
			(void)snprintf(name, sizeof name, "%s with tail %zu", media_text[media], i);
			fails(&layer, ERROR_STREAM, name);
			bytes_free(&plain);
			bytes_free(&blob);
		}
	}
}

/* Nothing is guessed, so nothing recurses: a gzip that decodes to itself would do so once. */
static void takes_one_layer_of_compression(void)
{
	struct bytes plain = sample(5000), once = {0}, twice = {0};
	struct layer layer;
	gzip_add(&once, plain.data, plain.size, NULL);
	gzip_add(&twice, once.data, once.size, NULL);
	layer_cut(&layer, MEDIA_TAR_GZIP, &twice, once.size, 4096);
	gives(&layer, &once, "gzip in gzip decodes to gzip, which is no tar");
	bytes_free(&plain);
	bytes_free(&once);
	bytes_free(&twice);
}

static void bounds_gzip_headers(void)
{
	struct bytes plain = sample(5000);
	/* Magic, method, flags, time, flags, system: 10 bytes; then the name with its NUL. */
	static const struct {
		size_t name_bytes, piece_bytes;
		enum error_code code;
		const char *text;
	} rows[] = {
		{1 << 20, 4 << 20, ERROR_LIMIT, "a name of 1 MiB, in one piece"},
		{1 << 20, 1000, ERROR_LIMIT, "a name of 1 MiB, in many"},
		{4086, 4 << 20, ERROR_LIMIT, "a header of 4097 bytes"},
		{4086, 64, ERROR_LIMIT, "a header of 4097 bytes, in many pieces"},
		{4085, 4 << 20, ERROR_NONE, "a header of 4096 bytes"},
		{4085, 1, ERROR_NONE, "a header of 4096 bytes, byte by byte"},
		{4085, 4096, ERROR_NONE, "a header of 4096 bytes, a piece of its own"},
		{10, 4 << 20, ERROR_NONE, "a short name"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *name = calloc(1, rows[i].name_bytes + 1);
		if (name == NULL)
			abort();
		memset(name, 'n', rows[i].name_bytes);
		gz_header header = {.name = (Bytef *)name, .os = 3};
		struct bytes blob = {0};
		struct layer layer;
		/* A member without it first, so that the second is held to it too. */
		gzip_add(&blob, plain.data, 100, NULL);
		gzip_add(&blob, plain.data + 100, plain.size - 100, &header);
		layer_cut(&layer, MEDIA_TAR_GZIP, &blob, plain.size, rows[i].piece_bytes);
		if (rows[i].code == ERROR_NONE)
			gives(&layer, &plain, rows[i].text);
		else
			fails(&layer, rows[i].code, rows[i].text);
		bytes_free(&blob);
		free(name);
	}
	gz_header header = {.hcrc = 1, .os = 3};
	struct bytes blob = {0};
	struct layer layer;
	gzip_add(&blob, plain.data, plain.size, &header);
	layer_cut(&layer, MEDIA_TAR_GZIP, &blob, plain.size, 100);
	gives(&layer, &plain, "a header with a CRC");
	blob.data[10] ^= 1;
	layer_cut(&layer, MEDIA_TAR_GZIP, &blob, plain.size, 100);
	fails(&layer, ERROR_STREAM, "a header with a wrong CRC");
	bytes_free(&blob);
	bytes_free(&plain);
}

static void bounds_bombs(void)
{
	struct bytes zeros = {0};
	zeros.data = calloc(1, 32 << 20);
	if (zeros.data == NULL)
		abort();
	zeros.size = 32 << 20;
	for (enum media media = MEDIA_TAR_GZIP; media < MEDIA_TYPES; media++) {
		struct bytes blob = {0}, got;
		struct layer layer;
		struct error e;
		char name[64];
		compress_into(&blob, media, zeros.data, zeros.size);
		layer_cut(&layer, media, &blob, 40960, 1 << 20);
		(void)snprintf(name, sizeof name, "%s: %zu bytes that come to 32 MiB",
			media_text[media], blob.size);
		error_is(decode(&layer, &got, &e), &e, ERROR_LIMIT, "%s", name);
		ok(got.size <= 40960, "stopped after %zu bytes", got.size);
		bytes_free(&got);
		layer_free(&layer);
		bytes_free(&blob);
	}
	free(zeros.data);

	/* Empty members cost time and give nothing: they are bounded by the blob's size. */
	struct bytes blob = {0}, plain = sample(10);
	struct layer layer;
	for (int i = 0; i < 20000; i++)
		gzip_add(&blob, "", 0, NULL);
	gzip_add(&blob, plain.data, plain.size, NULL);
	layer_cut(&layer, MEDIA_TAR_GZIP, &blob, plain.size, 1 << 20);
	gives(&layer, &plain, "20,000 empty members");
	bytes_free(&blob);
	bytes_free(&plain);
}

static void bounds_zstd(void)
{
	struct bytes plain = sample(100000), blob = {0};
	struct layer layer;
	zstd_add(&blob, plain.data, plain.size, &(struct zstd_how){.window_log = 23});
	layer_cut(&layer, MEDIA_TAR_ZSTD, &blob, plain.size, 10000);
	gives(&layer, &plain, "zstd: a window of 8 MiB");
	blob.size = 0;
	zstd_add(&blob, plain.data, plain.size, &(struct zstd_how){.window_log = 24});
	layer_cut(&layer, MEDIA_TAR_ZSTD, &blob, plain.size, 10000);
	fails(&layer, ERROR_LIMIT, "zstd: a window of 16 MiB");
	/* 8 MiB and one eighth: the mantissa counts. */
	blob.size = 0;
	zstd_add(&blob, plain.data, plain.size, &(struct zstd_how){.window_log = 23});
	blob.data[5] |= 1;
	layer_cut(&layer, MEDIA_TAR_ZSTD, &blob, plain.size, 10000);
	fails(&layer, ERROR_LIMIT, "zstd: a window of 9 MiB");

	/* A raw dictionary has no id in the frame; a trained one does. */
	blob.size = 0;
	zstd_add(&blob, plain.data, plain.size,
		&(struct zstd_how){.dictionary = plain.data, .dictionary_bytes = 50000});
	layer_cut(&layer, MEDIA_TAR_ZSTD, &blob, plain.size, 10000);
	fails(&layer, ERROR_STREAM, "zstd: made with a dictionary");
	static const uint8_t with_id[] = {
		0x28, 0xb5, 0x2f, 0xfd, 0x21, 0x07, 0x01, 0x09, 0x00, 0x00, 'x'};
	blob.size = 0;
	bytes_add(&blob, with_id, sizeof with_id);
	layer_cut(&layer, MEDIA_TAR_ZSTD, &blob, 1, 100);
	fails(&layer, ERROR_STREAM, "zstd: wants dictionary 7");
	static const uint8_t without_id[] = {
		0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x01, 0x09, 0x00, 0x00, 'x'};
	struct bytes x = {0};
	bytes_add(&x, "x", 1);
	blob.size = 0;
	bytes_add(&blob, without_id, sizeof without_id);
	layer_cut(&layer, MEDIA_TAR_ZSTD, &blob, 1, 100);
	gives(&layer, &x, "zstd: the same frame without");
	bytes_free(&x);

	/* As zstd:chunked has them; part of the format (RFC 8878 3.1.2). */
	static const char skippable[] = "\x50\x2a\x4d\x18\x04\0\0\0abcd";
	for (size_t piece = 1; piece <= 1 << 20; piece <<= 20) {
		blob.size = 0;
		bytes_add(&blob, skippable, sizeof skippable - 1);
		zstd_add(&blob, plain.data, 50000, NULL);
		bytes_add(&blob, skippable, sizeof skippable - 1);
		zstd_add(&blob, plain.data + 50000, 50000, NULL);
		bytes_add(&blob, skippable, sizeof skippable - 1);
		layer_cut(&layer, MEDIA_TAR_ZSTD, &blob, plain.size, piece);
		gives(&layer, &plain, "zstd: skippable frames before, between and behind");
		blob.size--;
		layer_cut(&layer, MEDIA_TAR_ZSTD, &blob, plain.size, piece);
		fails(&layer, ERROR_STREAM, "zstd: a cut skippable frame");
	}
	bytes_free(&plain);
	bytes_free(&blob);
}

/* Signed noise: an error or the same bytes, never more than the table says. */
static void survives_noise(void)
{
	for (enum media media = MEDIA_TAR_GZIP; media < MEDIA_TYPES; media++) {
		struct bytes plain = sample(2000), blob = {0};
		uint64_t seed = 6;
		int wrong = 0;
		compress_into(&blob, media, plain.data, plain.size);
		for (int i = 0; i < 2000; i++) {
			struct layer layer;
			struct bytes got;
			struct error e;
			size_t at = random_below(&seed, blob.size);
			uint8_t flip = (uint8_t)(1 + random_below(&seed, 255));
			blob.data[at] ^= flip;
			layer_cut(&layer, media, &blob, plain.size, 1 + random_below(&seed, 300));
			blob.data[at] ^= flip;
			struct stream *stream = NULL;
			struct decoder *decoder = NULL;
			if (stream_open(layer_source(&layer), &layer.record, &stream, &e) != 0 ||
				decoder_open(media, stream_feed(stream), &decoder, &e) != 0)
				abort();
			got = (struct bytes){0};
			const uint8_t *data;
			size_t size = 1;
			int result = 0;
			while (result == 0 && size > 0)
				if ((result = decoder_read(decoder, &data, &size, &e)) == 0)
					bytes_add(&got, data, size);
			wrong += got.size > plain.size ||
				 (result == 0 && memcmp(got.data, plain.data, plain.size) != 0) ||
				 (result != 0 && e.code != ERROR_STREAM && e.code != ERROR_LIMIT);
			decoder_close(decoder);
			stream_close(stream);
			bytes_free(&got);
			layer_free(&layer);
		}
		is_int(wrong, 0, "%s: 2,000 changed bytes", media_text[media]);
		bytes_free(&plain);
		bytes_free(&blob);
	}
}

int main(void)
{
	decodes_pieces_of_any_size();
	decodes_runs();
	refuses_other_formats();
	checks_trailers();
	refuses_cut_streams();
	refuses_trailing_bytes();
	takes_one_layer_of_compression();
	bounds_gzip_headers();
	bounds_bombs();
	bounds_zstd();
	survives_noise();
	return done();
}

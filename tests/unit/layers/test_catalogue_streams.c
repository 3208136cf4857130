/* The catalogue of bad inputs, row "streams": each thing by name, in under a second of CPU time. */
#include "bad_tars.h"
#include "random.h"

/* One thing of the catalogue. Without `make` it is the good tar in `media`, with the byte at
 * `number` (from the end if negative) changed by `flip`. */
struct bad_stream {
	const char *name;
	enum error_code code;
	enum media media;
	/* The blob, and what its table says it decodes to; `turn` counts to `turns`. */
	void (*make)(const struct bad_stream *self, bool bad, unsigned turn, struct bytes *blob,
		uint64_t *decoded);
	unsigned turns; /* 1 when left out */
	long number;
	uint8_t flip;
	const char *text; /* of `number` bytes */
};

/* A tar of two files, the second with text that compresses a little. */
static struct bytes good_tar;

static void make_good_tar(void)
{
	struct bytes text = {0};
	uint64_t seed = 5;
	while (text.size < 20000) {
		char line[32];
		(void)snprintf(line, sizeof line, "%llx\n",
			(unsigned long long)random_u64(&seed) >> random_below(&seed, 40));
		bytes_add(&text, line, strlen(line));
	}
	tar_add(&good_tar, &(struct item){.path = "first", .body = "hello"});
	tar_add(&good_tar,
		&(struct item){
			.path = "second", .body = (char *)text.data, .body_bytes = text.size});
	tar_end(&good_tar);
	bytes_free(&text);
}

static void compress_into(struct bytes *out, enum media media, const struct bytes *data)
{
	if (media == MEDIA_TAR_GZIP)
		gzip_add(out, data->data, data->size, NULL);
	else if (media == MEDIA_TAR_ZSTD)
		zstd_add(out, data->data, data->size, NULL);
	else
		bytes_add(out, data->data, data->size);
}

/* --- making them --------------------------------------------------------------------------------
 */

static void make_flipped(const struct bad_stream *self, bool bad, unsigned turn, struct bytes *blob,
	uint64_t *decoded)
{
	(void)turn;
	compress_into(blob, self->media, &good_tar);
	*decoded = good_tar.size;
	if (bad)
		blob->data[self->number < 0 ? (long)blob->size + self->number : self->number] ^=
			self->flip;
}

/* What is in medium `number` is called `media`. */
static void make_misnamed(const struct bad_stream *self, bool bad, unsigned turn,
	struct bytes *blob, uint64_t *decoded)
{
	(void)turn;
	compress_into(blob, bad ? (enum media)self->number : self->media, &good_tar);
	*decoded = good_tar.size;
}

/* The first 16 places, the last 16, and 32 between. */
static void make_cut(const struct bad_stream *self, bool bad, unsigned turn, struct bytes *blob,
	uint64_t *decoded)
{
	compress_into(blob, self->media, &good_tar);
	*decoded = good_tar.size;
	if (bad)
		blob->size = turn < 16   ? turn + 1
			     : turn < 32 ? blob->size - 1 - (turn - 16)
					 : blob->size * (turn - 31) / 34;
}

static void make_tail(const struct bad_stream *self, bool bad, unsigned turn, struct bytes *blob,
	uint64_t *decoded)
{
	(void)turn;
	compress_into(blob, self->media, &good_tar);
	*decoded = good_tar.size;
	if (bad)
		bytes_add(blob, self->text, (size_t)self->number);
}

/* `number` times more than once, the innermost a good tar. A gzip that decodes to itself would be
 * refused for the same reason, after its first turn: what comes out of a gzip is not looked at for
 * another one. */
static void make_nested(const struct bad_stream *self, bool bad, unsigned turn, struct bytes *blob,
	uint64_t *decoded)
{
	(void)turn;
	compress_into(blob, self->media, &good_tar);
	*decoded = good_tar.size;
	for (long i = 0; bad && i < self->number; i++) {
		struct bytes inner = *blob;
		*blob = (struct bytes){0};
		*decoded = inner.size;
		compress_into(blob, self->media, &inner);
		bytes_free(&inner);
	}
}

/* A file name of `number` bytes in the gzip header; in the twin the longest that is allowed. */
static void make_named(const struct bad_stream *self, bool bad, unsigned turn, struct bytes *blob,
	uint64_t *decoded)
{
	size_t size = bad ? (size_t)self->number : LIMIT_GZIP_HEADER_BYTES - 11;
	char *name = malloc(size + 1);
	(void)turn;
	if (name == NULL)
		abort();
	memset(name, 'n', size);
	name[size] = '\0';
	gz_header header = {.name = (Bytef *)name, .os = 3};
	gzip_add(blob, good_tar.data, good_tar.size, &header);
	*decoded = good_tar.size;
	free(name);
}

/* 64 MiB of zeros in a file, and a table that says `number` bytes, or the truth when that is 0; the
 * twin is small. The record signs for what the good tar unpacks to in both cases. */
static void make_bomb(const struct bad_stream *self, bool bad, unsigned turn, struct bytes *blob,
	uint64_t *decoded)
{
	struct bytes tar = {0};
	size_t size = bad ? 64 << 20 : 16384;
	char *zeros = calloc(1, size);
	(void)turn;
	if (zeros == NULL)
		abort();
	tar_add(&tar, &(struct item){.path = "a", .body = "x"});
	tar_add(&tar, &(struct item){.path = "zeros", .body = zeros, .body_bytes = size});
	tar_end(&tar);
	compress_into(blob, self->media, &tar);
	*decoded = bad && self->number > 0 ? (uint64_t)self->number : tar.size;
	if (bad && blob->size > size / 1000)
		ok(false, "%zu bytes are no 1000:1 bomb", blob->size);
	free(zeros);
	bytes_free(&tar);
}

static void make_window(const struct bad_stream *self, bool bad, unsigned turn, struct bytes *blob,
	uint64_t *decoded)
{
	(void)turn;
	zstd_add(blob, good_tar.data, good_tar.size,
		&(struct zstd_how){.window_log = bad ? (int)self->number : LIMIT_ZSTD_WINDOW_LOG});
	if (bad)
		blob->data[5] |= self->flip; /* the window's eighths */
	*decoded = good_tar.size;
}

/* Made with a dictionary that is no zstd dictionary, so that its id is not written. */
static void make_raw_dictionary(const struct bad_stream *self, bool bad, unsigned turn,
	struct bytes *blob, uint64_t *decoded)
{
	struct zstd_how how = {.dictionary = good_tar.data, .dictionary_bytes = bad ? 10000 : 0};
	(void)self, (void)turn;
	zstd_add(blob, good_tar.data, good_tar.size, bad ? &how : NULL);
	*decoded = good_tar.size;
}

/* The good frame with the field "dictionary id" put in (RFC 8878 3.1.1.1): 7, one byte. */
static void make_dictionary_id(const struct bad_stream *self, bool bad, unsigned turn,
	struct bytes *blob, uint64_t *decoded)
{
	enum { DESCRIPTOR = 4, SINGLE_SEGMENT = 0x20 };
	struct bytes frame = {0};
	(void)self, (void)turn;
	zstd_add(&frame, good_tar.data, good_tar.size, NULL);
	*decoded = good_tar.size;
	size_t header = DESCRIPTOR + 1 + ((frame.data[DESCRIPTOR] & SINGLE_SEGMENT) != 0 ? 0 : 1);
	bytes_add(blob, frame.data, header);
	if (bad) {
		blob->data[DESCRIPTOR] |= 1;
		bytes_add(blob, "\x07", 1);
	}
	bytes_add(blob, frame.data + header, frame.size - header);
	bytes_free(&frame);
}

/* --- running them -------------------------------------------------------------------------------
 */

static void make_stream(const struct bad_stream *self, bool bad, unsigned turn, struct bytes *blob,
	uint64_t *decoded)
{
	*blob = (struct bytes){0};
	if (self->make != NULL)
		self->make(self, bad, turn, blob, decoded);
	else
		make_flipped(self, bad, turn, blob, decoded);
}

/* Signed, in pieces of three sizes; the slowest tells the time. */
static bool stream_is_refused(
	const struct bad_stream *self, const struct bytes *blob, uint64_t decoded, long *most_ms)
{
	static const size_t pieces[] = {13, 777, 1 << 20};
	bool good = true;
	for (size_t i = blob->size > 100000 ? 1 : 0; i < 3; i++) {
		struct layer layer;
		struct error e;
		layer_cut(&layer, self->media, blob, decoded, pieces[i]);
		if (self->make == make_bomb) {
			layer.record.entries = 2;
			layer.record.unpacked_bytes = 4096 + 16384;
		}
		clock_t began = clock();
		bool refused = layer_is_refused(&layer, self->code, false, false, &e);
		long ms = (long)((clock() - began) * 1000 / CLOCKS_PER_SEC);
		if (!refused)
			show_refusal("signed", &e, self->code);
		if (*most_ms < ms)
			*most_ms = ms;
		good &= refused;
		layer_free(&layer);
	}
	return good;
}

static bool stream_is_taken(const struct bad_stream *self)
{
	struct bytes blob;
	struct layer layer;
	struct sandbox sandbox;
	struct unpack_result result;
	struct error e;
	uint64_t decoded;
	make_stream(self, false, 0, &blob, &decoded);
	layer_cut(&layer, self->media, &blob, decoded, 777);
	layer.record.entries = 2;
	layer.record.unpacked_bytes = 4096 + (self->make == make_bomb ? 16384 : 20480);
	sandbox_open(&sandbox);
	bool good = unpack_layer(&layer, &sandbox, false, &result, &e) == 0;
	good &= leaves_canaries(&sandbox);
	if (good)
		unpack_result_free(&result);
	else
		printf("# %s\n", e.text);
	sandbox_close(&sandbox);
	layer_free(&layer);
	bytes_free(&blob);
	return good;
}

static void run_bad_stream(const struct bad_stream *self)
{
	bool refused = true, unsigned_refused = true;
	long most_ms = 0;
	for (unsigned turn = 0; turn == 0 || turn < self->turns; turn++) {
		struct bytes blob;
		uint64_t decoded;
		make_stream(self, true, turn, &blob, &decoded);
		refused &= stream_is_refused(self, &blob, decoded, &most_ms);
		unsigned_refused &= blob_is_refused_unsigned(&blob, self->media);
		bytes_free(&blob);
	}
	ok(refused, "catalogue: streams: %s: %s", self->name, error_code_name(self->code));
	ok(most_ms < 1000, "... in under 1 s (%ld ms of CPU time)", most_ms);
	ok(unsigned_refused, "... unsigned: DIGEST, and nothing is made");
	ok(stream_is_taken(self), "... its twin is taken");
	catalogue_rows++;
	catalogue_tests += 4;
}

/* --- the catalogue ------------------------------------------------------------------------------
 */

#define GZIP(code, ...) code, MEDIA_TAR_GZIP, __VA_ARGS__
#define ZSTD(code, ...) code, MEDIA_TAR_ZSTD, __VA_ARGS__
#define FLIP(at, bits) .number = at, .flip = bits
#define TAIL(bytes) .make = make_tail, .text = bytes, .number = sizeof(bytes) - 1

static const struct bad_stream items[] = {
	{"gzip: wrong magic", GZIP(ERROR_STREAM, FLIP(0, 1))},
	{"gzip: wrong magic, second byte", GZIP(ERROR_STREAM, FLIP(1, 0x80))},
	{"gzip: wrong method", GZIP(ERROR_STREAM, FLIP(2, 1))},
	{"zstd: wrong magic", ZSTD(ERROR_STREAM, FLIP(0, 1))},
	{"zstd: wrong magic, of a skippable frame", ZSTD(ERROR_STREAM, FLIP(1, 0x9f))},
	{"zstd called gzip", GZIP(ERROR_STREAM, .make = make_misnamed, .number = MEDIA_TAR_ZSTD)},
	{"tar called gzip", GZIP(ERROR_STREAM, .make = make_misnamed, .number = MEDIA_TAR)},
	{"gzip called zstd", ZSTD(ERROR_STREAM, .make = make_misnamed, .number = MEDIA_TAR_GZIP)},
	{"tar called zstd", ZSTD(ERROR_STREAM, .make = make_misnamed, .number = MEDIA_TAR)},
	{"gzip: bad CRC", GZIP(ERROR_STREAM, FLIP(-8, 1))},
	{"gzip: bad CRC, its last bit", GZIP(ERROR_STREAM, FLIP(-5, 0x80))},
	{"gzip: bad ISIZE", GZIP(ERROR_STREAM, FLIP(-4, 1))},
	{"gzip: bad ISIZE, its last bit", GZIP(ERROR_STREAM, FLIP(-1, 0x80))},
	{"gzip: cut at 64 offsets", GZIP(ERROR_STREAM, .make = make_cut, .turns = 64)},
	{"zstd: cut at 64 offsets", ZSTD(ERROR_STREAM, .make = make_cut, .turns = 64)},
	{"gzip: trailing bytes", GZIP(ERROR_STREAM, TAIL("x"))},
	{"gzip: trailing bytes, zeros",
		GZIP(ERROR_STREAM, TAIL("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"))},
	{"gzip: trailing bytes, half a header", GZIP(ERROR_STREAM, TAIL("\x1f\x8b"))},
	{"zstd: trailing bytes", ZSTD(ERROR_STREAM, TAIL("x"))},
	{"zstd: trailing bytes, zeros",
		ZSTD(ERROR_STREAM, TAIL("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"))},
	{"zstd: trailing bytes, a frame's magic", ZSTD(ERROR_STREAM, TAIL("\x28\xb5\x2f\xfd"))},
	{"gzip in gzip", GZIP(ERROR_TAR, .make = make_nested, .number = 1)},
	{"zstd in zstd", ZSTD(ERROR_TAR, .make = make_nested, .number = 1)},
	{"the recursive gzip: 40 deep", GZIP(ERROR_TAR, .make = make_nested, .number = 40)},
	{"gzip: 1 MiB header name", GZIP(ERROR_LIMIT, .make = make_named, .number = 1 << 20)},
	{"gzip: header name one byte too long",
		GZIP(ERROR_LIMIT, .make = make_named, .number = LIMIT_GZIP_HEADER_BYTES - 10)},
	{"gzip: 1000:1 bomb, over the signed bytes", GZIP(ERROR_LIMIT, .make = make_bomb)},
	{"gzip: 1000:1 bomb, over its table", GZIP(ERROR_LIMIT, .make = make_bomb, .number = 1024)},
	{"zstd: 1000:1 bomb, over the signed bytes", ZSTD(ERROR_LIMIT, .make = make_bomb)},
	{"zstd: 1000:1 bomb, over its table", ZSTD(ERROR_LIMIT, .make = make_bomb, .number = 1024)},
	{"zstd: window over 8 MiB: 9 MiB",
		ZSTD(ERROR_LIMIT, .make = make_window, .number = 23, .flip = 1)},
	{"zstd: window over 8 MiB: 16 MiB", ZSTD(ERROR_LIMIT, .make = make_window, .number = 24)},
	{"zstd: window over 8 MiB: 2 GiB", ZSTD(ERROR_LIMIT, .make = make_window, .number = 31)},
	{"zstd: dictionary", ZSTD(ERROR_STREAM, .make = make_raw_dictionary)},
	{"zstd: dictionary, by its id", ZSTD(ERROR_STREAM, .make = make_dictionary_id)},
	{"zstd: bad checksum", ZSTD(ERROR_STREAM, FLIP(-1, 1))},
	{"zstd: bad checksum, its first bit", ZSTD(ERROR_STREAM, FLIP(-4, 0x80))},
};

int main(void)
{
	if (!have_root())
		return 0;
	make_good_tar();
	for (size_t i = 0; i < sizeof items / sizeof *items; i++)
		run_bad_stream(&items[i]);
	bytes_free(&good_tar);
	return catalogue_done();
}

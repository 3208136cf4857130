/* layers/parallel*.c, where threads meet: reads that wait for one another bring about what
 * otherwise only chance would. What comes of it, errors and their words too, is what one thread
 * makes of it. */
#include <pthread.h>
#include <time.h>

#include "layers/parallel_private.h"
#include "errors.h"
#include "memory_source.h"
#include "random.h"

enum { CHUNK_BYTES = 1000, WORKERS = 3, PATIENCE_S = 20, ALL = 99 };

/* --- a blob whose reads wait, and fail */

static struct layer layer;
static uint64_t offsets[32]; /* of the pieces */
static size_t piece_count;

/* The read of piece `late` waits until that of `first` has begun; ALL: nobody waits. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t begun;
	size_t late, first, slow; /* `slow` then takes a while */
	long slow_ms;
	bool consumer_too; /* it waits as `late` does, before it asks for anything */
	bool has_begun, in_vain;
	size_t fails; /* a piece that can't be read */
	pthread_t consumer;
	size_t by_consumer;
} reads = {.lock = PTHREAD_MUTEX_INITIALIZER, .begun = PTHREAD_COND_INITIALIZER};

static void wait_for_first(void)
{
	struct timespec until;
	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_S;
	while (!reads.has_begun && !reads.in_vain)
		reads.in_vain = pthread_cond_timedwait(&reads.begun, &reads.lock, &until) != 0;
}

static int read_at(struct blob *blob, uint64_t offset, void *buffer, size_t size, struct error *e)
{
	size_t piece = 0;
	while (piece < piece_count && offsets[piece] != offset)
		piece++;
	(void)pthread_mutex_lock(&reads.lock);
	if (piece == reads.first) {
		reads.has_begun = true;
		(void)pthread_cond_broadcast(&reads.begun);
	}
	if (piece == reads.late)
		wait_for_first();
	reads.by_consumer += pthread_equal(pthread_self(), reads.consumer) != 0;
	(void)pthread_mutex_unlock(&reads.lock);
	if (piece == reads.slow)
		(void)nanosleep(&(struct timespec){.tv_nsec = reads.slow_ms * 1000000}, NULL);
	if (piece == reads.fails)
		return error_set(e, ERROR_IO, EIO, "read");
	const struct memory_blob *of = ((struct memory_handle *)blob)->of;
	memcpy(buffer, of->data + offset, size);
	return 0;
}

static const struct blob_ops waiting_ops = {read_at, memory_descriptor, memory_close_blob};

static int open_waiting(
	struct source *source, const struct digest *name, struct blob **out, struct error *e)
{
	if (memory_open_blob(source, name, out, e) != 0)
		return -1;
	if (!digest_equal(name, &layer.record.pieces))
		(*out)->ops = &waiting_ops;
	return 0;
}

static const struct source_ops waiting_source_ops = {
	memory_no_stacks, memory_no_stack, open_waiting, memory_close};

static void nobody_waits(void)
{
	reads.late = reads.first = reads.slow = reads.fails = ALL;
	reads.slow_ms = 50;
	reads.has_begun = reads.in_vain = reads.consumer_too = false;
}

/* --- layers */

static struct bytes noise(size_t size)
{
	struct bytes out = {0};
	uint64_t seed = 11;
	bytes_fill(&out, 0, size);
	for (size_t i = 0; i < size; i++)
		out.data[i] = (uint8_t)random_u64(&seed);
	return out;
}

static void compress_into(struct bytes *out, enum media media, const void *data, size_t size)
{
	if (media == MEDIA_TAR_GZIP)
		gzip_add(out, data, size, NULL);
	else if (media == MEDIA_TAR_ZSTD)
		zstd_add(out, data, size, NULL);
	else
		bytes_add(out, data, size);
}

/* Runs of so many bytes (0 ends them), each in `pieces` pieces (a plain tar has one a run). */
static void make_layer(enum media media, const size_t *runs, size_t pieces)
{
	struct piece table[32] = {0};
	struct bytes blob = {0};
	piece_count = 0;
	for (; *runs > 0; runs++) {
		struct bytes plain = noise(*runs);
		size_t before = blob.size, cuts = media == MEDIA_TAR ? 1 : pieces;
		compress_into(&blob, media, plain.data, plain.size);
		size_t stored = blob.size - before;
		for (size_t i = 0; i < cuts; i++) {
			offsets[piece_count] = before + stored * i / cuts;
			table[piece_count].decoded_bytes = i + 1 == cuts ? *runs : 0;
			table[piece_count++].stored_bytes =
				stored * (i + 1) / cuts - stored * i / cuts;
		}
		bytes_free(&plain);
	}
	layer_make(&layer, media, &blob, table, piece_count);
	bytes_free(&blob);
}

/* --- decoding */

/* As much as `most` bytes of it. */
static int decode(unsigned workers, size_t most, struct bytes *out, struct error *e)
{
	struct stream *stream = NULL;
	struct decoder *decoder = NULL;
	const uint8_t *data = NULL;
	size_t size = 1;
	*out = (struct bytes){0};
	*e = (struct error){0};
	layer_source(&layer)->ops = &waiting_source_ops;
	if (stream_open(&layer.source.source, &layer.record, &stream, e) != 0 ||
		(workers == 0 ? decoder_open(layer.record.media, stream_feed(stream), &decoder, e)
			      : parallel_open(stream, layer.record.media, workers, CHUNK_BYTES,
					&decoder, e)) != 0)
		abort();
	int status = 0;
	(void)pthread_mutex_lock(&reads.lock);
	if (workers > 0 && reads.consumer_too)
		wait_for_first();
	(void)pthread_mutex_unlock(&reads.lock);
	while (status == 0 && size > 0 && out->size < most) {
		status = decoder_read(decoder, &data, &size, e);
		if (status == 0)
			bytes_add(out, data, size);
	}
	decoder_close(decoder);
	stream_close(stream);
	return status;
}

/* By one thread, with nobody waiting; then by several. */
static bool all_agree(unsigned workers)
{
	struct bytes want, got;
	struct error why, e;
	size_t late = reads.late;
	reads.late = ALL;
	int wanted = decode(0, SIZE_MAX, &want, &why);
	reads.late = late;
	reads.has_begun = false;
	int status = decode(workers, SIZE_MAX, &got, &e);
	bool same = status == wanted && e.code == why.code && strcmp(e.text, why.text) == 0 &&
		    (status != 0 ||
			    (got.size == want.size && memcmp(got.data, want.data, want.size) == 0));
	if (!same || reads.in_vain)
		printf("# %d, %s; one thread: %d, %s%s\n", status, e.text, wanted, why.text,
			reads.in_vain ? "; what was waited for never came" : "");
	bytes_free(&want);
	bytes_free(&got);
	return same && !reads.in_vain;
}

/* --- */

static void give_the_error_of_the_first_piece_that_is_bad(void)
{
	static const size_t runs[] = {500, 300, 4000, 200, 3000, 900, 0};
	for (enum media media = MEDIA_TAR; media < MEDIA_TYPES; media++) {
		size_t wrong = 0, tries = 0;
		make_layer(media, runs, 4);
		nobody_waits();
		wrong += !all_agree(WORKERS);
		for (size_t i = 0; i < piece_count; i++) {
			for (unsigned workers = 1; workers <= DECODER_WORKERS_MOST; workers += 2) {
				reads.fails = i;
				wrong += !all_agree(workers);
				reads.fails = ALL;
				layer.blob.data[offsets[i]] ^= 1;
				wrong += !all_agree(workers);
				layer.blob.data[offsets[i]] ^= 1;
				tries += 2;
			}
		}
		is_int((long long)wrong, 0,
			"%s: one of %zu pieces can't be read or differs, %zu ways",
			media_name(media), piece_count, tries);
		layer_free(&layer);
	}
}

/* The second run's error is there long before the first's, which is what is to be given. Both are a
 * worker's: a consumer that is busy with one of them would not see the other. */
static void give_errors_in_order(void)
{
	static const size_t runs[] = {900, 900, 900, 0};
	for (enum media media = MEDIA_TAR; media < MEDIA_TYPES; media++) {
		make_layer(media, runs, 1);
		nobody_waits();
		reads.late = 0;
		reads.first = 1;
		reads.slow = 0;
		reads.slow_ms = 300;
		reads.consumer_too = true;
		layer.blob.data[offsets[0]] ^= 1;
		reads.fails = 1;
		ok(all_agree(WORKERS),
			"%s: the second chunk's error comes first, and is given second",
			media_name(media));
		layer_free(&layer);
	}
}

/* One worker, which comes no further until somebody else has done the run behind. */
static void let_the_consumer_help(void)
{
	static const size_t runs[] = {900, 800, 700, 0}, alone[] = {4000, 0};
	for (enum media media = MEDIA_TAR; media < MEDIA_TYPES; media++) {
		make_layer(media, runs, 1);
		nobody_waits();
		reads.late = 0;
		reads.first = 1;
		ok(all_agree(1), "%s: who waits for data makes some", media_name(media));
		layer.blob.data[offsets[1]] ^= 1;
		ok(all_agree(1), "%s: and finds what is wrong with it", media_name(media));
		layer_free(&layer);
	}
	for (enum media media = MEDIA_TAR_GZIP; media < MEDIA_TYPES; media++) {
		struct bytes got;
		struct error e;
		make_layer(media, alone, 4);
		nobody_waits();
		reads.slow = 0;
		reads.by_consumer = 0;
		int status = decode(1, SIZE_MAX, &got, &e);
		ok(status == 0 && got.size == alone[0] && reads.by_consumer > 0,
			"%s: or checks pieces of a long run", media_name(media));
		bytes_free(&got);
		layer_free(&layer);
	}
}

static void check_pieces_ahead(void)
{
	static const size_t runs[] = {4000, 0};
	for (enum media media = MEDIA_TAR_GZIP; media < MEDIA_TYPES; media++) {
		make_layer(media, runs, 6);
		for (size_t bad = 0; bad <= 3; bad++) {
			nobody_waits();
			reads.late = 0;
			reads.first = 1; /* whoever reads the one before, another reads this */
			if (bad > 0)
				layer.blob.data[offsets[bad - 1]] ^= 1;
			ok(all_agree(WORKERS), "%s: two pieces are checked ahead, %s",
				media_name(media), bad == 0 ? "all good" : "one is bad");
			if (bad > 0)
				layer.blob.data[offsets[bad - 1]] ^= 1;
		}
		layer_free(&layer);
	}
}

/* What is signed is no gzip or zstd, while the next piece is being read. */
static void wait_for_what_is_being_read(void)
{
	static const size_t runs[] = {4000, 500, 0};
	for (enum media media = MEDIA_TAR_GZIP; media < MEDIA_TYPES; media++) {
		static const uint8_t magic_bit = 1;
		struct bytes blob = {0};
		make_layer(media, runs, 3);
		struct piece pieces[6] = {0};
		for (size_t i = 0; i < piece_count; i++) {
			uint64_t end = i + 1 < piece_count ? offsets[i + 1] : layer.blob.size;
			pieces[i].stored_bytes = end - offsets[i];
		}
		pieces[2].decoded_bytes = 4000;
		pieces[5].decoded_bytes = 500;
		bytes_add(&blob, layer.blob.data, layer.blob.size);
		blob.data[0] ^= magic_bit;
		layer_free(&layer);
		layer_make(&layer, media, &blob, pieces, piece_count);
		bytes_free(&blob);
		nobody_waits();
		reads.late = 0;
		reads.first = reads.slow = 1;
		ok(all_agree(WORKERS), "%s: damaged while its next piece is read",
			media_name(media));
		layer_free(&layer);
	}
}

static void decode_two_long_runs_at_once(void)
{
	static const size_t runs[] = {2500, 2500, 2500, 0};
	for (enum media media = MEDIA_TAR_GZIP; media < MEDIA_TYPES; media++) {
		make_layer(media, runs, 4);
		nobody_waits();
		reads.late = 0; /* of the first run, until the second is begun */
		reads.first = 4;
		ok(all_agree(WORKERS), "%s: two long runs at once", media_name(media));
		layer_free(&layer);
	}
}

/* Signed for one byte more, or less, than a run comes to. */
static void look_at_the_end_of_runs(void)
{
	static const size_t runs[] = {500, 300, 4000, 900, 3000, 0};
	for (enum media media = MEDIA_TAR_GZIP; media < MEDIA_TYPES; media++) {
		size_t wrong = 0;
		for (size_t run = 0; run < 5; run++) {
			for (int more = -1; more <= 1; more += 2) {
				struct piece table[32];
				struct bytes got, blob = {0};
				struct error e;
				make_layer(media, runs, 1);
				for (size_t i = 0; i < piece_count; i++) {
					uint64_t end = i + 1 < piece_count ? offsets[i + 1]
									   : layer.blob.size;
					table[i] = (struct piece){.stored_bytes = end - offsets[i],
						.decoded_bytes = runs[i]};
				}
				table[run].decoded_bytes += (uint64_t)more;
				bytes_add(&blob, layer.blob.data, layer.blob.size);
				layer_free(&layer);
				layer_make(&layer, media, &blob, table, piece_count);
				bytes_free(&blob);
				nobody_waits();
				wrong += !all_agree(WORKERS);
				int status = decode(WORKERS, SIZE_MAX, &got, &e);
				wrong += status != -1 ||
					 e.code != (more < 0 ? ERROR_LIMIT : ERROR_STREAM);
				bytes_free(&got);
				layer_free(&layer);
			}
		}
		is_int((long long)wrong, 0, "%s: runs of one byte more or less than signed",
			media_name(media));
	}
}

static void end_early(void)
{
	static const size_t runs[] = {300, 4000, 300, 5000, 900, 5000, 0};
	for (enum media media = MEDIA_TAR; media < MEDIA_TYPES; media++) {
		size_t wrong = 0;
		make_layer(media, runs, 4);
		nobody_waits();
		for (size_t most = 0; most < 15000; most += 700) {
			struct bytes got;
			struct error e;
			reads.slow = most / 700; /* somebody is busy */
			wrong += decode(1 + most % 4, most, &got, &e) != 0 || got.size < most;
			bytes_free(&got);
		}
		is_int((long long)wrong, 0, "%s: closed before the end, wherever",
			media_name(media));
		layer_free(&layer);
	}
}

static void tell_their_memory(void)
{
	uint64_t plain = decoder_parallel_bytes(MEDIA_TAR, 100, WORKERS);
	ok(decoder_parallel_bytes(MEDIA_TAR, 16 << 20, WORKERS) - plain ==
			(uint64_t)(WORKERS + WINDOW_SPARE) * ((16 << 20) - DECODER_CHUNK_BYTES),
		"a plain tar's chunks are as large as its pieces");
	uint64_t gzip = decoder_parallel_bytes(MEDIA_TAR_GZIP, 100, WORKERS);
	ok(decoder_parallel_bytes(MEDIA_TAR_GZIP, 3 << 20, WORKERS) - gzip ==
			(uint64_t)(WORKERS + 1 + AHEAD_PIECES) << 21,
		"others have a piece for each worker and the consumer, and those checked ahead");
	ok(decoder_parallel_bytes(MEDIA_TAR_GZIP, DECODER_CHUNK_BYTES, WORKERS) == gzip,
		"however small: no less than a chunk");
}

int main(void)
{
	reads.consumer = pthread_self();
	give_the_error_of_the_first_piece_that_is_bad();
	give_errors_in_order();
	let_the_consumer_help();
	check_pieces_ahead();
	wait_for_what_is_being_read();
	decode_two_long_runs_at_once();
	look_at_the_end_of_runs();
	end_early();
	tell_their_memory();
	return done();
}

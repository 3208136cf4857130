/* layers/stream.c and layer.c's use of it: each piece is read once, checked, and only then handed
 * on. */
#include "layers/stream.h"
#include "errors.h"
#include "memory_source.h"
#include "random.h"

/* Read to the end; `*pieces` is how many came out. */
static int read_all(struct layer *layer, struct source *source, size_t *pieces, struct error *e)
{
	struct stream *stream = NULL;
	*pieces = 0;
	if (stream_open(source, &layer->record, &stream, e) != 0)
		return -1;
	struct feed *feed = stream_feed(stream);
	struct piece_view view;
	size_t offset = 0;
	int result;
	for (;;) {
		result = feed->next(feed, &view, e);
		if (result != 0 || view.bytes == NULL)
			break;
		++*pieces;
		if (memcmp(verified_data(view.bytes), layer->blob.data + offset,
			    verified_size(view.bytes)) != 0)
			ok(false, "piece %zu holds the blob's bytes", *pieces);
		offset += verified_size(view.bytes);
	}
	if (result == 0 && feed->next(feed, &view, e) == 0 && view.bytes != NULL)
		ok(false, "the end stays the end");
	stream_close(stream);
	return result;
}

static struct layer sample(size_t size, size_t piece_bytes)
{
	struct layer layer;
	struct bytes blob = {0};
	uint64_t seed = 7;
	bytes_fill(&blob, 0, size);
	random_fill(&seed, blob.data, size);
	layer_cut(&layer, MEDIA_TAR, &blob, size, piece_bytes);
	bytes_free(&blob);
	return layer;
}

static void hands_on_every_piece(void)
{
	for (size_t piece = 1; piece <= 4096; piece *= 4) {
		struct layer layer = sample(1000, piece);
		struct error e;
		size_t pieces;
		struct source *source = layer_source(&layer);
		ok(read_all(&layer, source, &pieces, &e) == 0 &&
				pieces == (1000 + piece - 1) / piece,
			"1000 bytes in pieces of %zu", piece);
		is_int(layer.source.open_blobs, 0, "every blob is closed");
		layer_free(&layer);
	}
}

static void names_the_damaged_piece(void)
{
	struct layer layer = sample(1000, 100);
	for (size_t piece = 0; piece < 10; piece++) {
		for (size_t bit = 0; bit < 800; bit += 57) {
			struct error e = {0};
			size_t pieces;
			char want[32];
			uint8_t *byte = &layer.blob.data[piece * 100 + bit / 8];
			*byte ^= (uint8_t)(1 << bit % 8);
			int result = read_all(&layer, layer_source(&layer), &pieces, &e);
			*byte ^= (uint8_t)(1 << bit % 8);
			(void)snprintf(want, sizeof want, "piece %zu of 10 ", piece + 1);
			if (result != -1 || e.code != ERROR_DIGEST ||
				strstr(e.text, want) == NULL || pieces != piece)
				ok(false, "piece %zu, bit %zu: %d, %s", piece + 1, bit, result,
					e.text);
		}
		ok(true, "bits of piece %zu: DIGEST names it, and it is not handed on", piece + 1);
	}
	/* Pieces in each other's place. */
	struct error e;
	size_t pieces;
	uint8_t kept[100];
	memcpy(kept, layer.blob.data, 100);
	memcpy(layer.blob.data, layer.blob.data + 100, 100);
	memcpy(layer.blob.data + 100, kept, 100);
	error_is(read_all(&layer, layer_source(&layer), &pieces, &e), &e, ERROR_DIGEST,
		"two pieces that changed places");
	layer_free(&layer);
}

static void reads_each_byte_once(void)
{
	struct layer layer = sample(5000, 128);
	struct source *source = layer_source(&layer);
	struct error e;
	size_t pieces;
	layer.source.layer.changes = layer.source.table.changes = true;
	is_int(read_all(&layer, source, &pieces, &e), 0,
		"a source that changes what was read before");
	bool once = true;
	for (size_t i = 0; i < layer.blob.size; i++)
		once &= layer.source.layer.reads[i] == 1;
	for (size_t i = 0; i < layer.table.size; i++)
		once &= layer.source.table.reads[i] == 1;
	ok(once, "each byte of blob and table was read once");
	error_is(read_all(&layer, source, &pieces, &e), &e, ERROR_DIGEST,
		"(at a second read it lies)");
	layer_free(&layer);
}

static void checks_the_table(void)
{
	struct layer layer = sample(1000, 100);
	struct error e;
	size_t pieces;
	for (size_t at = 0; at < layer.table.size; at++) {
		layer.table.data[at] ^= 0x10;
		int result = read_all(&layer, layer_source(&layer), &pieces, &e);
		if (result != -1 || e.code != ERROR_DIGEST || layer.source.layer.reads[0] != 0)
			ok(false, "byte %zu of the table: %d", at, result);
		layer.table.data[at] ^= 0x10;
	}
	ok(true, "each byte of the table counts, before the blob is looked at");
	layer.table.size--;
	error_is(read_all(&layer, layer_source(&layer), &pieces, &e), &e, ERROR_DIGEST,
		"a table cut by one");
	layer.table.size++;
	bytes_fill(&layer.table, 0, 1);
	error_is(read_all(&layer, layer_source(&layer), &pieces, &e), &e, ERROR_DIGEST,
		"a table with a tail");
	layer.table.size--;

	struct source *source = layer_source(&layer);
	layer.source.table.claimed_bytes = LIMIT_PIECE_TABLE_BYTES + 1;
	error_is(read_all(&layer, source, &pieces, &e), &e, ERROR_LIMIT, "a table over 4 MiB");
	is_int(layer.source.table.reads[0], 0, "is not read");
	source = layer_source(&layer);
	layer.source.table.missing = true;
	error_is(read_all(&layer, source, &pieces, &e), &e, ERROR_MISSING, "no table");
	source = layer_source(&layer);
	layer.source.table.fail_at = 20;
	error_is(
		read_all(&layer, source, &pieces, &e), &e, ERROR_IO, "a table that cannot be read");
	is_int(layer.source.open_blobs, 0, "every blob is closed");

	/* Signed, and still no table, or not this layer's. */
	struct digest signed_table = layer.record.pieces;
	layer.table.data[0] ^= 1;
	digest_of(layer.table.data, layer.table.size, &layer.record.pieces);
	error_is(read_all(&layer, layer_source(&layer), &pieces, &e), &e, ERROR_FORMAT,
		"a signed non-table");
	layer.table.data[0] ^= 1;
	layer.record.pieces = signed_table;
	layer.record.largest_piece_bytes = 99;
	error_is(read_all(&layer, layer_source(&layer), &pieces, &e), &e, ERROR_LIMIT,
		"a piece over the signed largest");
	layer.record.largest_piece_bytes = 101;
	error_is(read_all(&layer, layer_source(&layer), &pieces, &e), &e, ERROR_SIZE,
		"a largest piece that is not there");
	layer.record.largest_piece_bytes = 100;
	layer.record.stored_bytes = 999;
	error_is(read_all(&layer, layer_source(&layer), &pieces, &e), &e, ERROR_SIZE,
		"pieces that come to more than the signed size");
	layer.record.stored_bytes = 1000;
	is_int(read_all(&layer, layer_source(&layer), &pieces, &e), 0, "the same layer unchanged");
	layer_free(&layer);
}

static void checks_the_blob(void)
{
	struct layer layer = sample(1000, 100);
	struct error e;
	size_t pieces;
	struct source *source = layer_source(&layer);
	layer.source.layer.missing = true;
	error_is(read_all(&layer, source, &pieces, &e), &e, ERROR_MISSING, "no blob");

	layer.blob.size = 999;
	error_is(read_all(&layer, layer_source(&layer), &pieces, &e), &e, ERROR_SIZE,
		"a blob one byte short");
	is_int(layer.source.layer.reads[0], 0, "is not read");
	layer.blob.size = 1000;
	bytes_fill(&layer.blob, 0, 1);
	error_is(read_all(&layer, layer_source(&layer), &pieces, &e), &e, ERROR_SIZE,
		"a blob one byte longer");
	layer.blob.size = 0;
	error_is(read_all(&layer, layer_source(&layer), &pieces, &e), &e, ERROR_SIZE,
		"an empty blob");
	layer.blob.size = 950;
	source = layer_source(&layer);
	layer.source.layer.claimed_bytes = 1000;
	error_is(read_all(&layer, source, &pieces, &e), &e, ERROR_SIZE,
		"a blob that ends before its size");
	is_int((long long)pieces, 9, "after nine pieces");
	layer.blob.size = 1000;

	source = layer_source(&layer);
	layer.source.layer.fail_at = 350;
	error_is(read_all(&layer, source, &pieces, &e), &e, ERROR_IO, "a bad sector");
	ok(pieces == 3 && strstr(e.text, "piece 4 of 10") != NULL, "the message names piece 4");
	is_int(layer.source.open_blobs, 0, "every blob is closed");
	is_int(read_all(&layer, layer_source(&layer), &pieces, &e), 0, "the same layer unchanged");
	layer_free(&layer);
}

static void tells_runs(void)
{
	struct layer layer;
	struct bytes blob = {0};
	struct piece pieces[5] = {{.stored_bytes = 10, .decoded_bytes = 7}, {.stored_bytes = 1},
		{.stored_bytes = 20}, {.stored_bytes = 3, .decoded_bytes = 1000},
		{.stored_bytes = 6, .decoded_bytes = 1}};
	static const uint64_t runs[] = {7, 1000, 1000, 1000, 1};
	static const bool ends[] = {true, false, false, true, true};
	struct stream *stream = NULL;
	struct piece_view view;
	struct error e;
	bytes_fill(&blob, 'x', 40);
	layer_make(&layer, MEDIA_TAR_GZIP, &blob, pieces, 5);
	if (stream_open(layer_source(&layer), &layer.record, &stream, &e) != 0)
		abort();
	for (size_t i = 0; i < 5; i++)
		ok(stream_feed(stream)->next(stream_feed(stream), &view, &e) == 0 &&
				view.run_decoded_bytes == runs[i] && view.run_ends == ends[i],
			"piece %zu belongs to a run of %llu", i + 1, (unsigned long long)runs[i]);
	is_int((long long)stream_pieces(stream)->decoded_bytes, 1008, "all runs together");
	stream_close(stream);
	layer_free(&layer);
	bytes_free(&blob);
}

static uint64_t reported[16];
static size_t reports;
static void on_progress(void *context, uint64_t stored_bytes)
{
	if (context == &reports)
		reported[reports++] = stored_bytes;
}

static void reports_progress(void)
{
	struct layer layer = sample(250, 100);
	struct stream *stream = NULL;
	struct piece_view view;
	struct error e;
	if (stream_open(layer_source(&layer), &layer.record, &stream, &e) != 0)
		abort();
	stream_on_progress(stream, on_progress, &reports);
	while (stream_feed(stream)->next(stream_feed(stream), &view, &e) == 0 && view.bytes != NULL)
		continue;
	ok(reports == 3 && reported[0] == 100 && reported[1] == 200 && reported[2] == 250,
		"after each piece, with the bytes so far");
	stream_close(stream);
	layer_free(&layer);
	stream_close(NULL);
}

int main(void)
{
	hands_on_every_piece();
	names_the_damaged_piece();
	reads_each_byte_once();
	checks_the_table();
	checks_the_blob();
	tells_runs();
	reports_progress();
	return done();
}

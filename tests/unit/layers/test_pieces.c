/* layers/pieces.c, pieces_encode.c: piece tables, held against the signed record. */
#include <stdlib.h>

#include "little_endian.h"
#include "pieces.h"
#include "errors.h"
#include "random.h"

enum { HEADER = 24, PIECE = 48 };

/* Three pieces of gzip: a run of two, and one of its own. */
static struct piece three[] = {{.stored_bytes = 100, .decoded_bytes = 0},
	{.stored_bytes = 300, .decoded_bytes = 1000}, {.stored_bytes = 200, .decoded_bytes = 500}};
static const struct layer_record record = {
	.media = MEDIA_TAR_GZIP, .stored_bytes = 600, .largest_piece_bytes = 300};

struct table {
	uint8_t bytes[HEADER + 4 * PIECE];
	size_t size_bytes;
};

static struct table good_table(void)
{
	struct piece_table table = {.count = 3, .pieces = three};
	struct table out;
	uint8_t *bytes;
	struct error e;
	if (piece_table_encode(&table, &bytes, &out.size_bytes, &e) != 0)
		abort();
	memcpy(out.bytes, bytes, out.size_bytes);
	free(bytes);
	return out;
}

static int decode(const uint8_t *bytes, size_t size_bytes, const struct layer_record *signed_record,
	struct piece_table *out, struct error *e)
{
	struct verified *verified;
	if (verified_trust(bytes, size_bytes, &verified, NULL) != 0)
		abort();
	int result = piece_table_decode(verified, signed_record, out, e);
	verified_free(verified);
	return result;
}

static void refuses(const struct table *table, const struct layer_record *signed_record,
	enum error_code code, const char *name)
{
	struct piece_table out;
	struct error e;
	memset(&out, UNTOUCHED, sizeof out);
	int result = decode(table->bytes, table->size_bytes, signed_record, &out, &e);
	if (error_is(result, &e, code, "%s", name))
		ok(is_untouched(&out, sizeof out), "... nothing is written");
}

static void a_good_table_is_read(void)
{
	struct table table = good_table();
	struct piece_table out;
	struct error e;
	is_int((long long)table.size_bytes, HEADER + 3 * PIECE, "the size of a table of three");
	ok(memcmp(table.bytes, "plyboot pieces 1\3\0\0\0\0\0\0\0\x64\0\0\0\0\0\0\0", 32) == 0,
		"magic, count and first length");
	is_int(decode(table.bytes, table.size_bytes, &record, &out, &e), 0, "is read");
	is_int((long long)out.count, 3, "three pieces");
	is_int((long long)out.decoded_bytes, 1500, "their decoded sum");
	is_int((long long)out.pieces[1].stored_bytes, 300, "stored bytes of the second");
	is_int((long long)out.pieces[1].decoded_bytes, 1000, "decoded bytes of its run");
	piece_table_free(&out);
	ok(out.count == 0 && out.pieces == NULL, "nothing is left when it is freed");
}

static void what_is_no_table_is_refused(void)
{
	struct table table = good_table();
	size_t wrong = 0, size = table.size_bytes;
	for (size_t cut = 0; cut < size; cut++) {
		struct piece_table out;
		struct error e;
		wrong += decode(table.bytes, cut, &record, &out, &e) == 0 || e.code != ERROR_FORMAT;
	}
	is_int((long long)wrong, 0, "%zu cuts: all FORMAT", size);
	table.size_bytes++;
	refuses(&table, &record, ERROR_FORMAT, "a byte behind it");
	table.size_bytes = size + PIECE;
	refuses(&table, &record, ERROR_FORMAT, "a piece more than it claims");
	table = good_table();
	table.bytes[15] = '2';
	refuses(&table, &record, ERROR_FORMAT, "another version");
	table = good_table();
	put_u64(table.bytes + 16, 4);
	refuses(&table, &record, ERROR_FORMAT, "a piece less than it claims");
	put_u64(table.bytes + 16, UINT64_MAX);
	refuses(&table, &record, ERROR_FORMAT, "2^64-1 pieces claimed");
	put_u64(table.bytes + 16, 3 + (UINT64_C(1) << 60)); /* 48 times that is 144, in 64 bits */
	refuses(&table, &record, ERROR_FORMAT, "a count whose product wraps");
	put_u64(table.bytes + 16, 0);
	table.size_bytes = HEADER;
	refuses(&table, &record, ERROR_FORMAT, "no pieces");
}

static void set(struct table *table, size_t piece, uint64_t stored_bytes, uint64_t decoded_bytes)
{
	put_u64(table->bytes + HEADER + piece * PIECE, stored_bytes);
	put_u64(table->bytes + HEADER + piece * PIECE + 8, decoded_bytes);
}

static void bad_pieces_are_refused(void)
{
	struct table table = good_table();
	struct layer_record large = record;
	set(&table, 2, 0, 500);
	refuses(&table, &record, ERROR_FORMAT, "a piece without bytes");
	set(&table, 2, 200, 0);
	refuses(&table, &record, ERROR_FORMAT, "a last piece that ends no run");
	set(&table, 2, 301, 500);
	refuses(&table, &record, ERROR_LIMIT, "a piece larger than the record's largest");
	large.largest_piece_bytes = UINT64_MAX;
	set(&table, 2, LIMIT_PIECE_BYTES + 1, 500);
	refuses(&table, &large, ERROR_LIMIT, "a piece over the ceiling");
	set(&table, 2, UINT64_MAX - 399, 500);
	refuses(&table, &large, ERROR_LIMIT, "stored bytes whose sum wraps to 0");
	set(&table, 2, 200, UINT64_MAX - 999);
	refuses(&table, &record, ERROR_LIMIT, "decoded bytes whose sum is 2^64");
	set(&table, 2, 199, 500);
	refuses(&table, &record, ERROR_SIZE, "a byte less than the record says");
	set(&table, 2, 201, 500);
	refuses(&table, &record, ERROR_SIZE, "a byte more than the record says");
	set(&table, 1, 250, 1000);
	set(&table, 2, 250, 500);
	refuses(&table, &record, ERROR_SIZE, "a largest piece smaller than the record says");

	struct piece_table out;
	struct error e;
	table = good_table();
	set(&table, 2, 200, UINT64_MAX - 1000);
	is_int(decode(table.bytes, table.size_bytes, &record, &out, &e), 0,
		"a sum of 2^64-1 is read");
	ok(out.decoded_bytes == UINT64_MAX, "as it is");
	piece_table_free(&out);
}

static void a_plain_tar_decodes_to_itself(void)
{
	struct table table = good_table();
	struct layer_record tar = record;
	struct piece_table out;
	struct error e;
	tar.media = MEDIA_TAR;
	set(&table, 0, 100, 100);
	set(&table, 1, 300, 300);
	set(&table, 2, 200, 200);
	is_int(decode(table.bytes, table.size_bytes, &tar, &out, &e), 0, "equal lengths are read");
	is_int((long long)out.decoded_bytes, 600, "with their sum");
	piece_table_free(&out);
	set(&table, 1, 300, 301);
	refuses(&table, &tar, ERROR_FORMAT, "another decoded length");
	set(&table, 1, 300, 0);
	refuses(&table, &tar, ERROR_FORMAT, "a run over two pieces");
}

static void sizes_are_limited(void)
{
	enum { MOST = (LIMIT_PIECE_TABLE_BYTES - HEADER) / PIECE };
	struct piece *pieces = calloc(MOST + 1, sizeof *pieces);
	struct piece_table table = {.count = MOST, .pieces = pieces}, out;
	struct layer_record many = {
		.media = MEDIA_TAR_ZSTD, .stored_bytes = MOST, .largest_piece_bytes = 1};
	uint8_t *bytes = NULL;
	size_t size = 99;
	struct error e;
	for (size_t i = 0; i <= MOST; i++)
		pieces[i] = (struct piece){.stored_bytes = 1, .decoded_bytes = 1};
	is_int(piece_table_encode(&table, &bytes, &size, &e), 0, "%d pieces are written", MOST);
	is_int(decode(bytes, size, &many, &out, &e), 0, "and read");
	piece_table_free(&out);
	bytes = realloc(bytes, LIMIT_PIECE_TABLE_BYTES + 1);
	if (bytes == NULL)
		abort();
	error_is(decode(bytes, LIMIT_PIECE_TABLE_BYTES + 1, &many, &out, &e), &e, ERROR_LIMIT,
		"a table over 4 MiB");
	free(bytes);

	bytes = NULL;
	size = 99;
	table.count++;
	error_is(piece_table_encode(&table, &bytes, &size, &e), &e, ERROR_LIMIT,
		"one more is not written");
	table.count = 0;
	error_is(piece_table_encode(&table, &bytes, &size, &e), &e, ERROR_FORMAT, "nor is none");
	table.count = 2;
	pieces[1].decoded_bytes = 0;
	error_is(
		piece_table_encode(&table, &bytes, &size, &e), &e, ERROR_FORMAT, "nor an open run");
	pieces[1] = (struct piece){.stored_bytes = 0, .decoded_bytes = 1};
	error_is(piece_table_encode(&table, &bytes, &size, &e), &e, ERROR_FORMAT,
		"nor an empty piece");
	pieces[1].stored_bytes = LIMIT_PIECE_BYTES + 1;
	error_is(piece_table_encode(&table, &bytes, &size, &e), &e, ERROR_LIMIT,
		"nor one over 16 MiB");
	ok(bytes == NULL && size == 99, "... and nothing is handed out");
	free(pieces);
}

static void random_tables_make_the_round_trip(void)
{
	uint64_t seed = 4;
	size_t good = 0;
	for (unsigned i = 0; i < 1000; i++) {
		struct piece pieces[32];
		struct piece_table table = {.count = 1 + random_below(&seed, 32), .pieces = pieces},
				   out;
		struct layer_record numbers = {.media = MEDIA_TAR_ZSTD};
		uint8_t *bytes, *again;
		size_t size, again_size;
		for (size_t j = 0; j < table.count; j++) {
			random_fill(&seed, &pieces[j].digest, DIGEST_BYTES);
			pieces[j].stored_bytes = 1 + random_below(&seed, LIMIT_PIECE_BYTES);
			pieces[j].decoded_bytes =
				random_below(&seed, 2) * random_below(&seed, 1 << 30);
			numbers.stored_bytes += pieces[j].stored_bytes;
			if (pieces[j].stored_bytes > numbers.largest_piece_bytes)
				numbers.largest_piece_bytes = pieces[j].stored_bytes;
		}
		pieces[table.count - 1].decoded_bytes = 1;
		if (piece_table_encode(&table, &bytes, &size, NULL) != 0 ||
			decode(bytes, size, &numbers, &out, NULL) != 0 ||
			piece_table_encode(&out, &again, &again_size, NULL) != 0)
			break;
		good += size == again_size && memcmp(bytes, again, size) == 0;
		free(bytes);
		free(again);
		piece_table_free(&out);
	}
	is_int((long long)good, 1000, "1000 random tables: encode, decode, encode");
}

int main(void)
{
	a_good_table_is_read();
	what_is_no_table_is_refused();
	bad_pieces_are_refused();
	a_plain_tar_decodes_to_itself();
	sizes_are_limited();
	random_tables_make_the_round_trip();
	return done();
}

#include "pieces.h"

#include "little_endian.h"
#include "scope.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char magic[] = "plyboot pieces 1";

/* What the pieces seen so far add up to. */
struct sums {
	uint64_t stored_bytes, decoded_bytes, largest_bytes;
};

static int check_header(const uint8_t *bytes, size_t size_bytes, size_t *count, struct error *e)
{
	if (size_bytes > LIMIT_PIECE_TABLE_BYTES)
		return error_set(e, ERROR_LIMIT, 0,
			"a piece table of %zu bytes, at most %u are allowed", size_bytes,
			LIMIT_PIECE_TABLE_BYTES);
	if (size_bytes < PIECES_HEADER_BYTES || memcmp(bytes, magic, PIECES_MAGIC_BYTES) != 0)
		return error_set(e, ERROR_FORMAT, 0, "not a piece table");
	uint64_t stated = get_u64(bytes + PIECES_MAGIC_BYTES);
	size_t records_bytes = size_bytes - PIECES_HEADER_BYTES;
	if (stated == 0)
		return error_set(e, ERROR_FORMAT, 0, "a piece table without pieces");
	if (records_bytes % PIECES_RECORD_BYTES != 0 ||
		records_bytes / PIECES_RECORD_BYTES != stated)
		return error_set(e, ERROR_FORMAT, 0,
			"a piece table of %zu bytes that claims %" PRIu64 " pieces", size_bytes,
			stated);
	*count = (size_t)stated;
	return 0;
}

static void get_piece(const uint8_t *bytes, struct piece *out)
{
	out->stored_bytes = get_u64(bytes);
	out->decoded_bytes = get_u64(bytes + 8);
	memcpy(out->digest.bytes, bytes + 16, DIGEST_BYTES);
}

static int add_piece(const struct piece *piece, const struct layer_record *record,
	struct sums *sums, struct error *e)
{
	uint64_t stored = piece->stored_bytes, limit = record->largest_piece_bytes;
	if (limit > LIMIT_PIECE_BYTES)
		limit = LIMIT_PIECE_BYTES;
	if (stored == 0)
		return error_set(e, ERROR_FORMAT, 0, "no stored bytes");
	if (stored > limit)
		return error_set(e, ERROR_LIMIT, 0,
			"%" PRIu64 " stored bytes, the largest may have %" PRIu64, stored, limit);
	if (record->media == MEDIA_TAR && piece->decoded_bytes != stored)
		return error_set(e, ERROR_FORMAT, 0,
			"%" PRIu64 " bytes of a plain tar that decode to %" PRIu64, stored,
			piece->decoded_bytes);
	sums->stored_bytes += stored; /* at most PIECES_MOST times LIMIT_PIECE_BYTES: below 2^41 */
	if (__builtin_add_overflow(sums->decoded_bytes, piece->decoded_bytes, &sums->decoded_bytes))
		return error_set(e, ERROR_LIMIT, 0, "the sum is 2^64 bytes or more");
	if (stored > sums->largest_bytes)
		sums->largest_bytes = stored;
	return 0;
}

static int check_sums(const struct sums *sums, const struct layer_record *record, struct error *e)
{
	if (sums->stored_bytes != record->stored_bytes)
		return error_set(e, ERROR_SIZE, 0,
			"the pieces have %" PRIu64 " bytes, the signed record says %" PRIu64,
			sums->stored_bytes, record->stored_bytes);
	if (sums->largest_bytes != record->largest_piece_bytes)
		return error_set(e, ERROR_SIZE, 0,
			"the largest piece has %" PRIu64 " bytes, the signed record says %" PRIu64,
			sums->largest_bytes, record->largest_piece_bytes);
	return 0;
}

int piece_table_decode(const struct verified *bytes, const struct layer_record *record,
	struct piece_table *out, struct error *e)
{
	const uint8_t *data = verified_data(bytes);
	size_t count = 0;
	if (check_header(data, verified_size(bytes), &count, e) != 0)
		return -1;
	SCOPED_FREE struct piece *pieces = calloc(count, sizeof *pieces);
	if (pieces == NULL)
		return error_errno(e, ENOMEM, "memory for %zu pieces", count);

	struct sums sums = {.stored_bytes = 0};
	for (size_t i = 0; i < count; i++) {
		get_piece(data + PIECES_HEADER_BYTES + i * PIECES_RECORD_BYTES, &pieces[i]);
		if (add_piece(&pieces[i], record, &sums, e) != 0)
			return error_wrap(e, "piece %zu of %zu", i + 1, count);
	}
	if (pieces[count - 1].decoded_bytes == 0)
		return error_set(e, ERROR_FORMAT, 0, "the last piece does not end its run");
	if (check_sums(&sums, record, e) != 0)
		return -1;
	out->decoded_bytes = sums.decoded_bytes;
	out->count = count;
	out->pieces = SCOPE_TAKE(pieces);
	return 0;
}

void piece_table_free(struct piece_table *table)
{
	free(table->pieces);
	*table = (struct piece_table){.count = 0};
}

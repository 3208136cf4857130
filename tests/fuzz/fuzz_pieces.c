/* The piece table of each kind of blob: what is accepted must encode to the very same bytes, and
 * fit the signed record. */
#include <string.h>

#include "little_endian.h"
#include "must.h"
#include "pieces.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The signer's numbers, as they would be if these bytes were a table. */
static struct layer_record record_for(const struct verified *bytes, enum media media)
{
	const uint8_t *data = verified_data(bytes);
	struct layer_record record = {.media = media, .largest_piece_bytes = 1};
	for (size_t at = PIECES_HEADER_BYTES; at + PIECES_RECORD_BYTES <= verified_size(bytes);
		at += PIECES_RECORD_BYTES) {
		uint64_t stored = get_u64(data + at);
		record.stored_bytes += stored;
		if (stored > record.largest_piece_bytes)
			record.largest_piece_bytes = stored;
	}
	return record;
}

static void check_table(const struct piece_table *table, const struct layer_record *record)
{
	uint64_t stored = 0, decoded = 0;
	for (size_t i = 0; i < table->count; i++) {
		const struct piece *piece = &table->pieces[i];
		must(piece->stored_bytes >= 1 && piece->stored_bytes <= LIMIT_PIECE_BYTES &&
			piece->stored_bytes <= record->largest_piece_bytes);
		must(record->media != MEDIA_TAR || piece->decoded_bytes == piece->stored_bytes);
		stored += piece->stored_bytes;
		must(!__builtin_add_overflow(decoded, piece->decoded_bytes, &decoded));
	}
	must(table->count >= 1 && table->pieces[table->count - 1].decoded_bytes > 0);
	must(stored == record->stored_bytes && decoded == table->decoded_bytes);
}

static void check(const struct verified *bytes, const struct layer_record *record)
{
	struct error e = {0};
	struct piece_table table;
	uint8_t *again = NULL;
	size_t again_size = 0;
	if (piece_table_decode(bytes, record, &table, &e) != 0) {
		must(e.code == ERROR_FORMAT || e.code == ERROR_LIMIT || e.code == ERROR_SIZE);
		return;
	}
	check_table(&table, record);
	must(piece_table_encode(&table, &again, &again_size, &e) == 0 &&
		again_size == verified_size(bytes) &&
		memcmp(again, verified_data(bytes), again_size) == 0);
	free(again);
	piece_table_free(&table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct verified *bytes = NULL;
	struct error e = {0};
	must(verified_trust(data, size, &bytes, &e) == 0);
	for (unsigned media = 0; media < MEDIA_TYPES; media++) {
		struct layer_record record = record_for(bytes, (enum media)media);
		check(bytes, &record);
		record.stored_bytes++;
		check(bytes, &record);
		record.stored_bytes--;
		record.largest_piece_bytes--;
		check(bytes, &record);
	}
	verified_free(bytes);
	return 0;
}

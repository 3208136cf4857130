/* The piece table, as plain tar and as zstd: what is accepted must encode to the very same bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "pieces.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct verified *bytes, enum media media)
{
	struct error e;
	/* The record's numbers are the signer's: take those that fit the table, if it is one. */
	const uint8_t *data = verified_data(bytes);
	struct layer_record record = {.media = media, .largest_piece_bytes = 1};
	for (size_t at = 24; at + 48 <= verified_size(bytes); at += 48) {
		uint64_t stored = 0;
		for (size_t i = 8; i-- > 0;)
			stored = stored << 8 | data[at + i];
		record.stored_bytes += stored;
		if (stored > record.largest_piece_bytes)
			record.largest_piece_bytes = stored;
	}
	struct piece_table table;
	if (piece_table_decode(bytes, &record, &table, &e) != 0)
		return;
	uint8_t *again = NULL;
	size_t again_size = 0;
	if (piece_table_encode(&table, &again, &again_size, &e) != 0 ||
		again_size != verified_size(bytes) || memcmp(again, data, again_size) != 0)
		abort();
	free(again);
	piece_table_free(&table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct verified *bytes = NULL;
	struct error e;
	if (verified_trust(data, size, &bytes, &e) != 0)
		return 0;
	check(bytes, MEDIA_TAR);
	check(bytes, MEDIA_TAR_ZSTD);
	verified_free(bytes);
	return 0;
}

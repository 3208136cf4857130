/* For the host command: /init only reads tables. */
#include "pieces.h"

#include "little_endian.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int check(const struct piece_table *table, struct error *e)
{
	if (table->count == 0)
		return error_set(e, ERROR_FORMAT, 0, "a piece table without pieces");
	if (table->count > PIECES_MOST)
		return error_set(e, ERROR_LIMIT, 0, "%zu pieces, at most %d are allowed",
			table->count, PIECES_MOST);
	for (size_t i = 0; i < table->count; i++) {
		uint64_t stored = table->pieces[i].stored_bytes;
		if (stored == 0)
			return error_set(e, ERROR_FORMAT, 0, "piece %zu: no stored bytes", i + 1);
		if (stored > LIMIT_PIECE_BYTES)
			return error_set(e, ERROR_LIMIT, 0,
				"piece %zu: %" PRIu64 " stored bytes, at most %u are allowed",
				i + 1, stored, LIMIT_PIECE_BYTES);
	}
	if (table->pieces[table->count - 1].decoded_bytes == 0)
		return error_set(e, ERROR_FORMAT, 0, "the last piece does not end its run");
	return 0;
}

int piece_table_encode(
	const struct piece_table *table, uint8_t **bytes, size_t *size_bytes, struct error *e)
{
	if (check(table, e) != 0)
		return -1;
	size_t size = PIECES_HEADER_BYTES + table->count * PIECES_RECORD_BYTES;
	uint8_t *data = malloc(size);
	if (data == NULL)
		return error_errno(e, ENOMEM, "memory for %zu bytes", size);
	memcpy(data, "plyboot pieces 1", PIECES_MAGIC_BYTES);
	put_u64(data + PIECES_MAGIC_BYTES, table->count);
	uint8_t *at = data + PIECES_HEADER_BYTES;
	for (size_t i = 0; i < table->count; i++, at += PIECES_RECORD_BYTES) {
		put_u64(at, table->pieces[i].stored_bytes);
		put_u64(at + 8, table->pieces[i].decoded_bytes);
		memcpy(at + 16, table->pieces[i].digest.bytes, DIGEST_BYTES);
	}
	*bytes = data;
	*size_bytes = size;
	return 0;
}

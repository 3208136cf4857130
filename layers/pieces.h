/*
 * The piece table of a layer blob. Little-endian:
 *
 *     offset 0   "plyboot pieces 1" (16 bytes, no NUL)
 *     offset 16  u64 count, at least 1
 *     offset 24  count records of 48 bytes: u64 stored bytes, u64 decoded bytes, SHA-256 of the
 * piece
 *
 * Pieces lie in the blob one after the other and cover it. A piece that decodes to 0 bytes goes on
 * into the next one; those and the piece that ends them are a run, and the ending piece gives what
 * the whole run decodes to. A run is whole gzip members or zstd frames. The last piece ends a run.
 * In a plain tar every piece decodes to itself.
 */
#ifndef PLYBOOT_PIECES_H
#define PLYBOOT_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack.h"

enum {
	PIECES_MAGIC_BYTES = 16,
	PIECES_HEADER_BYTES = 24,
	PIECES_RECORD_BYTES = 48,
	PIECES_MOST = (LIMIT_PIECE_TABLE_BYTES - PIECES_HEADER_BYTES) / PIECES_RECORD_BYTES
};

struct piece {
	uint64_t stored_bytes; /* 1 .. LIMIT_PIECE_BYTES */
	uint64_t decoded_bytes;
	struct digest digest;
};

struct piece_table {
	size_t count;
	struct piece *pieces;   /* owned */
	uint64_t decoded_bytes; /* sum */
};

/* Decode a table and hold it against the signed record: ERROR_FORMAT when it is no table,
 * ERROR_LIMIT over a ceiling or the record's largest piece, ERROR_SIZE when the sum is not the
 * record's stored size or the largest piece is smaller than the record says. Free with
 * piece_table_free(). */
int piece_table_decode(const struct verified *bytes, const struct layer_record *record,
	struct piece_table *out, struct error *e);

/* The table's bytes; caller frees. For the host command. */
int piece_table_encode(
	const struct piece_table *table, uint8_t **bytes, size_t *size_bytes, struct error *e);

void piece_table_free(struct piece_table *table);

#endif

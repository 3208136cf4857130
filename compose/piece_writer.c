#include "piece_writer.h"

#include "../layers/scope.h"

int piece_writer_open(struct layout *layout, struct piece_writer *out, struct error *e)
{
	*out = (struct piece_writer)PIECE_WRITER_INIT;
	out->layout = layout;
	return blob_writer_open(layout, &out->blob, e);
}

void piece_writer_open_existing(struct layout *layout, struct piece_writer *out)
{
	*out = (struct piece_writer)PIECE_WRITER_INIT;
	out->layout = layout;
	blob_writer_open_existing(&out->blob);
}

static int remember(struct piece_writer *writer, const struct piece *piece, struct error *e)
{
	struct piece_table *table = &writer->table;
	/* Now, and not when all of a bomb has been packed. */
	if (table->count == PIECES_MOST)
		return error_set(e, ERROR_LIMIT, 0,
			"more than %d pieces: a larger --piece-size makes fewer", PIECES_MOST);
	if (table->count == writer->table_capacity) {
		size_t capacity = writer->table_capacity * 2 + 64;
		struct piece *pieces = realloc(table->pieces, capacity * sizeof *pieces);
		if (pieces == NULL)
			return error_set(e, ERROR_NOSPACE, 0, "no memory for the piece table");
		table->pieces = pieces;
		writer->table_capacity = capacity;
	}
	table->pieces[table->count++] = *piece;
	table->decoded_bytes += piece->decoded_bytes;
	if (piece->stored_bytes > writer->largest_bytes)
		writer->largest_bytes = piece->stored_bytes;
	return 0;
}

int piece_writer_add(struct piece_writer *writer, const void *stored, size_t stored_bytes,
	uint64_t decoded_bytes, struct error *e)
{
	struct piece piece = {.stored_bytes = stored_bytes, .decoded_bytes = decoded_bytes};
	digest_of(stored, stored_bytes, &piece.digest);
	if (remember(writer, &piece, e) != 0)
		return -1;
	return blob_writer_write(&writer->blob, stored, stored_bytes, e);
}

/* A decoded length of 0 means that the stream goes on, so the last piece can't have it: what the
 * last run decodes to is said where it ends now. */
static void end_last_run(struct piece_table *table)
{
	struct piece *last = &table->pieces[table->count - 1], *piece = last;
	while (piece->decoded_bytes == 0)
		piece--;
	uint64_t decoded_bytes = piece->decoded_bytes;
	piece->decoded_bytes = 0;
	last->decoded_bytes = decoded_bytes;
}

static int finish_table(struct piece_writer *writer, struct layer_record *record, struct error *e)
{
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size_bytes;
	if (piece_table_encode(&writer->table, &bytes, &size_bytes, e) != 0) {
		(void)error_wrap(e, "the piece table");
		return -1;
	}
	return layout_add_blob(writer->layout, bytes, size_bytes, &record->pieces, e);
}

int piece_writer_finish(struct piece_writer *writer, struct layer_record *record, struct error *e)
{
	if (writer->table.decoded_bytes == 0)
		return error_set(e, ERROR_TAR, 0, "an empty file is no tar");
	end_last_run(&writer->table);
	record->stored_bytes = writer->blob.size_bytes;
	record->largest_piece_bytes = writer->largest_bytes;
	if (blob_writer_finish(writer->layout, &writer->blob, &record->digest, e) != 0)
		return -1;
	return finish_table(writer, record, e);
}

void piece_writer_close(struct piece_writer *writer)
{
	blob_writer_discard(&writer->blob);
	piece_table_free(&writer->table);
	*writer = (struct piece_writer)PIECE_WRITER_INIT;
}

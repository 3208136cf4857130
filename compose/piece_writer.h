/* A blob on its way into the store, piece by piece, and the piece table that goes with it. */
#ifndef PLYBOOT_PIECE_WRITER_H
#define PLYBOOT_PIECE_WRITER_H

#include "../layers/pieces.h"
#include "layout.h"

struct piece_writer {
	struct layout *layout;
	struct blob_writer blob;
	struct piece_table table;
	size_t table_capacity;
	uint64_t largest_bytes;
};

#define PIECE_WRITER_INIT                                                                          \
	{                                                                                          \
		.blob = BLOB_WRITER_INIT                                                           \
	}

/* The layout must outlive it. ERROR_NOSPACE, ERROR_IO. */
int piece_writer_open(struct layout *layout, struct piece_writer *out, struct error *e);

/* For a blob that is in the store already, and that somebody reads: it is hashed, not written. */
void piece_writer_open_existing(struct layout *layout, struct piece_writer *out);

/* The next piece, 1 .. LIMIT_PIECE_BYTES. `decoded_bytes` is what its run decodes to if it ends
 * one, 0 if the stream goes on into the next piece. ERROR_LIMIT: more than a table holds. */
int piece_writer_add(struct piece_writer *writer, const void *stored, size_t stored_bytes,
	uint64_t decoded_bytes, struct error *e);

/* Blob and table get their names. Fills digest, stored_bytes, largest_piece_bytes and pieces of the
 * record. Pieces at the end that decode to nothing join the run before them. ERROR_TAR: all of it
 * decodes to nothing. */
int piece_writer_finish(struct piece_writer *writer, struct layer_record *record, struct error *e);

/* What was not finished leaves nothing. */
void piece_writer_close(struct piece_writer *writer);

#endif

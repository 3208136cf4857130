/*
 * The verified stream: a layer's blob, piece by piece, each read once into private memory, hashed,
 * compared, and only then handed on.
 */
#ifndef PLYBOOT_STREAM_H
#define PLYBOOT_STREAM_H

#include <stdbool.h>

#include "pieces.h"
#include "source.h"

/* A piece as its consumer sees it. `bytes` is NULL after the last piece. */
struct piece_view {
	const struct verified *bytes; /* valid until the next call */
	bool run_ends;                /* the compressed stream must end with this piece */
	uint64_t run_decoded_bytes;   /* what the whole run decodes to */
};

/* What the decoder pulls pieces from; a stream is one, a pipe into a jail can be another. */
struct feed {
	int (*next)(struct feed *feed, struct piece_view *out, struct error *e);
};

struct stream;

/* Memory that pieces are read into, and what then vouches for them. */
struct piece_room;

/* Read and check the piece table, open the blob, check its size. The source must outlive the
 * stream. Errors of the source; ERROR_DIGEST for the table; those of piece_table_decode();
 * ERROR_SIZE. */
int stream_open(struct source *source, const struct layer_record *record, struct stream **out,
	struct error *e);

/* The stream as a feed; it lives as long as the stream does. Each piece that differs from its
 * digest is ERROR_DIGEST, and names the piece. */
struct feed *stream_feed(struct stream *stream);

const struct piece_table *stream_pieces(const struct stream *stream);

/* Room for `capacity_bytes` bytes. ERROR_NOSPACE. */
int piece_room_open(size_t capacity_bytes, struct piece_room **out, struct error *e);
void piece_room_close(struct piece_room *room); /* NULL is fine */

/* Read piece `index`, which begins at `offset` in the blob, to byte `at` of the room, where it must
 * fit; hash and compare it. `*out` is valid until the room's next piece. ERROR_DIGEST names the
 * piece. Several threads may call this on one stream, each with a room of its own. */
int stream_verify(const struct stream *stream, size_t index, uint64_t offset,
	struct piece_room *room, size_t at, const struct verified **out, struct error *e);

/* What the blob is read from, -1: no descriptor. */
int stream_descriptor(const struct stream *stream);

/* `*beats` is counted up with each piece that was checked, as a sign of life; NULL: nothing is. */
void stream_on_beat(struct stream *stream, _Atomic uint64_t *beats);

/* Called after each verified piece with the stored bytes so far. */
void stream_on_progress(struct stream *stream,
	void (*progress)(void *context, uint64_t stored_bytes), void *context);

/* For who uses stream_verify(): so many stored bytes are done. */
void stream_report(const struct stream *stream, uint64_t stored_bytes);

void stream_close(struct stream *stream);

#endif

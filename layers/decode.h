/*
 * From verified pieces to plain tar bytes, pulled by whoever unpacks them.
 */
#ifndef PLYBOOT_DECODE_H
#define PLYBOOT_DECODE_H

#include "stream.h"

struct decoder;

/* In the caller's thread, piece after piece. `feed` must outlive the decoder. */
int decoder_open(enum media media, struct feed *feed, struct decoder **out, struct error *e);

/* With `workers` threads (1 .. DECODER_WORKERS_MOST) beside the caller's, which read, hash, compare
 * and decode whole runs at once, and check the pieces of a long run before they are wanted. When
 * the caller wants data that is not there yet it does the same instead of waiting, so that there
 * are never more threads at work than CPUs. Bytes and errors come in the order of the blob, as from
 * one thread; of a run that is wrong in two ways it may be the other error. Memory is bounded by
 * the largest piece and `workers`, whatever the layer is: decoder_parallel_bytes(); all of it is
 * asked for here. The stream must outlive it; nobody else may use it meanwhile. ERROR_NOSPACE.
 */
enum {
	DECODER_WORKERS_MOST = 6,
	DECODER_CHUNK_BYTES = 1024 * 1024 /* of decoded data: plyboot pack's default piece */
};
int decoder_open_parallel(struct stream *stream, enum media media, unsigned workers,
	struct decoder **out, struct error *e);

/* The most that it allocates, threads' stacks included; but for zstd's windows, which only frames
 * need that are larger than a chunk. */
uint64_t decoder_parallel_bytes(enum media media, uint64_t largest_piece_bytes, unsigned workers);

/* The next chunk, valid until the next call; `*size_bytes` is 0 at the end, when every piece has
 * been consumed. ERROR_STREAM: damaged, cut, trailing bytes, a run that is shorter than its table
 * says. ERROR_LIMIT: a run that is longer, a zstd window over 8 MiB, an endless gzip header. */
int decoder_read(
	struct decoder *decoder, const uint8_t **data, size_t *size_bytes, struct error *e);

void decoder_close(struct decoder *decoder); /* NULL is fine */

#endif

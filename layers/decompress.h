/*
 * Runs of verified pieces become plain bytes. zlib and zstd are called directly; CRC, length,
 * checksum and the end of each run are checked. Internal to decoding: decode.c pulls with one in
 * the caller's thread, parallel.c with one for each worker.
 */
#ifndef PLYBOOT_DECOMPRESS_H
#define PLYBOOT_DECOMPRESS_H

#include "stream.h"

struct decompressor;

/* For MEDIA_TAR_GZIP or MEDIA_TAR_ZSTD. `feed` must outlive it, and begins with a run's first
 * piece. */
int decompressor_open(
	enum media media, struct feed *feed, struct decompressor **out, struct error *e);

/* Fill `to` with `room_bytes` (at least 1), or with less where the feed ends; 0 at its end. Errors
 * as decoder_read(). */
int decompressor_fill(struct decompressor *self, uint8_t *to, size_t room_bytes, size_t *got_bytes,
	struct error *e);

/* Its feed ended and has more by now. */
void decompressor_restart(struct decompressor *self);

void decompressor_close(struct decompressor *self);

#endif

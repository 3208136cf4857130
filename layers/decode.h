/*
 * From verified pieces to plain tar bytes. zlib and zstd are called directly; CRC, length, checksum
 * and the end of each run are checked.
 */
#ifndef PLYBOOT_DECODE_H
#define PLYBOOT_DECODE_H

#include "stream.h"

struct decoder;

/* `feed` must outlive the decoder. */
int decoder_open(enum media media, struct feed *feed, struct decoder **out, struct error *e);

/* The next chunk, valid until the next call; `*size_bytes` is 0 at the end, when every piece has
 * been consumed. ERROR_STREAM: damaged, cut, trailing bytes, a run that is shorter than its table
 * says. ERROR_LIMIT: a run that is longer, a zstd window over 8 MiB, an endless gzip header. */
int decoder_read(
	struct decoder *decoder, const uint8_t **data, size_t *size_bytes, struct error *e);

void decoder_close(struct decoder *decoder);

#endif

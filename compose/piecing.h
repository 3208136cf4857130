/*
 * Tar bytes become pieces: cut at every so many bytes of tar, each cut a whole gzip member, a whole
 * zstd frame, or the bytes as they are.
 */
#ifndef PLYBOOT_PIECING_H
#define PLYBOOT_PIECING_H

#include "piece_writer.h"

struct piecing_settings {
	enum media media;
	int level;          /* of the compressor */
	size_t piece_bytes; /* of tar in a piece */
};

enum {
	PIECING_MIN_BYTES = 4096,
	PIECING_MAX_BYTES = 8 * 1024 * 1024 /* so that a frame's window stays within the limit */
};

struct piecing;

/* The writer must outlive it. ERROR_NOSPACE, ERROR_IO. */
int piecing_open(struct piece_writer *writer, const struct piecing_settings *settings,
	struct piecing **out, struct error *e);

/* A tarout_sink. */
int piecing_write(void *piecing, const void *data, size_t size_bytes, struct error *e);

/* The last piece. */
int piecing_finish(struct piecing *piecing, struct error *e);

void piecing_close(struct piecing *piecing);

#endif

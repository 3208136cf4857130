/*
 * Tar bytes become a blob in pieces: cut at every so many bytes of tar, each cut a whole gzip
 * member, a whole zstd frame, or the bytes as they are; and the piece table that goes with it.
 */
#ifndef PLYBOOT_PIECING_H
#define PLYBOOT_PIECING_H

#include "../layers/stack.h"
#include "layout.h"

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

/* The layout must outlive it. ERROR_NOSPACE, ERROR_IO. */
int piecing_open(struct layout *layout, const struct piecing_settings *settings,
	struct piecing **out, struct error *e);

/* A tarout_sink. */
int piecing_write(void *piecing, const void *data, size_t size_bytes, struct error *e);

/* The last piece; blob and table get their names. Fills digest, media, stored_bytes,
 * largest_piece_bytes and pieces of the record. ERROR_TAR: there was not a byte. */
int piecing_finish(struct piecing *piecing, struct layer_record *record, struct error *e);

void piecing_close(struct piecing *piecing);

#endif

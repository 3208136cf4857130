/*
 * A file that stays as it is, cut into pieces. Whole gzip members or zstd frames share a piece
 * while what they decode to fits in one; a member or frame that is stored in more bytes than that
 * is cut wherever the piece is full, and these cuts are a run. So what plyboot itself made with the
 * same size of pieces is cut where it was.
 */
#ifndef PLYBOOT_AS_IS_H
#define PLYBOOT_AS_IS_H

#include "piece_writer.h"

/* Read all of `fd`, which stays the caller's. What it is is known by its first bytes. ERROR_STREAM:
 * compressed data that is damaged or cut, or has a tail. `decoded`, unless NULL, gets the SHA-256
 * of the tar that it decodes to. ERROR_IO, ERROR_NOSPACE, and what piece_writer_add() says. */
int as_is_cut(int fd, size_t piece_bytes, struct piece_writer *writer, enum media *media,
	struct digest *decoded, struct error *e);

#endif

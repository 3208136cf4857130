#include "as_is.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "../layers/scope.h"
#include "interrupt.h"
#include "unzip.h"

enum { CHUNK_BYTES = 256 * 1024, SCRATCH_BYTES = 256 * 1024 };

struct as_is {
	struct piece_writer *writer;
	size_t piece_bytes;
	enum media media;
	z_stream gzip;
	bool gzip_ready;
	ZSTD_DCtx *zstd;
	bool between;            /* at the border of two members or frames */
	uint64_t member_decoded; /* bytes of the member or frame so far */
	bool member_cut;         /* its beginning is in pieces that are written */
	uint8_t *stored;         /* what is not: whole members, then the beginning of one */
	size_t used, capacity;
	size_t whole;           /* bytes of the whole ones */
	uint64_t whole_decoded; /* and what these decode to */
	bool hashing;           /* of what is decoded */
	struct sha256 hash;
	uint8_t chunk[CHUNK_BYTES];
	uint8_t scratch[SCRATCH_BYTES]; /* decoded, to be counted, and hashed if somebody asks */
};

static void count_decoded(struct as_is *self, const uint8_t *bytes, size_t size_bytes)
{
	self->member_decoded += size_bytes;
	if (self->hashing)
		sha256_update(&self->hash, bytes, size_bytes);
}

/* --- the three steps: up to the end of the input or of a member, whichever comes first */

static int step_gzip(
	struct as_is *self, const uint8_t *in, size_t in_bytes, size_t *taken, struct error *e)
{
	z_stream *stream = &self->gzip;
	int status = Z_OK;
	if (self->between && inflateReset(stream) != Z_OK)
		return error_set(e, ERROR_STREAM, 0, "gzip data");
	stream->next_in = (Bytef *)(uintptr_t)in;
	stream->avail_in = (uInt)in_bytes;
	do { /* zlib may hold bytes back while there is no room for them */
		stream->next_out = self->scratch;
		stream->avail_out = SCRATCH_BYTES;
		status = inflate(stream, Z_NO_FLUSH);
		count_decoded(self, self->scratch, SCRATCH_BYTES - stream->avail_out);
	} while (status == Z_OK && stream->avail_out == 0);
	*taken = in_bytes - stream->avail_in;
	self->between = status == Z_STREAM_END;
	if (status == Z_MEM_ERROR)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
		return error_set(e, ERROR_STREAM, 0, "damaged gzip data: %s",
			stream->msg != NULL ? stream->msg : "?");
	return 0;
}

static int step_zstd(
	struct as_is *self, const uint8_t *in, size_t in_bytes, size_t *taken, struct error *e)
{
	ZSTD_inBuffer input = {in, in_bytes, 0};
	ZSTD_outBuffer output;
	size_t left;
	do { /* as above */
		output = (ZSTD_outBuffer){self->scratch, SCRATCH_BYTES, 0};
		left = ZSTD_decompressStream(self->zstd, &output, &input);
		if (ZSTD_isError(left))
			return error_set(e,
				ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation
					? ERROR_NOSPACE
					: ERROR_STREAM,
				0, "damaged zstd data: %s", ZSTD_getErrorName(left));
		count_decoded(self, self->scratch, output.pos);
	} while (left != 0 && output.pos == SCRATCH_BYTES);
	*taken = input.pos;
	self->between = left == 0;
	return 0;
}

/* A tar has no borders, and so it has one wherever we want it. */
static int step_plain(
	struct as_is *self, const uint8_t *in, size_t in_bytes, size_t *taken, struct error *e)
{
	(void)e;
	size_t room = self->piece_bytes - (size_t)self->member_decoded;
	*taken = in_bytes < room ? in_bytes : room;
	count_decoded(self, in, *taken);
	self->between = *taken == room;
	return 0;
}

static int (*const steps[MEDIA_TYPES])(
	struct as_is *self, const uint8_t *in, size_t in_bytes, size_t *taken, struct error *e) = {
	[MEDIA_TAR] = step_plain,
	[MEDIA_TAR_GZIP] = step_gzip,
	[MEDIA_TAR_ZSTD] = step_zstd,
};

/* --- pieces */

static int write_piece(
	struct as_is *self, size_t stored_bytes, uint64_t decoded_bytes, struct error *e)
{
	if (piece_writer_add(self->writer, self->stored, stored_bytes, decoded_bytes, e) != 0)
		return -1;
	self->used -= stored_bytes;
	memmove(self->stored, self->stored + stored_bytes, self->used);
	return 0;
}

static int write_whole(struct as_is *self, struct error *e)
{
	if (self->whole > 0 && write_piece(self, self->whole, self->whole_decoded, e) != 0)
		return -1;
	self->whole = 0;
	self->whole_decoded = 0;
	return 0;
}

/* A member has ended. What ends a run of cuts shares its piece with nothing behind it. */
static int end_member(struct as_is *self, struct error *e)
{
	if (self->whole_decoded + self->member_decoded > self->piece_bytes &&
		write_whole(self, e) != 0)
		return -1;
	self->whole = self->used;
	self->whole_decoded += self->member_decoded;
	self->member_decoded = 0;
	if (self->member_cut && write_whole(self, e) != 0)
		return -1;
	self->member_cut = false;
	return 0;
}

static int make_room(struct as_is *self, struct error *e)
{
	if (self->whole > 0)
		return write_whole(self, e);
	self->member_cut = true;
	return write_piece(self, self->piece_bytes, 0, e);
}

static int add(struct as_is *self, const uint8_t *bytes, size_t size_bytes, struct error *e)
{
	while (size_bytes > 0) {
		if (self->used == self->capacity && make_room(self, e) != 0)
			return -1;
		size_t room = self->capacity - self->used, taken;
		size_t now = size_bytes < room ? size_bytes : room;
		if (steps[self->media](self, bytes, now, &taken, e) != 0)
			return -1;
		memcpy(self->stored + self->used, bytes, taken);
		self->used += taken;
		bytes += taken;
		size_bytes -= taken;
		if (self->between && end_member(self, e) != 0)
			return -1;
	}
	return 0;
}

static int finish(struct as_is *self, struct error *e)
{
	if (!self->between && self->media != MEDIA_TAR)
		return error_set(e, ERROR_STREAM, 0, "%s data that is cut",
			self->media == MEDIA_TAR_GZIP ? "gzip" : "zstd");
	if (!self->between && end_member(self, e) != 0)
		return -1;
	return write_whole(self, e);
}

/* --- reading */

/* As many bytes as there are, up to a chunk: a pipe gives fewer at a time than the kind of file
 * needs to be known by. */
static int read_chunk(struct as_is *self, int fd, size_t *got, struct error *e)
{
	*got = 0;
	while (*got < CHUNK_BYTES) {
		ssize_t now = read(fd, self->chunk + *got, CHUNK_BYTES - *got);
		if (interrupt_check(e) != 0)
			return -1;
		if (now < 0 && errno == EINTR)
			continue;
		if (now < 0)
			return error_errno(e, errno, "read");
		if (now == 0)
			return 0;
		*got += (size_t)now;
	}
	return 0;
}

static int start(struct as_is *self, size_t first_bytes, struct error *e)
{
	self->media = unzip_media(self->chunk, first_bytes);
	self->between = true;
	/* Room for what a member or frame needs beyond its content when that can't be compressed:
	 * it stays one piece, as plyboot's own do. */
	self->capacity = self->piece_bytes + self->piece_bytes / 128 + 512;
	self->stored = malloc(self->capacity);
	if (self->media == MEDIA_TAR_ZSTD)
		self->zstd = ZSTD_createDCtx();
	if (self->media == MEDIA_TAR_GZIP)
		self->gzip_ready = inflateInit2(&self->gzip, 16 + MAX_WBITS) == Z_OK;
	if (self->stored == NULL || (self->media == MEDIA_TAR_ZSTD && self->zstd == NULL) ||
		(self->media == MEDIA_TAR_GZIP && !self->gzip_ready))
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	return 0;
}

static int cut(struct as_is *self, int fd, struct error *e)
{
	size_t got;
	if (read_chunk(self, fd, &got, e) != 0 || start(self, got, e) != 0)
		return -1;
	while (got > 0) {
		if (add(self, self->chunk, got, e) != 0 || read_chunk(self, fd, &got, e) != 0)
			return -1;
	}
	return finish(self, e);
}

int as_is_cut(int fd, size_t piece_bytes, struct piece_writer *writer, enum media *media,
	struct digest *decoded, struct error *e)
{
	struct as_is *self = calloc(1, sizeof *self);
	if (self == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	self->writer = writer;
	self->piece_bytes = piece_bytes;
	self->hashing = decoded != NULL;
	sha256_start(&self->hash);
	int result = cut(self, fd, e);
	if (result == 0)
		*media = self->media;
	if (result == 0 && decoded != NULL)
		sha256_finish(&self->hash, decoded);
	if (self->gzip_ready)
		(void)inflateEnd(&self->gzip);
	(void)ZSTD_freeDCtx(self->zstd);
	free(self->stored);
	free(self);
	return result;
}

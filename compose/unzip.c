#include "unzip.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "../layers/little_endian.h"
#include "interrupt.h"

enum { INPUT_BYTES = 128 * 1024 };

struct unzip {
	int fd;
	const uint8_t *bytes; /* instead of it, unless NULL */
	size_t bytes_left, filled_bytes;
	bool one, over; /* one member or frame only; it has ended */
	/* One of these, by kind. */
	int (*read)(struct unzip *self, uint8_t *to, size_t capacity, size_t *got, struct error *e);
	z_stream gzip;
	ZSTD_DStream *zstd;
	bool started, ended; /* within a member or frame; the file has ended */
	size_t at, filled;
	uint8_t input[INPUT_BYTES];
};

static ssize_t take_input(struct unzip *self)
{
	if (self->bytes == NULL)
		return read(self->fd, self->input, sizeof self->input);
	size_t now = self->bytes_left < sizeof self->input ? self->bytes_left : sizeof self->input;
	memcpy(self->input, self->bytes, now);
	self->bytes += now;
	self->bytes_left -= now;
	return (ssize_t)now;
}

/* Have at least one byte of input, unless the file has ended. */
static int refill(struct unzip *self, struct error *e)
{
	while (self->at == self->filled && !self->ended) {
		ssize_t got = take_input(self);
		if (interrupt_check(e) != 0)
			return -1;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(e, errno, "read");
		self->at = 0;
		self->filled = (size_t)got;
		self->filled_bytes += self->filled;
		self->ended = got == 0;
	}
	return 0;
}

static int read_plain(
	struct unzip *self, uint8_t *to, size_t capacity, size_t *got, struct error *e)
{
	if (refill(self, e) != 0)
		return -1;
	size_t left = self->filled - self->at;
	*got = left < capacity ? left : capacity;
	memcpy(to, self->input + self->at, *got);
	self->at += *got;
	return 0;
}

static int read_gzip(struct unzip *self, uint8_t *to, size_t capacity, size_t *got, struct error *e)
{
	self->gzip.next_out = to;
	self->gzip.avail_out = (uInt)capacity;
	while (self->gzip.avail_out == capacity && !self->over) {
		if (refill(self, e) != 0)
			return -1;
		if (self->at == self->filled) {
			if (self->started)
				return error_set(e, ERROR_STREAM, 0, "gzip data that is cut");
			break;
		}
		self->started = true;
		self->gzip.next_in = self->input + self->at;
		self->gzip.avail_in = (uInt)(self->filled - self->at);
		int result = inflate(&self->gzip, Z_NO_FLUSH);
		self->at = self->filled - self->gzip.avail_in;
		if (result == Z_STREAM_END) {
			self->started = false;
			self->over = self->one;
			if (inflateReset(&self->gzip) != Z_OK)
				return error_set(e, ERROR_STREAM, 0, "gzip data");
		} else if (result == Z_MEM_ERROR) {
			return error_set(e, ERROR_NOSPACE, 0, "no memory");
		} else if (result != Z_OK && result != Z_BUF_ERROR) {
			return error_set(e, ERROR_STREAM, 0, "damaged gzip data: %s",
				self->gzip.msg != NULL ? self->gzip.msg : "?");
		}
	}
	*got = capacity - self->gzip.avail_out;
	return 0;
}

static int read_zstd(struct unzip *self, uint8_t *to, size_t capacity, size_t *got, struct error *e)
{
	ZSTD_outBuffer out = {.dst = to, .size = capacity};
	while (out.pos == 0 && !self->over) {
		if (refill(self, e) != 0)
			return -1;
		ZSTD_inBuffer in = {self->input, self->filled, self->at};
		if (self->at == self->filled && !self->started)
			break;
		size_t left = ZSTD_decompressStream(self->zstd, &out, &in);
		if (ZSTD_isError(left))
			return error_set(e, ERROR_STREAM, 0, "damaged zstd data: %s",
				ZSTD_getErrorName(left));
		if (in.pos == self->at && out.pos == 0 && self->ended)
			return error_set(e, ERROR_STREAM, 0, "zstd data that is cut");
		self->at = in.pos;
		self->started = left != 0;
		self->over = self->one && left == 0;
	}
	*got = out.pos;
	return 0;
}

/* RFC 1952 2.3.1; RFC 8878 3.1.1 and, of a skippable frame, 3.1.2. */
enum media unzip_media(const uint8_t *bytes, size_t size_bytes)
{
	uint32_t magic = size_bytes < 4 ? 0 : get_u32(bytes);
	if (size_bytes >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b)
		return MEDIA_TAR_GZIP;
	if (magic == ZSTD_MAGICNUMBER ||
		(magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START)
		return MEDIA_TAR_ZSTD;
	return MEDIA_TAR;
}

static int choose(struct unzip *self, struct error *e)
{
	if (refill(self, e) != 0)
		return -1;
	switch (unzip_media(self->input, self->filled)) {
	case MEDIA_TAR_GZIP:
		if (inflateInit2(&self->gzip, 15 + 16) != Z_OK)
			return error_set(e, ERROR_NOSPACE, 0, "no memory for gzip");
		self->read = read_gzip;
		return 0;
	case MEDIA_TAR_ZSTD:
		self->zstd = ZSTD_createDStream();
		if (self->zstd == NULL)
			return error_set(e, ERROR_NOSPACE, 0, "no memory for zstd");
		self->read = read_zstd;
		return 0;
	default:
		self->read = read_plain;
		return 0;
	}
}

/* `self` is ours. */
static int begin(struct unzip *self, struct unzip **out, struct error *e)
{
	if (choose(self, e) != 0) {
		unzip_close(self);
		return -1;
	}
	*out = self;
	return 0;
}

int unzip_open(int fd, struct unzip **out, struct error *e)
{
	struct unzip *self = calloc(1, sizeof *self);
	if (self == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	self->fd = fd;
	return begin(self, out, e);
}

int unzip_open_one(const uint8_t *bytes, size_t size_bytes, struct unzip **out, struct error *e)
{
	struct unzip *self = calloc(1, sizeof *self);
	if (self == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	self->bytes = bytes;
	self->bytes_left = size_bytes;
	self->one = true;
	return begin(self, out, e);
}

size_t unzip_taken(const struct unzip *unzip)
{
	return unzip->filled_bytes - (unzip->filled - unzip->at);
}

int unzip_read(struct unzip *unzip, uint8_t *to, size_t capacity, size_t *got, struct error *e)
{
	return unzip->read(unzip, to, capacity, got, e);
}

void unzip_close(struct unzip *self)
{
	if (self == NULL)
		return;
	if (self->read == read_gzip)
		(void)inflateEnd(&self->gzip);
	ZSTD_freeDStream(self->zstd);
	free(self);
}

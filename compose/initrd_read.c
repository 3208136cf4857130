#include "initrd_read.h"

#include <stdlib.h>

#include "../layers/scope.h"
#include "bytes.h"
#include "unzip.h"

enum compression { COMPRESSION_NONE, COMPRESSION_READ, COMPRESSION_OTHER };

/* By its first two bytes, as lib/decompress.c. */
static enum compression compression_of(const uint8_t *bytes, size_t size_bytes)
{
	static const struct {
		uint8_t first, second;
		enum compression compression;
	} known[] = {
		{0x1f, 0x8b, COMPRESSION_READ}, {0x28, 0xb5, COMPRESSION_READ},
		{0x1f, 0x9e, COMPRESSION_OTHER},                                /* gzip of old */
		{'B', 'Z', COMPRESSION_OTHER}, {0x5d, 0x00, COMPRESSION_OTHER}, /* lzma */
		{0xfd, '7', COMPRESSION_OTHER},                                 /* xz */
		{0x89, 'L', COMPRESSION_OTHER},                                 /* lzo */
		{0x02, '!', COMPRESSION_OTHER},                                 /* lz4 */
	};
	for (size_t i = 0; size_bytes >= 2 && i < sizeof known / sizeof known[0]; i++) {
		if (bytes[0] == known[i].first && bytes[1] == known[i].second)
			return known[i].compression;
	}
	return COMPRESSION_NONE;
}

/* Unpack one member or frame. 1: it has over so many bytes. */
static int inflate_one(const uint8_t *bytes, size_t size_bytes, size_t most_bytes,
	struct bytes *out, size_t *taken, struct error *e)
{
	static uint8_t chunk[65536];
	struct unzip *unzip;
	size_t got = 1;
	int result = 0;
	if (unzip_open_one(bytes, size_bytes, &unzip, e) != 0)
		return -1;
	while (result == 0 && got > 0) {
		result = unzip_read(unzip, chunk, sizeof chunk, &got, e);
		if (result == 0)
			result = got > most_bytes - out->size ? 1 : bytes_add(out, chunk, got, e);
	}
	*taken = unzip_taken(unzip);
	unzip_close(unzip);
	return result;
}

/* Take in what one that is compressed holds. 1: it is too much, and not taken. */
static int add_compressed(struct initrd *initrd, const uint8_t *bytes, size_t size_bytes,
	size_t *left_bytes, size_t *taken, struct error *e)
{
	SCOPED_BYTES all = {0};
	size_t at = 0;
	if (initrd->unpacked_count == INITRD_COMPRESSED)
		return 1;
	int result = inflate_one(bytes, size_bytes, *left_bytes, &all, taken, e);
	if (result != 0)
		return result;
	*left_bytes -= all.size;
	size_t unpacked_bytes = all.size;
	uint8_t *unpacked = SCOPE_TAKE(all.data);
	initrd->unpacked[initrd->unpacked_count++] = unpacked;
	if (cpio_read(unpacked, unpacked_bytes, &at, &initrd->members, e) != 0)
		return -1;
	return at == unpacked_bytes
		       ? 0
		       : error_set(e, ERROR_FORMAT, 0, "what is compressed in it is no cpio");
}

/* One that is compressed, or all that are plain. 1: it can't be read. */
static int take_next(struct initrd *initrd, const uint8_t *bytes, size_t size_bytes, size_t *at,
	size_t *left_bytes, struct error *e)
{
	enum compression compression = compression_of(bytes + *at, size_bytes - *at);
	size_t taken = 0;
	if (compression == COMPRESSION_NONE)
		return cpio_read(bytes, size_bytes, at, &initrd->members, e);
	if (compression == COMPRESSION_OTHER)
		return 1;
	int result = add_compressed(initrd, bytes + *at, size_bytes - *at, left_bytes, &taken, e);
	if (result == 0)
		*at += taken;
	return result;
}

int initrd_read(const uint8_t *bytes, size_t size_bytes, size_t most_bytes, struct initrd *out,
	struct error *e)
{
	size_t at = 0, before = SIZE_MAX;
	*out = (struct initrd){0};
	while (at < size_bytes && at != before) {
		before = at;
		int result = take_next(out, bytes, size_bytes, &at, &most_bytes, e);
		if (result < 0)
			return -1;
		out->hides = result == 1;
	}
	out->unread_at = at;
	if (out->members.count == 0 && !out->hides)
		return error_set(e, ERROR_FORMAT, 0, "it is no cpio of the form newc");
	return 0;
}

void initrd_free(struct initrd *initrd)
{
	cpio_members_free(&initrd->members);
	for (size_t i = 0; i < initrd->unpacked_count; i++)
		free(initrd->unpacked[i]);
	*initrd = (struct initrd){0};
}

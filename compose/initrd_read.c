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

/* Unpack one member or frame. ERROR_LIMIT: over so many bytes. */
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
			result = got > most_bytes - out->size
					 ? error_set(e, ERROR_LIMIT, 0, "it is too large")
					 : bytes_add(out, chunk, got, e);
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
	if (inflate_one(bytes, size_bytes, *left_bytes, &all, taken, e) != 0)
		return e->code == ERROR_LIMIT ? 1 : -1;
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

int initrd_read(const uint8_t *bytes, size_t size_bytes, struct initrd *out, struct error *e)
{
	size_t at = 0, left_bytes = INITRD_MAX_BYTES;
	*out = (struct initrd){0};
	while (at < size_bytes && !out->hides) {
		size_t taken = 0, before = at;
		int result = 0;
		switch (compression_of(bytes + at, size_bytes - at)) {
		case COMPRESSION_READ:
			result = add_compressed(
				out, bytes + at, size_bytes - at, &left_bytes, &taken, e);
			at += result == 0 ? taken : 0;
			break;
		case COMPRESSION_OTHER:
			result = 1;
			break;
		case COMPRESSION_NONE:
			result = cpio_read(bytes, size_bytes, &at, &out->members, e);
			break;
		}
		if (result < 0)
			return -1;
		out->hides = result == 1;
		if (at == before)
			break;
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

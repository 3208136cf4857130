#include "digest.h"

#include <string.h>

static const char prefix[] = "sha256:";
enum { PREFIX_LENGTH = sizeof prefix - 1 };

void digest_of(const void *data, size_t size_bytes, struct digest *out)
{
	struct sha256 hash;
	sha256_start(&hash);
	sha256_update(&hash, data, size_bytes);
	sha256_finish(&hash, out);
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return memcmp(a->bytes, b->bytes, DIGEST_BYTES) == 0;
}

void digest_format_hex(const struct digest *digest, char out[DIGEST_HEX + 1])
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < DIGEST_BYTES; i++) {
		out[2 * i] = digits[digest->bytes[i] >> 4];
		out[2 * i + 1] = digits[digest->bytes[i] & 15];
	}
	out[DIGEST_HEX] = '\0';
}

void digest_format(const struct digest *digest, char out[DIGEST_TEXT_SIZE])
{
	memcpy(out, prefix, PREFIX_LENGTH);
	digest_format_hex(digest, out + PREFIX_LENGTH);
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool digest_parse_hex(const char *text, size_t length, struct digest *out)
{
	if (length != DIGEST_HEX)
		return false;
	struct digest digest;
	for (size_t i = 0; i < DIGEST_BYTES; i++) {
		int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		digest.bytes[i] = (uint8_t)(high * 16 + low);
	}
	*out = digest;
	return true;
}

bool digest_parse(const char *text, size_t length, struct digest *out)
{
	if (length != PREFIX_LENGTH + DIGEST_HEX || memcmp(text, prefix, PREFIX_LENGTH) != 0)
		return false;
	return digest_parse_hex(text + PREFIX_LENGTH, length - PREFIX_LENGTH, out);
}

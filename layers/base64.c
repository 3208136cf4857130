#include "base64.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const uint8_t *data, size_t size_bytes, char *out)
{
	for (size_t i = 0; i < size_bytes; i += 3) {
		size_t left = size_bytes - i;
		uint32_t bits = (uint32_t)data[i] << 16;
		if (left > 1)
			bits |= (uint32_t)data[i + 1] << 8;
		if (left > 2)
			bits |= data[i + 2];
		*out++ = alphabet[bits >> 18];
		*out++ = alphabet[bits >> 12 & 63];
		*out++ = left > 1 ? alphabet[bits >> 6 & 63] : '=';
		*out++ = left > 2 ? alphabet[bits & 63] : '=';
	}
	*out = '\0';
}

bool base64_decode(const char *text, size_t length, uint8_t *out, size_t size_bytes)
{
	if (length != BASE64_LENGTH(size_bytes))
		return false;
	size_t padding = (3 - size_bytes % 3) % 3;
	uint32_t bits = 0; /* the lowest `have` of them are still to be written */
	unsigned have = 0;
	for (size_t i = 0; i < length - padding; i++) {
		const char *at = memchr(alphabet, text[i], 64);
		if (at == NULL)
			return false;
		bits = bits << 6 | (uint32_t)(at - alphabet);
		have += 6;
		if (have >= 8) {
			have -= 8;
			*out++ = (uint8_t)(bits >> have);
		}
	}
	if ((bits & ((1u << have) - 1)) != 0)
		return false;
	return memcmp(text + length - padding, "==", padding) == 0;
}

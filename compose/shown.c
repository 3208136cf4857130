#include "shown.h"

#include <stdint.h>

/* The length of the UTF-8 sequence at `s`, and its character; 0: none. */
static size_t decode(const char *s, uint32_t *out)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *bytes = (const unsigned char *)s;
	unsigned first = bytes[0];
	size_t length = first < 0x80         ? 1
			: first >> 5 == 6    ? 2
			: first >> 4 == 0xe  ? 3
			: first >> 3 == 0x1e ? 4
					     : 0;
	uint32_t value = length == 1 ? first : first & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (bytes[i] & 0x3f);
	}
	if (length == 0 || value < least[length] || value > 0x10ffff ||
		(value >= 0xd800 && value <= 0xdfff))
		return 0;
	*out = value;
	return length;
}

/* Controls, C1 too, and what ends a line or turns its direction. */
static bool is_harmless(uint32_t c)
{
	return c >= 0x20 && !(c >= 0x7f && c < 0xa0) && c != '\\' && c != 0x61c &&
	       !(c >= 0x200e && c <= 0x200f) && !(c >= 0x2028 && c <= 0x202e) &&
	       !(c >= 0x2066 && c <= 0x2069);
}

static void print_escaped(unsigned char c, FILE *to)
{
	if (c == '\n')
		fputs("\\n", to);
	else if (c == '\t')
		fputs("\\t", to);
	else if (c == '\\')
		fputs("\\\\", to);
	else
		fprintf(to, "\\x%02x", c);
}

void shown_print(const char *name, FILE *to)
{
	while (*name != '\0') {
		uint32_t c = 0;
		size_t length = decode(name, &c);
		if (length > 0 && is_harmless(c)) {
			fwrite(name, 1, length, to);
			name += length;
			continue;
		}
		for (size_t left = length > 0 ? length : 1; left > 0; left--)
			print_escaped((unsigned char)*name++, to);
	}
}

bool shown_is_utf8(const char *text)
{
	while (*text != '\0') {
		uint32_t c;
		size_t length = decode(text, &c);
		if (length == 0)
			return false;
		text += length;
	}
	return true;
}

#include "aside_mark.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *aside_why_name(enum aside_why why)
{
	static const char *const names[ASIDE_WHYS] = {
		[ASIDE_UNCONFIRMED] = "unconfirmed", [ASIDE_ASKED] = "asked"};
	return names[why];
}

size_t aside_mark_encode(const struct aside_mark *mark, char out[ASIDE_MARK_SIZE])
{
	return (size_t)snprintf(
		out, ASIDE_MARK_SIZE, "%" PRIu32 " %s\n", mark->boots, aside_why_name(mark->why));
}

/* Leading zeros and numbers that wrap don't encode to what they were read from. */
int aside_mark_decode(const char *text, size_t size_bytes, struct aside_mark *out, struct error *e)
{
	struct aside_mark mark = {.boots = 0};
	size_t at = 0;
	for (; at < size_bytes && text[at] >= '0' && text[at] <= '9'; at++)
		mark.boots = mark.boots * 10 + (uint32_t)(text[at] - '0');
	for (unsigned why = 0; why < ASIDE_WHYS; why++) {
		char again[ASIDE_MARK_SIZE];
		mark.why = (enum aside_why)why;
		if (aside_mark_encode(&mark, again) == size_bytes &&
			memcmp(again, text, size_bytes) == 0) {
			*out = mark;
			return 0;
		}
	}
	return error_set(e, ERROR_FORMAT, 0, "it is not in its canonical form");
}

bool aside_number_parse(const char *text, unsigned long *out)
{
	unsigned long number = 0;
	size_t length = strspn(text, "0123456789");
	if (length == 0 || length > 9 || text[length] != '\0' || text[0] == '0')
		return false;
	for (; *text != '\0'; text++)
		number = number * 10 + (unsigned long)(*text - '0');
	*out = number;
	return true;
}

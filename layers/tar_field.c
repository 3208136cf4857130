#include "tar_field.h"

#include <limits.h>
#include <string.h>

_Static_assert(sizeof(struct tar_header) == TAR_BLOCK_BYTES, "a tar header is one block");

static bool octal(const char *field, size_t length, uint64_t *out)
{
	size_t at = 0;
	while (at < length && field[at] == ' ')
		at++;
	uint64_t value = 0;
	for (; at < length && field[at] >= '0' && field[at] <= '7'; at++) {
		if (value > (UINT64_C(1) << 60) - 1)
			return false;
		value = value * 8 + (uint64_t)(field[at] - '0');
	}
	for (; at < length; at++)
		if (field[at] != ' ' && field[at] != '\0')
			return false;
	*out = value;
	return true;
}

/* Two's complement, big-endian, with the top bit as the marker: 0x80 positive, 0xff negative. */
static bool base256(const char *field, size_t length, int64_t *out)
{
	uint8_t lead = (uint8_t)field[0];
	if (lead != 0x80 && lead != 0xff)
		return false;
	uint64_t value = lead == 0xff ? UINT64_MAX : 0;
	for (size_t at = 1; at < length; at++) {
		uint64_t top = value >> 55;
		if (top != 0 && top != 0x1ff)
			return false;
		value = value << 8 | (uint8_t)field[at];
	}
	*out = (int64_t)value; /* what was shifted out was the sign, all of it */
	return true;
}

bool tar_field_signed(const char *field, size_t length, int64_t *out)
{
	if ((uint8_t)field[0] & 0x80)
		return base256(field, length, out);
	uint64_t value;
	if (!octal(field, length, &value))
		return false;
	*out = (int64_t)value;
	return true;
}

bool tar_field_unsigned(const char *field, size_t length, uint64_t *out)
{
	int64_t value;
	if (!tar_field_signed(field, length, &value) || value < 0)
		return false;
	*out = (uint64_t)value;
	return true;
}

bool tar_decimal(const char *text, size_t length, uint64_t *out)
{
	if (length == 0 || (text[0] == '0' && length > 1))
		return false;
	uint64_t value = 0;
	for (size_t at = 0; at < length; at++) {
		if (text[at] < '0' || text[at] > '9')
			return false;
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, (uint64_t)(text[at] - '0'), &value))
			return false;
	}
	if (value > INT64_MAX)
		return false;
	*out = value;
	return true;
}

bool tar_pax_time(const char *text, size_t length, struct timespec *out)
{
	bool negative = length > 0 && text[0] == '-';
	text += negative;
	length -= negative;
	const char *dot = memchr(text, '.', length);
	size_t whole = dot == NULL ? length : (size_t)(dot - text);
	uint64_t seconds;
	if (!tar_decimal(text, whole, &seconds) || (dot != NULL && whole + 1 == length))
		return false;

	long nanoseconds = 0;
	size_t digits = dot == NULL ? 0 : length - whole - 1;
	if (digits > 9)
		return false;
	for (size_t digit = 0; digit < 9; digit++) {
		char value = digit < digits ? text[whole + 1 + digit] : '0';
		if (value < '0' || value > '9')
			return false;
		nanoseconds = nanoseconds * 10 + (value - '0');
	}
	if (!negative) {
		*out = (struct timespec){.tv_sec = (time_t)seconds, .tv_nsec = nanoseconds};
		return true;
	}
	int64_t floor = -(int64_t)seconds;
	if (nanoseconds > 0) {
		if (floor == -INT64_MAX)
			return false;
		floor--;
		nanoseconds = 1000000000L - nanoseconds;
	}
	*out = (struct timespec){.tv_sec = (time_t)floor, .tv_nsec = nanoseconds};
	return true;
}

bool tar_checksum_ok(const struct tar_header *header)
{
	const uint8_t *bytes = (const uint8_t *)header;
	size_t begin = offsetof(struct tar_header, checksum);
	size_t end = begin + sizeof header->checksum;
	uint64_t sum = 0;
	for (size_t at = 0; at < TAR_BLOCK_BYTES; at++)
		sum += at >= begin && at < end ? ' ' : bytes[at];
	uint64_t claimed;
	return octal(header->checksum, sizeof header->checksum, &claimed) && claimed == sum;
}

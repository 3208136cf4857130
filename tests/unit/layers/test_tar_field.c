/* layers/tar_field.c: the number fields of tar headers and pax records. */
#include "layers/tar_field.h"
#include "random.h"
#include "tap.h"

#define FIELD(text) text, sizeof(text) - 1

static void reads_unsigned_fields(void)
{
	static const struct {
		const char *field;
		size_t length;
		uint64_t value;
	} good[] = {
		{FIELD("0000644\0"), 0644},
		{FIELD("000644 \0"), 0644},
		{FIELD("   644 \0"), 0644},
		{FIELD("        "), 0},
		{FIELD("\0\0\0\0\0\0\0\0"), 0},
		{FIELD("77777777"), 077777777},
		{FIELD("0\0\0\0\0\0\0\0"), 0},
		{FIELD("12 \0 \0 \0"), 012},
		{FIELD("77777777777\0"), 077777777777},
		{FIELD("\x80\0\0\0\0\0\0\x01"), 1},
		{FIELD("\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff"), INT64_MAX},
		{FIELD("777777777777777777777"), INT64_MAX},
	};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		uint64_t value = 42;
		ok(tar_field_unsigned(good[i].field, good[i].length, &value) &&
				value == good[i].value,
			"field %zu holds %llu", i, (unsigned long long)good[i].value);
	}
	static const struct {
		const char *name, *field;
		size_t length;
	} bad[] = {
		{"minus", FIELD("-000644\0")},
		{"plus", FIELD("+000644\0")},
		{"an 8", FIELD("0000648\0")},
		{"a letter", FIELD("000x644\0")},
		{"hex", FIELD("0x00644\0")},
		{"tab", FIELD("\t000644\0")},
		{"digits behind a space", FIELD("644 644\0")},
		{"digits behind a NUL", FIELD("6\0000644\0")},
		{"NUL first", FIELD("\000644   ")},
		{"minus behind a space", FIELD("  -1  \0\0")},
		{"more than 63 bits of octal", FIELD("1000000000000000000000")},
		{"base-256 -1", FIELD("\xff\xff\xff\xff\xff\xff\xff\xff")},
		{"base-256 -2^63", FIELD("\xff\xff\xff\xff\x80\0\0\0\0\0\0\0")},
		{"base-256 2^63", FIELD("\x80\0\0\0\x80\0\0\0\0\0\0\0")},
		{"base-256 2^64", FIELD("\x80\0\0\x01\0\0\0\0\0\0\0\0")},
		{"base-256 2^87", FIELD("\x80\x80\0\0\0\0\0\0\0\0\0\0")},
		{"base-256 with another mark", FIELD("\x81\0\0\0\0\0\0\0")},
		{"base-256 with another mark", FIELD("\xc0\0\0\0\0\0\0\0")},
		{"base-256 with another mark", FIELD("\xfe\xff\xff\xff\xff\xff\xff\xff")},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		uint64_t value = 42;
		ok(!tar_field_unsigned(bad[i].field, bad[i].length, &value) && value == 42,
			"refused: %s (%zu)", bad[i].name, i);
	}
}

static void reads_signed_fields(void)
{
	static const struct {
		const char *field;
		size_t length;
		int64_t value;
	} good[] = {
		{FIELD("00000000001\0"), 1},
		{FIELD("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), -1},
		{FIELD("\xff\xff\xff\xff\x80\0\0\0\0\0\0\0"), INT64_MIN},
		{FIELD("\xff\xff\xff\xff\xff\xff\xff\xfe"), -2},
		{FIELD("\x80\0\0\0\0\0\0\0\0\0\0\x02"), 2},
	};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		int64_t value = 42;
		ok(tar_field_signed(good[i].field, good[i].length, &value) &&
				value == good[i].value,
			"time %zu is %lld", i, (long long)good[i].value);
	}
	int64_t value = 42;
	ok(!tar_field_signed(FIELD("\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff"), &value) &&
			!tar_field_signed(FIELD("\xff\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
				&value) &&
			!tar_field_signed(FIELD("\xff\0\0\0\0\0\0\0\0\0\0\x01"), &value) &&
			!tar_field_signed(FIELD("-0000000001\0"), &value) && value == 42,
		"below -2^63, or with an octal sign: refused");
}

static void reads_decimals(void)
{
	uint64_t value = 42;
	ok(tar_decimal(FIELD("0"), &value) && value == 0, "0");
	ok(tar_decimal(FIELD("9223372036854775807"), &value) && value == INT64_MAX, "2^63-1");
	value = 42;
	static const char *const bad[] = {"", "00", "01", "+1", "-1", " 1", "1 ", "1.0", "0x1",
		"1e3", "9223372036854775808", "18446744073709551615", "18446744073709551616",
		"99999999999999999999999", "1\n", "a"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(!tar_decimal(bad[i], strlen(bad[i]), &value) && value == 42, "refused: \"%s\"",
			bad[i]);
	ok(!tar_decimal("1\0", 2, &value), "refused: a NUL behind it");
}

static void reads_pax_times(void)
{
	static const struct {
		const char *text;
		long long seconds;
		long nanoseconds;
	} good[] = {
		{"0", 0, 0},
		{"1", 1, 0},
		{"1.5", 1, 500000000},
		{"1.000000001", 1, 1},
		{"1.999999999", 1, 999999999},
		{"0.123456789", 0, 123456789},
		{"-1", -1, 0},
		{"-0", 0, 0},
		{"-0.5", -1, 500000000},
		{"-1.5", -2, 500000000},
		{"-1.000000001", -2, 999999999},
		{"-1.999999999", -2, 1},
		{"9223372036854775807", INT64_MAX, 0},
		{"-9223372036854775807", -INT64_MAX, 0},
		{"-9223372036854775806.5", -INT64_MAX, 500000000},
		{"2147483648.25", 2147483648, 250000000},
	};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct timespec t = {42, 42};
		ok(tar_pax_time(good[i].text, strlen(good[i].text), &t) &&
				t.tv_sec == good[i].seconds && t.tv_nsec == good[i].nanoseconds,
			"%s is %lld and %ld ns", good[i].text, good[i].seconds,
			good[i].nanoseconds);
	}
	static const char *const bad[] = {"", "-", ".", "-.", "1.", ".5", "-.5", "--1", "+1",
		"1.5.5", "1,5", "01", "1.-5", "1.5x", "1e9", " 1", "1 ", "9223372036854775808",
		"-9223372036854775808", "-9223372036854775807.5", "1.12345678x", "1.1234567890",
		"1.0000000000", "-1.9999999999", "nan"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct timespec t = {42, 42};
		ok(!tar_pax_time(bad[i], strlen(bad[i]), &t) && t.tv_sec == 42 && t.tv_nsec == 42,
			"refused: \"%s\"", bad[i]);
	}
}

/* Any text gives a time whose nanoseconds lie in 0..999999999, or none. */
static void pax_times_are_always_normal(void)
{
	uint64_t seed = 1;
	bool normal = true;
	for (int i = 0; i < 200000; i++) {
		static const char letters[] = "0123456789.-99";
		char text[24];
		size_t length = 1 + random_below(&seed, sizeof text - 1);
		for (size_t at = 0; at < length; at++)
			text[at] = letters[random_below(&seed, sizeof letters - 1)];
		struct timespec t;
		if (tar_pax_time(text, length, &t))
			normal &= t.tv_nsec >= 0 && t.tv_nsec < 1000000000;
	}
	ok(normal, "200,000 random texts give normal times or none");
}

static void checks_checksums(void)
{
	struct tar_header h = {.name = "\xff\xfe"};
	unsigned sum = 0;
	memset(h.checksum, ' ', sizeof h.checksum);
	for (size_t i = 0; i < sizeof h; i++)
		sum += ((const uint8_t *)&h)[i];
	char text[9];
	(void)snprintf(text, sizeof text, "%06o", sum);
	memcpy(h.checksum, text, 7);
	h.checksum[7] = ' ';
	ok(tar_checksum_ok(&h), "the unsigned sum");
	(void)snprintf(text, sizeof text, "%06o", sum - 512);
	memcpy(h.checksum, text, 7);
	ok(!tar_checksum_ok(&h), "the signed sum of bytes over 127 is refused");
	(void)snprintf(text, sizeof text, "%06o", sum + 1);
	memcpy(h.checksum, text, 7);
	ok(!tar_checksum_ok(&h), "one more is refused");
	memset(h.checksum, 0, sizeof h.checksum);
	ok(!tar_checksum_ok(&h), "none is refused");
}

int main(void)
{
	reads_unsigned_fields();
	reads_signed_fields();
	reads_decimals();
	reads_pax_times();
	pax_times_are_always_normal();
	checks_checksums();
	return done();
}

/* layers/base64.c beside OpenSSL; the record's CRC-32 beside its definition. */
#include <stdlib.h>

#include <openssl/evp.h>

#include "base64.h"
#include "count.h"
#include "little_endian.h"
#include "random.h"
#include "record.h"
#include "tap.h"

enum { LONGEST = 200, CRC_AT = 16, NUMBERS = 64 };

/* --- base 64 */

static struct {
	unsigned long long encoded, encoded_otherwise, changed, both, only_openssl, only_ours,
		other_bytes;
} base64;

/* A letter changed, put in, or taken out; or two swapped. */
static size_t change_text(char *text, size_t length, uint64_t *random)
{
	static const char odd[] = "=\n\r -_.+/AZaz09\0\x80\xff";
	size_t at = random_below(random, length + 1);
	char letter = random_below(random, 2) == 0 ? (char)random_u64(random)
						   : odd[random_below(random, sizeof odd - 1)];
	if (random_below(random, 2) == 0 && length >= 4)
		at = length - 1 - random_below(random, 4); /* where the padding is */
	switch (random_below(random, 3)) {
	case 0:
		memmove(text + at + 1, text + at, length - at);
		text[at] = letter;
		return length + 1;
	case 1:
		if (at == length)
			return length;
		memmove(text + at, text + at + 1, length - at - 1);
		return length - 1;
	default:
		if (at < length)
			text[at] = letter;
		return length;
	}
}

/* OpenSSL's decoder skips blanks, counts padding as zero bytes, and ignores unused bits: so what it
 * gives must also encode to the same text again. `size_bytes` is what our caller wants. */
static bool openssl_decodes(
	const char *text, size_t length, size_t size_bytes, uint8_t out[2 * LONGEST])
{
	char again[2 * LONGEST];
	int decoded = EVP_DecodeBlock(out, (const unsigned char *)text, (int)length);
	if (decoded < 0 || (size_t)decoded < size_bytes)
		return false;
	int encoded = EVP_EncodeBlock((unsigned char *)again, out, (int)size_bytes);
	return (size_t)encoded == length && memcmp(again, text, length) == 0;
}

static void compare_base64(uint64_t *random)
{
	uint8_t data[LONGEST], ours[2 * LONGEST], theirs[2 * LONGEST];
	char text[2 * LONGEST], other[2 * LONGEST];
	size_t size = random_below(random, LONGEST + 1) >> random_below(random, 8);
	random_fill(random, data, sizeof data);
	base64_encode(data, size, text);
	int length = EVP_EncodeBlock((unsigned char *)other, data, (int)size);
	base64.encoded++;
	base64.encoded_otherwise += (size_t)length != strlen(text) || strcmp(text, other) != 0;

	size_t changed = change_text(text, (size_t)length, random);
	if (random_below(random, 4) == 0)
		size = size + 1 - random_below(random, size == 0 ? 2 : 3);
	bool we = base64_decode(text, changed, ours, size);
	bool they = openssl_decodes(text, changed, size, theirs);
	base64.changed++;
	base64.both += we && they;
	base64.only_ours += we && !they;
	base64.only_openssl += !we && they;
	base64.other_bytes += we && they && memcmp(ours, theirs, size) != 0;
}

/* --- the record's CRC */

/* CRC-32/ISO-HDLC, bit by bit: polynomial 0x04c11db7 reflected, begun and ended with all ones. */
static uint32_t crc_by_definition(const uint8_t *data, size_t size_bytes)
{
	uint32_t crc = UINT32_MAX;
	for (size_t i = 0; i < size_bytes; i++) {
		crc ^= data[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
	}
	return ~crc;
}

static void random_record(struct record *record, uint64_t *random)
{
	*record = (struct record){.sequence = 0};
	for (uint64_t steps = 1 + random_below(random, 24); steps > 0; steps--) {
		struct digest text;
		char name[] = "name0";
		uint64_t number = random_below(random, NUMBERS), version = number + 1;
		name[4] = (char)('0' + number % 10);
		digest_of(&number, sizeof number, &text);
		const struct record_subject subject = {&text, name, version};
		if (random_below(random, 3) == 0)
			record_confirm(record, &subject, random_below(random, version + 1));
		else
			record_count_try(record, &subject, RECORD_TRIES);
	}
}

/* A wrong CRC is the only thing that is wrong, and is refused. */
static void compare_crcs(const struct count *count)
{
	unsigned long long differ = 0, accepted = 0, headless = 0;
	for (unsigned long long i = 0; i < count->cases; i++) {
		uint64_t random = count_seed(count, i);
		uint8_t bytes[RECORD_COPY_BYTES];
		struct record record, back;
		random_record(&record, &random);
		record_encode(&record, bytes);
		uint32_t crc = get_u32(bytes + CRC_AT);
		put_u32(bytes + CRC_AT, 0);
		differ += crc != crc_by_definition(bytes, sizeof bytes);
		put_u32(bytes + CRC_AT, crc ^ (UINT32_C(1) << random_below(&random, 32)));
		accepted += record_decode(bytes, &back, NULL) == 0;
		put_u32(bytes + CRC_AT, crc);
		bytes[0] = 0; /* as a blank one begins */
		headless += record_decode(bytes, &back, NULL) == 0;
	}
	is_int((long long)differ, 0, "%llu records: 0 CRCs differ", count->cases);
	is_int((long long)headless, 0, "without its first byte, 0 are accepted");
	is_int((long long)accepted, 0, "with one bit of it changed, 0 are accepted");
}

int main(void)
{
	struct count count = count_from_environment();
	for (unsigned long long i = 0; i < count.cases; i++) {
		uint64_t random = count_seed(&count, i);
		compare_base64(&random);
	}
	is_int((long long)base64.encoded_otherwise, 0, "%llu texts as OpenSSL encodes them",
		base64.encoded);
	printf("# changed texts: %llu; decoded by both %llu, refused by both %llu\n",
		base64.changed, base64.both,
		base64.changed - base64.both - base64.only_ours - base64.only_openssl);
	is_int((long long)base64.only_ours, 0, "0 changed texts are decoded by ours alone");
	is_int((long long)base64.only_openssl, 0, "0 by OpenSSL alone, if they are canonical");
	is_int((long long)base64.other_bytes, 0, "0 to other bytes");
	ok(count.cases < 100 || base64.both > 0, "some are still canonical");
	is_int(crc_by_definition((const uint8_t *)"123456789", 9), UINT32_C(0xcbf43926),
		"the CRC's check value");
	compare_crcs(&count);
	return done();
}

/* layers/digest.c, verified.c, trust.c: SHA-256, its one textual form, and bytes that match it. */
#include <stdlib.h>

#include "digest.h"
#include "verified.h"
#include "errors.h"

#define ABC_HEX "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define EMPTY_HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define TWO_BLOCKS "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
#define TWO_BLOCKS_HEX "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"

static void hashes_as_fips_180_4_says(void)
{
	static const char *const rows[][2] = {
		{"", EMPTY_HEX}, {"abc", ABC_HEX}, {TWO_BLOCKS, TWO_BLOCKS_HEX}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct digest digest;
		char hex[DIGEST_HEX + 1];
		digest_of(rows[i][0], strlen(rows[i][0]), &digest);
		digest_format_hex(&digest, hex);
		is_str(hex, rows[i][1], "SHA-256 of \"%s\"", rows[i][0]);
	}
	struct sha256 hash;
	struct digest parts, whole;
	sha256_start(&hash);
	for (size_t i = 0; i < strlen(TWO_BLOCKS); i++)
		sha256_update(&hash, &TWO_BLOCKS[i], 1);
	sha256_finish(&hash, &parts);
	digest_of(TWO_BLOCKS, strlen(TWO_BLOCKS), &whole);
	ok(digest_equal(&parts, &whole), "byte by byte gives the same");
	whole.bytes[31] ^= 1;
	ok(!digest_equal(&parts, &whole), "the last bit counts");
}

static void text_has_one_form(void)
{
	struct digest digest, parsed;
	char text[DIGEST_TEXT_SIZE];
	digest_of("abc", 3, &digest);
	digest_format(&digest, text);
	is_str(text, "sha256:" ABC_HEX, "formatted");
	ok(digest_parse(text, strlen(text), &parsed) && digest_equal(&digest, &parsed),
		"parsed back");
	ok(digest_parse_hex(ABC_HEX, 64, &parsed) && digest_equal(&digest, &parsed),
		"hex parsed back");

	static const char *const bad[] = {"", "sha256:", ABC_HEX, "sha256:" ABC_HEX "0",
		"SHA256:" ABC_HEX, "sha512:" ABC_HEX, "sha256-" ABC_HEX, " sha256:" ABC_HEX,
		"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a",
		"sha256:BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"sha256:ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a/",
		"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a:",
		"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a`",
		"sha256:0xba16bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		memset(&parsed, UNTOUCHED, sizeof parsed);
		bool taken = digest_parse(bad[i], strlen(bad[i]), &parsed);
		ok(!taken && is_untouched(&parsed, sizeof parsed), "refused: \"%s\"", bad[i]);
	}
	memset(&parsed, UNTOUCHED, sizeof parsed);
	ok(!digest_parse_hex(ABC_HEX, 63, &parsed) && is_untouched(&parsed, sizeof parsed),
		"63 hex digits are refused");
}

static void verified_bytes_match_their_digest(void)
{
	char data[] = "abc";
	struct digest digest;
	struct verified *verified = NULL;
	struct error e;
	digest_of(data, 3, &digest);
	is_int(verified_by_digest(data, 3, &digest, &verified, &e), 0, "bytes with that digest");
	data[0] = 'x';
	ok(verified_size(verified) == 3 && memcmp(verified_data(verified), "abc", 3) == 0,
		"they are a copy");
	verified_free(verified);

	verified = NULL;
	int result = verified_by_digest(data, 3, &digest, &verified, &e);
	error_is(result, &e, ERROR_DIGEST, "other bytes are refused");
	ok(verified == NULL, "and nothing is handed out");
	ok(strstr(e.text, ABC_HEX) != NULL, "the message names the digest");
	error_is(verified_by_digest("abc", 2, &digest, &verified, &e), &e, ERROR_DIGEST,
		"fewer bytes");
	is_int(verified_by_digest("abc", 2, &digest, &verified, NULL), -1, "no error to fill");

	digest_of("", 0, &digest);
	is_int(verified_by_digest("", 0, &digest, &verified, &e), 0, "no bytes at all");
	is_int((long long)verified_size(verified), 0, "have size 0");
	verified_free(verified);
	verified_free(NULL);

	is_int(verified_trust("abc", 3, &verified, &e), 0, "bytes that are vouched for");
	ok(verified_size(verified) == 3 && memcmp(verified_data(verified), "abc", 3) == 0,
		"are there");
	verified_free(verified);
}

int main(void)
{
	hashes_as_fips_180_4_says();
	text_has_one_form();
	verified_bytes_match_their_digest();
	return done();
}

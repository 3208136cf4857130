/* layers/key.c: P-256 keys and signatures, exactly. */
#include "key.h"
#include "errors.h"
#include "random.h"
#include "signer.h"

/* RFC 6979 A.2.5 */
#define SECRET "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
#define POINT_X "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
#define POINT_Y "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
#define SAMPLE_R "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
#define SAMPLE_S "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
#define SAMPLE_N_LESS_S "0834e36ad29a83bf2bc9385e491d6099c8fdf9d1ed67aa7ea5f51f93782857a9"
#define TEST_R "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
#define TEST_S "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083"

/* A point with a small x, which has a second way to be written: x + p. */
#define SMALL_X "0000000000000000000000000000000000000000000000000000000000000005"
#define SMALL_X_PLUS_P "ffffffff00000001000000000000000000000001000000000000000000000004"
#define SMALL_Y "459243b9aa581806fe913bce99817ade11ca503c64d9a3c533415c083248fbcc"

#define N "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
#define N_LESS_1 "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550"
#define N_PLUS_1 "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632552"
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
#define ONE "0000000000000000000000000000000000000000000000000000000000000001"
#define ALL "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

static struct public_key rfc_key(void)
{
	uint8_t spki[KEY_SPKI_BYTES];
	struct public_key key;
	from_hex(P256_SPKI_PREFIX "04" POINT_X POINT_Y, spki);
	if (key_decode(spki, sizeof spki, &key, NULL) != 0)
		abort();
	return key;
}

static void a_good_key_is_taken(void)
{
	uint8_t spki[KEY_SPKI_BYTES];
	struct public_key key;
	struct digest id;
	struct error e;
	from_hex(P256_SPKI_PREFIX "04" POINT_X POINT_Y, spki);
	is_int(key_decode(spki, sizeof spki, &key, &e), 0, "RFC 6979's key");
	ok(memcmp(key.spki, spki, sizeof spki) == 0, "is kept as it is");
	digest_of(spki, sizeof spki, &id);
	ok(digest_equal(&key.id, &id), "its id is the SHA-256 of its DER");
	struct signer signer;
	signer_open(SECRET, &signer);
	ok(memcmp(signer.key.spki, spki, sizeof spki) == 0, "and belongs to RFC 6979's secret");
}

static void bad_keys_are_refused(void)
{
	static const struct {
		const char *hex, *why;
	} rows[] = {
		{"", "empty"},
		{"04" POINT_X POINT_Y, "a bare point"},
		{P256_SPKI_PREFIX "04" POINT_X, "cut after x"},
		{P256_SPKI_PREFIX "04" POINT_X POINT_Y "00", "one byte more"},
		{ZERO ZERO "000000000000000000000000000000000000000000000000000000", "all zero"},
		{P256_SPKI_PREFIX "04" ZERO ZERO, "infinity as 0, 0"},
		{P256_SPKI_PREFIX "00" ZERO ZERO, "infinity by its form byte, padded"},
		{P256_SPKI_PREFIX "02" POINT_X POINT_Y, "compressed form, even"},
		{P256_SPKI_PREFIX "03" POINT_X POINT_Y, "compressed form, odd"},
		{P256_SPKI_PREFIX "06" POINT_X POINT_Y, "hybrid form, even"},
		{P256_SPKI_PREFIX "07" POINT_X POINT_Y, "hybrid form, odd"},
		{P256_SPKI_PREFIX "04" POINT_Y POINT_X, "off the curve: x and y swapped"},
		{P256_SPKI_PREFIX "04" POINT_X ONE, "off the curve: y = 1"},
		{P256_SPKI_PREFIX "04" ALL ALL, "coordinates above p"},
		{P256_SPKI_PREFIX "04" SMALL_X_PLUS_P SMALL_Y,
			"x + p, on the curve but not below p"},
		{"3059301306072a8648ce3d020106082a8648ce3d030106034200"
		 "04" POINT_X POINT_Y,
			"another curve's name"},
		{"3059301306072a8648ce3d020206082a8648ce3d030107034200"
		 "04" POINT_X POINT_Y,
			"another algorithm's name"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t der[128];
		struct public_key key;
		struct error e;
		from_hex(rows[i].hex, der);
		memset(&key, UNTOUCHED, sizeof key);
		int result = key_decode(der, strlen(rows[i].hex) / 2, &key, &e);
		error_is(result, &e, ERROR_KEY, "key: %s", rows[i].why);
		ok(is_untouched(&key, sizeof key), "... nothing is written");
	}
	uint8_t der[KEY_SPKI_BYTES];
	struct public_key key;
	struct error e;
	from_hex(P256_SPKI_PREFIX "04" SMALL_X SMALL_Y, der);
	is_int(key_decode(der, sizeof der, &key, &e), 0, "the twin of x + p is a key");
}

static void every_flipped_bit_of_a_key_is_refused(void)
{
	struct public_key key = rfc_key(), flipped;
	size_t accepted = 0;
	for (size_t bit = 0; bit < KEY_SPKI_BYTES * 8; bit++) {
		uint8_t der[KEY_SPKI_BYTES];
		struct error e;
		memcpy(der, key.spki, sizeof der);
		der[bit / 8] ^= (uint8_t)(1u << bit % 8);
		accepted += key_decode(der, sizeof der, &flipped, &e) == 0 || e.code != ERROR_KEY;
	}
	is_int((long long)accepted, 0, "0 of %d flips are accepted", KEY_SPKI_BYTES * 8);
}

static void known_answers_verify(void)
{
	static const char *const rows[][2] = {
		{"sample", SAMPLE_R SAMPLE_S}, {"test", TEST_R TEST_S}};
	struct public_key key = rfc_key();
	struct signer signer;
	signer_open(SECRET, &signer);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t signature[KEY_SIGNATURE_BYTES], made[KEY_SIGNATURE_BYTES];
		struct digest hash;
		struct error e;
		digest_of(rows[i][0], strlen(rows[i][0]), &hash);
		from_hex(rows[i][1], signature);
		is_int(key_verify(&key, &hash, signature, &e), 0, "RFC 6979: \"%s\"", rows[i][0]);
		signer_sign(&signer, &hash, made);
		ok(memcmp(made, signature, sizeof made) == 0, "the tests' signer makes the same");
	}
	uint8_t signature[KEY_SIGNATURE_BYTES + 1];
	struct digest hash;
	struct error e;
	digest_of("sample", 6, &hash);
	from_hex(SAMPLE_R SAMPLE_N_LESS_S, signature);
	is_int(key_verify(&key, &hash, signature, &e), 0, "n - s verifies too: ECDSA has two");
}

static void bad_signatures_are_refused(void)
{
	static const struct {
		const char *hex, *why;
	} rows[] = {{ZERO SAMPLE_S, "r = 0"}, {SAMPLE_R ZERO, "s = 0"}, {ZERO ZERO, "r = s = 0"},
		{N SAMPLE_S, "r = n"}, {SAMPLE_R N, "s = n"}, {N N, "r = s = n"},
		{N_PLUS_1 SAMPLE_S, "r = n + 1"}, {SAMPLE_R N_PLUS_1, "s = n + 1"},
		{ALL SAMPLE_S, "r = 2^256 - 1"}, {SAMPLE_R ALL, "s = 2^256 - 1"},
		{N_LESS_1 SAMPLE_S, "r = n - 1, in range and wrong"},
		{SAMPLE_R ONE, "s = 1, in range and wrong"}, {ONE ONE, "r = s = 1"},
		{SAMPLE_S SAMPLE_R, "r and s swapped"}, {TEST_R TEST_S, "of another text"}};
	struct public_key key = rfc_key();
	struct digest hash;
	digest_of("sample", 6, &hash);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t signature[KEY_SIGNATURE_BYTES];
		struct error e;
		from_hex(rows[i].hex, signature);
		error_is(key_verify(&key, &hash, signature, &e), &e, ERROR_SIGNATURE,
			"signature: %s", rows[i].why);
	}
}

/* BearSSL 0.6 lets r = 0 through when the hash is 0: x*Q + 0*G is then encoded as x = 0. */
static void a_zero_hash_is_refused(void)
{
	struct public_key key = rfc_key();
	struct signer signer;
	uint8_t signature[KEY_SIGNATURE_BYTES], point[KEY_POINT_BYTES];
	struct digest hash = {{0}};
	struct error e;
	from_hex(ZERO ONE, signature);
	memcpy(point, key.spki + KEY_SPKI_BYTES - KEY_POINT_BYTES, sizeof point);
	br_ec_public_key q = {BR_EC_secp256r1, point, sizeof point};
	is_int(br_ecdsa_i31_vrfy_raw(&br_ec_p256_m31, hash.bytes, 32, &q, signature, 64), 1,
		"BearSSL alone accepts r = 0 over a zero hash");
	error_is(key_verify(&key, &hash, signature, &e), &e, ERROR_SIGNATURE,
		"key_verify() does not");
	signer_open(SECRET, &signer);
	signer_sign(&signer, &hash, signature);
	error_is(key_verify(&key, &hash, signature, &e), &e, ERROR_SIGNATURE,
		"nor a proper signature over a zero hash");
	is_int(key_verify(&key, &hash, signature, NULL), -1, "no error to fill");
}

static void every_flipped_bit_is_refused(void)
{
	struct public_key key = rfc_key();
	uint8_t signature[KEY_SIGNATURE_BYTES];
	struct digest hash;
	size_t wrong = 0;
	from_hex(SAMPLE_R SAMPLE_S, signature);
	digest_of("sample", 6, &hash);
	for (size_t bit = 0; bit < KEY_SIGNATURE_BYTES * 8; bit++) {
		struct error e;
		signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
		wrong += key_verify(&key, &hash, signature, &e) == 0 || e.code != ERROR_SIGNATURE;
		signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	is_int((long long)wrong, 0, "0 of 512 flips of a signature are accepted");
	for (size_t bit = 0; bit < DIGEST_BYTES * 8; bit++) {
		struct error e;
		hash.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		wrong += key_verify(&key, &hash, signature, &e) == 0 || e.code != ERROR_SIGNATURE;
		hash.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	is_int((long long)wrong, 0, "0 of 256 flips of the hash are accepted");
}

/* Random keys, hashes and signatures: the same answer as from BearSSL's other P-256. */
static void agrees_with_the_generic_code(void)
{
	uint64_t seed = 2;
	size_t disagree = 0, good = 0;
	for (unsigned i = 0; i < 100; i++) {
		struct signer signer;
		struct digest hash;
		uint8_t signature[KEY_SIGNATURE_BYTES], point[KEY_POINT_BYTES];
		char secret[65] = "";
		for (size_t j = 0; j < 64; j++) /* the first digit keeps it below n */
			secret[j] = "0123456789abcdef"[j == 0 ? 1 : random_below(&seed, 16)];
		signer_open(secret, &signer);
		random_fill(&seed, &hash, sizeof hash);
		signer_sign(&signer, &hash, signature);
		if (i % 2 == 1)
			signature[random_below(&seed, 64)] ^=
				(uint8_t)(1 + random_below(&seed, 255));
		memcpy(point, signer.key.spki + KEY_SPKI_BYTES - KEY_POINT_BYTES, sizeof point);
		br_ec_public_key q = {BR_EC_secp256r1, point, sizeof point};
		bool theirs = br_ecdsa_i31_vrfy_raw(
				      &br_ec_prime_i31, hash.bytes, 32, &q, signature, 64) == 1;
		bool ours = key_verify(&signer.key, &hash, signature, NULL) == 0;
		disagree += ours != theirs;
		good += ours;
	}
	is_int((long long)disagree, 0, "100 random signatures: no disagreement");
	is_int((long long)good, 50, "the 50 unchanged ones verify");
}

int main(void)
{
	a_good_key_is_taken();
	bad_keys_are_refused();
	every_flipped_bit_of_a_key_is_refused();
	known_answers_verify();
	bad_signatures_are_refused();
	a_zero_hash_is_refused();
	every_flipped_bit_is_refused();
	agrees_with_the_generic_code();
	return done();
}

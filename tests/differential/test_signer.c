/*
 * Signatures: those that compose/keys.c makes verify by OpenSSL, with low s, and are to the byte
 * what RFC 6979 says; OpenSSL's verify by layers/key.c, out of DER and damaged DER.
 */
#include <openssl/hmac.h>

#include "compose/keys.h"
#include "count.h"
#include "subject.h"
#include "tap.h"

static struct {
	unsigned long long made, zero_hashes, not_made, not_rfc_6979, not_verified, high;
	unsigned long long theirs_refused, high_by_openssl;
	unsigned long long damaged, both, neither, only_ours, only_openssl, other_numbers,
		forgeries;
} tally;

/* --- ours, for OpenSSL and RFC 6979 */

struct drbg {
	uint8_t k[NUMBER_BYTES], v[NUMBER_BYTES];
};

/* V = HMAC(K, V), or with a separator K = HMAC(K, V || separator || seed) first. */
static void drbg_step(struct drbg *drbg, int separator, const uint8_t *seed, size_t seed_bytes)
{
	uint8_t text[NUMBER_BYTES + 1 + 2 * NUMBER_BYTES];
	if (separator >= 0) {
		memcpy(text, drbg->v, NUMBER_BYTES);
		text[NUMBER_BYTES] = (uint8_t)separator;
		memcpy(text + NUMBER_BYTES + 1, seed, seed_bytes);
		must(HMAC(EVP_sha256(), drbg->k, NUMBER_BYTES, text, NUMBER_BYTES + 1 + seed_bytes,
			     drbg->k, NULL) != NULL);
	}
	memcpy(text, drbg->v, NUMBER_BYTES);
	must(HMAC(EVP_sha256(), drbg->k, NUMBER_BYTES, text, NUMBER_BYTES, drbg->v, NULL) != NULL);
}

/* RFC 6979 section 3.2. */
static void rfc_6979_nonce(const BIGNUM *d, const BIGNUM *hash, BIGNUM *k)
{
	struct drbg drbg;
	uint8_t seed[2 * NUMBER_BYTES];
	memset(drbg.k, 0, sizeof drbg.k);
	memset(drbg.v, 1, sizeof drbg.v);
	must(BN_nnmod(k, hash, p256.n, p256.ctx));
	must(number_write(d, seed) && number_write(k, seed + NUMBER_BYTES));
	drbg_step(&drbg, 0, seed, sizeof seed);
	drbg_step(&drbg, 1, seed, sizeof seed);
	drbg_step(&drbg, -1, NULL, 0);
	for (;;) {
		number_read(drbg.v, k);
		if (!BN_is_zero(k) && BN_cmp(k, p256.n) < 0)
			return;
		drbg_step(&drbg, 0, seed, 0);
		drbg_step(&drbg, -1, NULL, 0);
	}
}

/* s, or n - s when that is less. */
static bool lower_s(uint8_t signature[KEY_SIGNATURE_BYTES])
{
	BN_CTX_start(p256.ctx);
	BIGNUM *s = number(), *other = number();
	number_read(signature + NUMBER_BYTES, s);
	must(BN_sub(other, p256.n, s));
	bool high = BN_cmp(s, other) > 0;
	if (high)
		must(number_write(other, signature + NUMBER_BYTES));
	BN_CTX_end(p256.ctx);
	return high;
}

static void sign_by_ours(
	const struct private_key *key, EVP_PKEY *openssl_key, const BIGNUM *d, const BIGNUM *hash)
{
	struct digest digest;
	struct error e = {.code = ERROR_NONE};
	struct subject expected = {.spki_bytes = 0};
	uint8_t signature[KEY_SIGNATURE_BYTES];
	must(number_write(hash, digest.bytes));
	int result = private_key_sign(key, &digest, signature, &e);
	if (BN_is_zero(hash) || BN_cmp(hash, p256.n) == 0) { /* no SHA-256 comes to that */
		tally.zero_hashes++;
		tally.not_made += result == 0 || e.code != ERROR_SIGNATURE;
		return;
	}
	BN_CTX_start(p256.ctx);
	BIGNUM *k = number();
	rfc_6979_nonce(d, hash, k);
	must(subject_sign(&expected, d, k, hash));
	BN_CTX_end(p256.ctx);
	(void)lower_s(expected.signature);
	tally.made++;
	tally.not_made += result != 0;
	tally.not_rfc_6979 += memcmp(signature, expected.signature, sizeof signature) != 0;
	tally.high += lower_s(signature);
	tally.not_verified += !p256_verify(openssl_key, digest.bytes, signature);
}

/* --- OpenSSL's, for ours */

static bool verifies(const struct private_key *key, const struct digest *hash,
	const uint8_t signature[KEY_SIGNATURE_BYTES])
{
	return key_verify(&key->public, hash, signature, NULL) == 0;
}

/* A byte changed, put in, or taken out, or an end cut off. */
static size_t damage(uint8_t *der, size_t size_bytes, uint64_t *random)
{
	size_t at = random_below(random, size_bytes);
	if (random_below(random, 2) == 0)
		at = random_below(random, 8); /* where tags and lengths are */
	switch (random_below(random, 4)) {
	case 0:
		memmove(der + at + 1, der + at, size_bytes - at);
		der[at] = (uint8_t)random_below(random, 3);
		return size_bytes + 1;
	case 1:
		memmove(der + at, der + at + 1, size_bytes - at - 1);
		return size_bytes - 1;
	case 2:
		return at;
	default:
		der[at] = (uint8_t)random_u64(random);
		return size_bytes;
	}
}

/* What OpenSSL reads of it, if it is one way to write two numbers of at most 32 bytes: false
 * otherwise. */
static bool openssl_decodes(const uint8_t *der, size_t size_bytes, uint8_t raw[KEY_SIGNATURE_BYTES])
{
	const unsigned char *at = der;
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)size_bytes);
	bool good = pair != NULL && at == der + size_bytes &&
		    !BN_is_negative(ECDSA_SIG_get0_r(pair)) &&
		    !BN_is_negative(ECDSA_SIG_get0_s(pair)) &&
		    number_write(ECDSA_SIG_get0_r(pair), raw) &&
		    number_write(ECDSA_SIG_get0_s(pair), raw + NUMBER_BYTES);
	ECDSA_SIG_free(pair);
	ERR_clear_error();
	return good;
}

/* What verifies in spite of the damage is the signature that it was, or its twin. */
static void read_damaged(const struct private_key *key, const struct digest *hash, uint8_t *der,
	size_t size_bytes, const uint8_t good[KEY_SIGNATURE_BYTES])
{
	uint8_t ours[KEY_SIGNATURE_BYTES], theirs[KEY_SIGNATURE_BYTES];
	struct error e = {.code = ERROR_NONE};
	bool we_read = signature_decode(der, size_bytes, ours, &e) == 0;
	bool they_read = openssl_decodes(der, size_bytes, theirs);
	must(we_read || e.code == ERROR_SIGNATURE);
	tally.damaged++;
	tally.both += we_read && they_read;
	tally.neither += !we_read && !they_read;
	tally.only_ours += we_read && !they_read;
	tally.only_openssl += !we_read && they_read;
	tally.other_numbers += we_read && they_read && memcmp(ours, theirs, sizeof ours) != 0;
	if (we_read && verifies(key, hash, ours)) {
		uint8_t low[KEY_SIGNATURE_BYTES];
		memcpy(low, good, sizeof low);
		(void)lower_s(low);
		(void)lower_s(ours);
		tally.forgeries += memcmp(ours, low, sizeof low) != 0;
	}
}

static void verify_openssls(const struct private_key *key, EVP_PKEY *openssl_key,
	const struct digest *hash, uint64_t *random)
{
	uint8_t der[128], raw[KEY_SIGNATURE_BYTES], low[KEY_SIGNATURE_BYTES];
	size_t size_bytes = sizeof der;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(openssl_key, NULL);
	must(ctx != NULL && EVP_PKEY_sign_init(ctx) == 1);
	must(EVP_PKEY_sign(ctx, der, &size_bytes, hash->bytes, sizeof hash->bytes) == 1);
	EVP_PKEY_CTX_free(ctx);
	if (signature_decode(der, size_bytes, raw, NULL) != 0 || !verifies(key, hash, raw)) {
		tally.theirs_refused++;
		return;
	}
	memcpy(low, raw, sizeof low);
	signature_make_low(low);
	tally.theirs_refused += !verifies(key, hash, low);
	tally.high_by_openssl += memcmp(low, raw, sizeof low) != 0;
	tally.high += lower_s(low);
	read_damaged(key, hash, der, damage(der, size_bytes, random), raw);
}

static void compare(uint64_t seed)
{
	uint64_t random = seed;
	struct private_key key;
	struct digest digest;
	uint8_t spki[KEY_SPKI_BYTES];
	BN_CTX_start(p256.ctx);
	EC_POINT *q = point();
	BIGNUM *d = number(), *hash = number();
	scalar_random(d, &random);
	must(EC_POINT_mul(p256.group, q, d, NULL, NULL, p256.ctx));
	spki_write(q, spki);
	must(number_write(d, key.scalar) && key_decode(spki, sizeof spki, &key.public, NULL) == 0);
	EVP_PKEY *openssl_key = p256_private_key(d);
	number_random(hash, &random);
	if (random_below(&random, 8) == 0)
		must(BN_copy(hash, p256.n) != NULL && BN_add_word(hash, 1) &&
			BN_sub_word(hash, random_below(&random, 3)));
	else if (random_below(&random, 8) == 0)
		must(BN_set_word(hash, random_below(&random, 3)));
	sign_by_ours(&key, openssl_key, d, hash);
	random_fill(&random, digest.bytes, sizeof digest.bytes);
	verify_openssls(&key, openssl_key, &digest, &random);
	EVP_PKEY_free(openssl_key);
	EC_POINT_free(q);
	BN_CTX_end(p256.ctx);
}

int main(void)
{
	struct count count = count_from_environment();
	p256_open();
	for (unsigned long long i = 0; i < count.cases; i++)
		compare(count_seed(&count, i));
	is_int((long long)tally.not_made, 0,
		"%llu signatures are made, and none over the %llu hashes of 0 or n", tally.made,
		tally.zero_hashes);
	is_int((long long)tally.not_rfc_6979, 0, "each is the one that RFC 6979 says");
	is_int((long long)tally.not_verified, 0, "OpenSSL verifies each");
	is_int((long long)tally.theirs_refused, 0, "%llu signatures by OpenSSL verify by ours",
		count.cases);
	is_int((long long)tally.high, 0, "s is low in all of ours, and in all that were lowered");
	ok(count.cases < 100 || tally.high_by_openssl > 0, "%llu of OpenSSL's were high",
		tally.high_by_openssl);
	printf("# damaged DER: %llu; read by both %llu, by neither %llu, only by ours %llu, only "
	       "by "
	       "OpenSSL %llu\n",
		tally.damaged, tally.both, tally.neither, tally.only_ours, tally.only_openssl);
	is_int((long long)tally.other_numbers, 0, "what both read is the same");
	is_int((long long)tally.only_openssl, 0, "what OpenSSL reads, we read");
	is_int((long long)tally.forgeries, 0,
		"what verifies in spite of damage is what was signed");
	p256_close();
	return done();
}

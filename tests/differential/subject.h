/* A case for the check of a signature: a key, a hash, a signature, made so that the check computes
 * u1 G + u2 Q of our choice. */
#ifndef PLYBOOT_TEST_SUBJECT_H
#define PLYBOOT_TEST_SUBJECT_H

#include "p256.h"

struct subject {
	uint8_t spki[KEY_SPKI_BYTES + 8];
	size_t spki_bytes;
	uint8_t hash[NUMBER_BYTES];
	uint8_t signature[KEY_SIGNATURE_BYTES];
};

static inline void subject_set(struct subject *out, const EC_POINT *q, const BIGNUM *hash,
	const BIGNUM *r, const BIGNUM *s)
{
	spki_write(q, out->spki);
	out->spki_bytes = KEY_SPKI_BYTES;
	must(number_write(hash, out->hash) && number_write(r, out->signature) &&
		number_write(s, out->signature + NUMBER_BYTES));
}

/* r for a check that comes to `r_point`; where that has none, one that a broken addition might
 * find. */
static inline void choose_r(const EC_POINT *r_point, BIGNUM *r, uint64_t *random)
{
	point_r(r_point, r);
	if (!EC_POINT_is_at_infinity(p256.group, r_point))
		return;
	EC_POINT *other = point();
	BIGNUM *scalar = number();
	scalar_random(scalar, random);
	must(EC_POINT_mul(p256.group, other, scalar, NULL, NULL, p256.ctx));
	point_r(other, r);
	EC_POINT_free(other);
}

/* With s = r / u2 and hash = u1 s the check computes u1 and u2, whoever knows the private key. */
static inline void subject_forge(struct subject *out, const EC_POINT *q, const BIGNUM *u1,
	const BIGNUM *u2, uint64_t *random)
{
	BN_CTX_start(p256.ctx);
	EC_POINT *r_point = point();
	BIGNUM *r = number(), *s = number(), *hash = number();
	must(EC_POINT_mul(p256.group, r_point, u1, q, u2, p256.ctx));
	choose_r(r_point, r, random);
	must(BN_mod_inverse(s, u2, p256.n, p256.ctx) != NULL &&
		BN_mod_mul(s, s, r, p256.n, p256.ctx) && BN_mod_mul(hash, s, u1, p256.n, p256.ctx));
	subject_set(out, q, hash, r, s);
	EC_POINT_free(r_point);
	BN_CTX_end(p256.ctx);
}

/* As a signer does it, with the private key d and the nonce k: s = (hash + r d) / k. False when
 * that gives s = 0. */
static inline bool subject_sign(
	struct subject *out, const BIGNUM *d, const BIGNUM *k, const BIGNUM *hash)
{
	BN_CTX_start(p256.ctx);
	EC_POINT *q = point(), *r_point = point();
	BIGNUM *r = number(), *s = number();
	must(EC_POINT_mul(p256.group, q, d, NULL, NULL, p256.ctx) &&
		EC_POINT_mul(p256.group, r_point, k, NULL, NULL, p256.ctx));
	point_r(r_point, r);
	must(BN_mod_mul(s, r, d, p256.n, p256.ctx) && BN_mod_add(s, s, hash, p256.n, p256.ctx));
	BIGNUM *inverse = BN_mod_inverse(NULL, k, p256.n, p256.ctx);
	must(inverse != NULL && BN_mod_mul(s, s, inverse, p256.n, p256.ctx));
	subject_set(out, q, hash, r, s);
	bool good = !BN_is_zero(s);
	BN_free(inverse);
	EC_POINT_free(q);
	EC_POINT_free(r_point);
	BN_CTX_end(p256.ctx);
	return good;
}

/* bytes += summand, or false when that needs more than 32 bytes. */
static inline bool add_number(uint8_t bytes[NUMBER_BYTES], const BIGNUM *summand)
{
	BN_CTX_start(p256.ctx);
	BIGNUM *value = number();
	number_read(bytes, value);
	must(BN_add(value, value, summand));
	bool fits = number_write(value, bytes);
	ERR_clear_error();
	BN_CTX_end(p256.ctx);
	return fits;
}

#endif

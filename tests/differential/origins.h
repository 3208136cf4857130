/* Where the cases of test_signature.c begin: signatures that verify, or that must not although each
 * number is in range, at every edge that ECDSA or an addition of points has. */
#ifndef PLYBOOT_TEST_ORIGINS_H
#define PLYBOOT_TEST_ORIGINS_H

#include "subject.h"

struct origin {
	const char *name;
	bool verifies;
	void (*make)(struct subject *subject, uint64_t *random);
};

/* Any hash below 2^256. */
static void sign_random(struct subject *out, uint64_t *random)
{
	BN_CTX_start(p256.ctx);
	BIGNUM *d = number(), *k = number(), *hash = number();
	do {
		scalar_random(d, random);
		scalar_random(k, random);
		number_random(hash, random);
	} while (!subject_sign(out, d, k, hash));
	BN_CTX_end(p256.ctx);
}

/* 0 .. 3, 2^256 - 1, or n give or take 3: signed properly. */
static void sign_special_hash(struct subject *out, uint64_t *random)
{
	BN_CTX_start(p256.ctx);
	BIGNUM *d = number(), *k = number(), *hash = number();
	do {
		scalar_random(d, random);
		scalar_random(k, random);
		BN_zero(hash);
		if (random_below(random, 2) == 0)
			must(BN_copy(hash, p256.n) != NULL &&
				BN_sub_word(hash, random_below(random, 4)));
		must(BN_add_word(hash, random_below(random, 4)));
		if (random_below(random, 8) == 0) {
			BN_zero(hash);
			must(BN_set_bit(hash, 256) && BN_sub_word(hash, 1));
		}
	} while (!subject_sign(out, d, k, hash));
	BN_CTX_end(p256.ctx);
}

/* s is chosen, and so the hash follows: s k - r d. */
static void choose_s(struct subject *out, uint64_t *random)
{
	BN_CTX_start(p256.ctx);
	EC_POINT *r_point = point(), *q = point();
	BIGNUM *d = number(), *k = number(), *r = number(), *s = number(), *hash = number();
	BIGNUM *rd = number();
	scalar_random(d, random);
	scalar_random(k, random);
	scalar_random(s, random);
	must(EC_POINT_mul(p256.group, q, d, NULL, NULL, p256.ctx) &&
		EC_POINT_mul(p256.group, r_point, k, NULL, NULL, p256.ctx));
	point_r(r_point, r);
	must(BN_mod_mul(hash, s, k, p256.n, p256.ctx) && BN_mod_mul(rd, r, d, p256.n, p256.ctx) &&
		BN_mod_sub(hash, hash, rd, p256.n, p256.ctx));
	subject_set(out, q, hash, r, s);
	EC_POINT_free(r_point);
	EC_POINT_free(q);
	BN_CTX_end(p256.ctx);
}

/* u1, u2 and the private key at their edges, independent of each other. */
static void choose_scalars(struct subject *out, uint64_t *random)
{
	BN_CTX_start(p256.ctx);
	EC_POINT *q = point();
	BIGNUM *d = number(), *u1 = number(), *u2 = number(), *sum = number();
	scalar_random(d, random);
	must(EC_POINT_mul(p256.group, q, d, NULL, NULL, p256.ctx));
	do {
		scalar_random(u1, random);
		scalar_random(u2, random);
		must(BN_mod_mul(sum, d, u2, p256.n, p256.ctx) &&
			BN_mod_add(sum, sum, u1, p256.n, p256.ctx));
	} while (BN_is_zero(sum)); /* infinity is another origin's */
	subject_forge(out, q, u1, u2, random);
	EC_POINT_free(q);
	BN_CTX_end(p256.ctx);
}

/* u1 = factor u2 d: both products are multiples of one point. */
static void choose_multiple(struct subject *out, int factor, uint64_t *random)
{
	BN_CTX_start(p256.ctx);
	EC_POINT *q = point();
	BIGNUM *d = number(), *u1 = number(), *u2 = number(), *times = number();
	scalar_random(d, random);
	scalar_random(u2, random);
	must(EC_POINT_mul(p256.group, q, d, NULL, NULL, p256.ctx));
	must(BN_set_word(times, (BN_ULONG)abs(factor)));
	BN_set_negative(times, factor < 0);
	must(BN_mod_mul(u1, u2, d, p256.n, p256.ctx) &&
		BN_mod_mul(u1, u1, times, p256.n, p256.ctx));
	subject_forge(out, q, u1, u2, random);
	EC_POINT_free(q);
	BN_CTX_end(p256.ctx);
}

static void add_equal_points(struct subject *out, uint64_t *random)
{
	choose_multiple(out, 1, random);
}

static void add_opposite_points(struct subject *out, uint64_t *random)
{
	choose_multiple(out, -1, random);
}

static void add_double_or_half(struct subject *out, uint64_t *random)
{
	choose_multiple(out, random_below(random, 2) == 0 ? 2 : -2, random);
}

/* Q = (R - u1 G) / u2, for an R of our choice. */
static void forge_towards(struct subject *out, const EC_POINT *r_point, uint64_t *random)
{
	BN_CTX_start(p256.ctx);
	EC_POINT *q = point();
	BIGNUM *u1 = number(), *u2 = number(), *inverse = number();
	do {
		scalar_random(u1, random);
		scalar_random(u2, random);
		must(EC_POINT_mul(p256.group, q, u1, NULL, NULL, p256.ctx) &&
			EC_POINT_invert(p256.group, q, p256.ctx) &&
			EC_POINT_add(p256.group, q, q, r_point, p256.ctx));
	} while (EC_POINT_is_at_infinity(p256.group, q));
	must(BN_mod_inverse(inverse, u2, p256.n, p256.ctx) != NULL &&
		EC_POINT_mul(p256.group, q, NULL, q, inverse, p256.ctx));
	subject_forge(out, q, u1, u2, random);
	EC_POINT_free(q);
	BN_CTX_end(p256.ctx);
}

/* R with x of n or above, which r = x - n stands for; or so small an x that x + n is below p; or x
 * around them. */
static void reach_special_x(struct subject *out, uint64_t *random)
{
	BN_CTX_start(p256.ctx);
	EC_POINT *r_point = point();
	BIGNUM *x = number(), *gap = number();
	must(BN_sub(gap, p256.p, p256.n)); /* of 127 bits */
	number_random(x, random);
	must(BN_nnmod(x, x, gap, p256.ctx));
	switch (random_below(random, 4)) {
	case 0:
		must(BN_add_word(x, 1));
		break;
	case 1:
		must(BN_add(x, x, p256.n));
		break;
	case 2:
		must(BN_copy(x, p256.n) != NULL && BN_add_word(x, 1 + random_below(random, 64)));
		break;
	default:
		must(BN_set_word(x, 1 + random_below(random, 64)));
		if (random_below(random, 2) == 0)
			must(BN_add(x, x, gap));
	}
	point_from_x(r_point, x, random);
	forge_towards(out, r_point, random);
	EC_POINT_free(r_point);
	BN_CTX_end(p256.ctx);
}

/* A public key with a small x, whose x + p fits in 32 bytes too. */
static void choose_small_key(struct subject *out, uint64_t *random)
{
	BN_CTX_start(p256.ctx);
	EC_POINT *q = point();
	BIGNUM *x = number(), *u1 = number(), *u2 = number();
	must(BN_set_word(x, random_below(random, 1000)));
	point_from_x(q, x, random);
	scalar_random(u1, random);
	scalar_random(u2, random);
	subject_forge(out, q, u1, u2, random);
	EC_POINT_free(q);
	BN_CTX_end(p256.ctx);
}

/* What the signer would have to write if ECDSA did not reduce: 32 bytes hold it, the range does
 * not. */
static void leave_r_unreduced(struct subject *out, uint64_t *random)
{
	reach_special_x(out, random);
	must(add_number(out->signature, p256.n));
}

static void leave_key_unreduced(struct subject *out, uint64_t *random)
{
	choose_small_key(out, random);
	must(add_number(out->spki + SPKI_PREFIX_BYTES + 1, p256.p));
}

/* R = (0, sqrt(b)), a point like any other, but r would be 0; or no R that s = 0 could lead to. */
static void reach_zero(struct subject *out, uint64_t *random)
{
	BN_CTX_start(p256.ctx);
	EC_POINT *r_point = point();
	BIGNUM *x = number();
	BN_zero(x);
	point_from_x(r_point, x, random);
	forge_towards(out, r_point, random);
	if (random_below(random, 2) == 0)
		random_fill(random, out->signature + NUMBER_BYTES + 1, NUMBER_BYTES - 1);
	EC_POINT_free(r_point);
	BN_CTX_end(p256.ctx);
}

/* What BearSSL 0.6 lets through by itself: Q is multiplied, nothing is added, and no point counts
 * as x = 0. */
static void zero_hash_and_r(struct subject *out, uint64_t *random)
{
	sign_random(out, random);
	memset(out->hash, 0, sizeof out->hash);
	memset(out->signature, 0, NUMBER_BYTES);
	if (random_below(random, 2) == 0)
		must(number_write(p256.n, out->hash));
	if (random_below(random, 2) == 0)
		must(number_write(p256.n, out->signature));
}

static const struct origin origins[] = {
	{"random key, hash and nonce", true, sign_random},
	{"hash of 0, n, 2^256-1 or beside them", true, sign_special_hash},
	{"hash of 0 or n, and r as well", false, zero_hash_and_r},
	{"chosen s", true, choose_s},
	{"chosen u1, u2 and private key", true, choose_scalars},
	{"u1 G = u2 Q", true, add_equal_points},
	{"u1 G = -u2 Q", false, add_opposite_points},
	{"u1 G = 2 u2 Q or -2 u2 Q", true, add_double_or_half},
	{"x of R is 0", false, reach_zero},
	{"x of R from n on, or small", true, reach_special_x},
	{"... r written as x, or as x + n", false, leave_r_unreduced},
	{"public key with small x", true, choose_small_key},
	{"... x written as x + p", false, leave_key_unreduced},
};
enum { ORIGINS = sizeof origins / sizeof *origins };

#endif

/*
 * P-256 by OpenSSL's numbers and points: what the differential tests make their cases of, and what
 * OpenSSL says of them. Whatever OpenSSL cannot do for us ends the program: a case that was not
 * made as meant proves nothing.
 */
#ifndef PLYBOOT_TEST_P256_H
#define PLYBOOT_TEST_P256_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "key.h"
#include "hex.h"
#include "random.h"

enum { NUMBER_BYTES = 32, SPKI_PREFIX_BYTES = KEY_SPKI_BYTES - KEY_POINT_BYTES };

struct p256 {
	EC_GROUP *group;
	BIGNUM *n, *p; /* the group's order, the field's prime */
	BN_CTX *ctx;
};

static struct p256 p256;

static inline void must(bool done)
{
	if (!done) {
		ERR_print_errors_fp(stderr);
		abort();
	}
}

static inline void p256_open(void)
{
	p256.group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	p256.n = BN_new();
	p256.p = BN_new();
	p256.ctx = BN_CTX_new();
	must(p256.group != NULL && p256.n != NULL && p256.p != NULL && p256.ctx != NULL);
	must(EC_GROUP_get_order(p256.group, p256.n, NULL));
	must(EC_GROUP_get_curve(p256.group, p256.p, NULL, NULL, NULL));
}

static inline void p256_close(void)
{
	EC_GROUP_free(p256.group);
	BN_free(p256.n);
	BN_free(p256.p);
	BN_CTX_free(p256.ctx);
}

/* A number, and a point, that last until BN_CTX_end() and EC_POINT_free(). */
static inline BIGNUM *number(void)
{
	BIGNUM *made = BN_CTX_get(p256.ctx);
	must(made != NULL);
	return made;
}

static inline EC_POINT *point(void)
{
	EC_POINT *made = EC_POINT_new(p256.group);
	must(made != NULL);
	return made;
}

static inline void number_random(BIGNUM *out, uint64_t *random)
{
	uint8_t bytes[NUMBER_BYTES];
	random_fill(random, bytes, sizeof bytes);
	must(BN_bin2bn(bytes, sizeof bytes, out) != NULL);
}

/* False when it needs more than 32 bytes. */
static inline bool number_write(const BIGNUM *number, uint8_t out[NUMBER_BYTES])
{
	return BN_bn2binpad(number, out, NUMBER_BYTES) == NUMBER_BYTES;
}

static inline void number_read(const uint8_t in[NUMBER_BYTES], BIGNUM *out)
{
	must(BN_bin2bn(in, NUMBER_BYTES, out) != NULL);
}

/* 1 .. n-1, and more often than by chance one of those at which carries, windows and reductions of
 * an implementation have their edges: small, sparse, runs of ones, and the same counted down from
 * n. */
static inline void scalar_random(BIGNUM *out, uint64_t *random)
{
	do {
		unsigned high = (unsigned)random_below(random, 257);
		BN_zero(out);
		switch (random_below(random, 6)) {
		case 0:
			must(BN_set_word(out, random_below(random, 17)));
			break;
		case 1:
			must(BN_set_bit(out, (int)high));
			break;
		case 2:
			must(BN_set_bit(out, (int)high) &&
				BN_sub_word(
					out, random_below(random, 2) << random_below(random, 30)));
			break;
		case 3:
			must(BN_rshift1(out, p256.n) && BN_add_word(out, random_below(random, 3)));
			break;
		default:
			number_random(out, random);
		}
		must(BN_nnmod(out, out, p256.n, p256.ctx));
		if (random_below(random, 4) == 0)
			must(BN_sub(out, p256.n, out) && BN_nnmod(out, out, p256.n, p256.ctx));
	} while (BN_is_zero(out));
}

/* The affine x, reduced by the order as ECDSA does; 0 for infinity, which has none. */
static inline void point_r(const EC_POINT *point, BIGNUM *r)
{
	BN_zero(r);
	if (EC_POINT_is_at_infinity(p256.group, point))
		return;
	must(EC_POINT_get_affine_coordinates(p256.group, point, r, NULL, p256.ctx));
	must(BN_nnmod(r, r, p256.n, p256.ctx));
}

/* The point with the lowest x on the curve that is `x` or above. */
static inline void point_from_x(EC_POINT *out, const BIGNUM *x, uint64_t *random)
{
	BIGNUM *at = BN_dup(x);
	must(at != NULL);
	while (!EC_POINT_set_compressed_coordinates(
		p256.group, out, at, (int)random_below(random, 2), p256.ctx))
		must(BN_add_word(at, 1));
	ERR_clear_error();
	BN_free(at);
}

/* The SubjectPublicKeyInfo that we take. */
static inline void spki_write(const EC_POINT *point, uint8_t out[KEY_SPKI_BYTES])
{
	static const char prefix[] = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
	from_hex(prefix, out);
	must(EC_POINT_point2oct(p256.group, point, POINT_CONVERSION_UNCOMPRESSED,
		     out + SPKI_PREFIX_BYTES, KEY_POINT_BYTES, p256.ctx) == KEY_POINT_BYTES);
}

/* What OpenSSL makes of a key. */
struct p256_key {
	EVP_PKEY *key;                     /* NULL: refused, or not on P-256 */
	uint8_t canonical[KEY_SPKI_BYTES]; /* the same point in the form that we take */
};

static inline bool is_p256(EVP_PKEY *key)
{
	char name[64] = "";
	return EVP_PKEY_is_a(key, "EC") &&
	       EVP_PKEY_get_group_name(key, name, sizeof name, NULL) == 1 &&
	       strcmp(name, SN_X9_62_prime256v1) == 0;
}

static inline bool is_valid(EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	must(ctx != NULL);
	bool valid = EVP_PKEY_public_check_quick(ctx) == 1;
	EVP_PKEY_CTX_free(ctx);
	return valid;
}

/* Takes `key`. */
static inline struct p256_key p256_key_take(EVP_PKEY *key)
{
	struct p256_key out = {.key = key};
	if (key != NULL && (!is_p256(key) || !is_valid(key))) {
		EVP_PKEY_free(key);
		out.key = NULL;
	}
	if (out.key != NULL) {
		BIGNUM *x = NULL, *y = NULL;
		EC_POINT *q = point();
		must(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &x) &&
			EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &y));
		must(EC_POINT_set_affine_coordinates(p256.group, q, x, y, p256.ctx));
		spki_write(q, out.canonical);
		EC_POINT_free(q);
		BN_free(x);
		BN_free(y);
	}
	ERR_clear_error();
	return out;
}

/* All of the bytes, or it is none. */
static inline struct p256_key p256_key_decode(const uint8_t *der, size_t size_bytes)
{
	const unsigned char *at = der;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)size_bytes);
	if (key != NULL && at != der + size_bytes) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	return p256_key_take(key);
}

static inline bool p256_verify(EVP_PKEY *key, const uint8_t hash[NUMBER_BYTES],
	const uint8_t signature[KEY_SIGNATURE_BYTES])
{
	ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(signature, NUMBER_BYTES, NULL);
	BIGNUM *s = BN_bin2bn(signature + NUMBER_BYTES, NUMBER_BYTES, NULL);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	unsigned char *der = NULL;
	must(pair != NULL && r != NULL && s != NULL && ctx != NULL);
	must(ECDSA_SIG_set0(pair, r, s)); /* which takes both */
	int length = i2d_ECDSA_SIG(pair, &der);
	must(length > 0 && EVP_PKEY_verify_init(ctx) == 1);
	bool good = EVP_PKEY_verify(ctx, der, (size_t)length, hash, NUMBER_BYTES) == 1;
	ECDSA_SIG_free(pair);
	OPENSSL_free(der);
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return good;
}

/* The key pair of a private number, with both halves. */
static inline EVP_PKEY *p256_private_key(const BIGNUM *d)
{
	uint8_t spki[KEY_SPKI_BYTES];
	EC_POINT *q = point();
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	must(ctx != NULL && builder != NULL);
	must(EC_POINT_mul(p256.group, q, d, NULL, NULL, p256.ctx));
	spki_write(q, spki);
	must(OSSL_PARAM_BLD_push_utf8_string(
		builder, OSSL_PKEY_PARAM_GROUP_NAME, SN_X9_62_prime256v1, 0));
	must(OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, d));
	must(OSSL_PARAM_BLD_push_octet_string(
		builder, OSSL_PKEY_PARAM_PUB_KEY, spki + SPKI_PREFIX_BYTES, KEY_POINT_BYTES));
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
	must(params != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) == 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(builder);
	EVP_PKEY_CTX_free(ctx);
	EC_POINT_free(q);
	return key;
}

#endif

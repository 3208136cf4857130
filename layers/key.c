#include "key.h"

#include <string.h>

#include <bearssl.h>

/* SubjectPublicKeyInfo up to the point: id-ecPublicKey, prime256v1, a BIT STRING of 65 bytes. */
static const uint8_t spki_prefix[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce,
	0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42,
	0x00};
_Static_assert(sizeof spki_prefix + KEY_POINT_BYTES == KEY_SPKI_BYTES, "a P-256 key is 91 bytes");

enum { SCALAR_BYTES = KEY_SIGNATURE_BYTES / 2 };

static bool is_zero(const uint8_t *bytes, size_t size_bytes)
{
	uint8_t any = 0;
	for (size_t i = 0; i < size_bytes; i++)
		any |= bytes[i];
	return any == 0;
}

/* BearSSL's decoder demands the form byte 4, x and y below p, and the curve's equation, which
 * infinity has no encoding for; mul() returns what that decoder said (0.6: ec_p256_m31.c,
 * p256_decode). */
static bool is_on_curve(const uint8_t point[KEY_POINT_BYTES])
{
	static const uint8_t one[] = {1};
	uint8_t product[KEY_POINT_BYTES];
	memcpy(product, point, sizeof product);
	return br_ec_p256_m31.mul(product, sizeof product, one, sizeof one, BR_EC_secp256r1) == 1;
}

int key_decode(const uint8_t *der, size_t size_bytes, struct public_key *out, struct error *e)
{
	if (size_bytes != KEY_SPKI_BYTES)
		return error_set(e, ERROR_KEY, 0, "a public key of %zu bytes, not %d of DER",
			size_bytes, KEY_SPKI_BYTES);
	if (memcmp(der, spki_prefix, sizeof spki_prefix) != 0 || der[sizeof spki_prefix] != 4)
		return error_set(e, ERROR_KEY, 0,
			"not the SubjectPublicKeyInfo of an uncompressed P-256 key");
	if (!is_on_curve(der + sizeof spki_prefix))
		return error_set(e, ERROR_KEY, 0, "the key's point is not on the curve P-256");
	memcpy(out->spki, der, KEY_SPKI_BYTES);
	digest_of(der, size_bytes, &out->id);
	return 0;
}

/* 1 .. n-1, big-endian; n is the order of P-256 (SP 800-186, 3.2.1.3). */
static bool is_scalar(const uint8_t bytes[SCALAR_BYTES])
{
	static const uint8_t order[SCALAR_BYTES] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
		0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
	return !is_zero(bytes, SCALAR_BYTES) && memcmp(bytes, order, SCALAR_BYTES) < 0;
}

int key_verify(const struct public_key *key, const struct digest *hash,
	const uint8_t signature[KEY_SIGNATURE_BYTES], struct error *e)
{
	if (!is_scalar(signature) || !is_scalar(signature + SCALAR_BYTES))
		return error_set(e, ERROR_SIGNATURE, 0, "r or s of the signature is out of range");
	if (is_zero(hash->bytes, DIGEST_BYTES))
		return error_set(e, ERROR_SIGNATURE, 0, "the hash that was signed is all zero");

	uint8_t point[KEY_POINT_BYTES]; /* br_ec_public_key has no const */
	memcpy(point, key->spki + sizeof spki_prefix, sizeof point);
	const br_ec_public_key q = {.curve = BR_EC_secp256r1, .q = point, .qlen = sizeof point};
	if (br_ecdsa_i31_vrfy_raw(&br_ec_p256_m31, hash->bytes, DIGEST_BYTES, &q, signature,
		    KEY_SIGNATURE_BYTES) != 1)
		return error_set(e, ERROR_SIGNATURE, 0, "the signature does not verify");
	return 0;
}

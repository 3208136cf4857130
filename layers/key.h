/*
 * ECDSA P-256 public keys and signatures.
 *
 * A key is stored as its SubjectPublicKeyInfo DER (RFC 5480): for an uncompressed P-256 point
 * always the same 26 bytes and 65 of point. A key's id is the SHA-256 of those 91 bytes. A
 * signature is r || s, 64 bytes, big-endian (as in RFC 7518 section 3.4, JOSE's "ES256").
 */
#ifndef PLYBOOT_KEY_H
#define PLYBOOT_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "digest.h"
#include "error.h"

enum { KEY_SPKI_BYTES = 91, KEY_POINT_BYTES = 65, KEY_SIGNATURE_BYTES = 64 };

struct public_key {
	uint8_t spki[KEY_SPKI_BYTES];
	struct digest id;
};

/* Take a key from its DER. ERROR_KEY unless it is exactly 91 bytes, named P-256, uncompressed, and
 * a point on the curve other than infinity. */
int key_decode(const uint8_t *der, size_t size_bytes, struct public_key *out, struct error *e);

/* Check a signature over a SHA-256 hash. ERROR_SIGNATURE unless it verifies; r and s outside
 * 1..n-1 and an all-zero hash are refused before BearSSL sees them (0.6 accepts r = 0 with hash 0).
 */
int key_verify(const struct public_key *key, const struct digest *hash,
	const uint8_t signature[KEY_SIGNATURE_BYTES], struct error *e);

#endif

/* Signing in tests: deterministic (RFC 6979), by a private key that is a number. */
#ifndef PLYBOOT_TEST_SIGNER_H
#define PLYBOOT_TEST_SIGNER_H

#include <stdlib.h>
#include <string.h>

#include <bearssl.h>

#include "key.h"
#include "hex.h"

#define P256_SPKI_PREFIX "3059301306072a8648ce3d020106082a8648ce3d030107034200"

struct signer {
	uint8_t secret[32];
	struct public_key key;
};

static inline br_ec_private_key signer_private(struct signer *signer)
{
	return (br_ec_private_key){
		.curve = BR_EC_secp256r1, .x = signer->secret, .xlen = sizeof signer->secret};
}

/* `secret` is below the order. */
static inline void signer_open(const char *secret_hex, struct signer *out)
{
	uint8_t spki[KEY_SPKI_BYTES];
	from_hex(secret_hex, out->secret);
	from_hex(P256_SPKI_PREFIX, spki);
	(void)br_ec_p256_m31.mulgen(spki + KEY_SPKI_BYTES - KEY_POINT_BYTES, out->secret,
		sizeof out->secret, BR_EC_secp256r1);
	if (key_decode(spki, sizeof spki, &out->key, NULL) != 0)
		abort();
}

static inline void signer_sign(
	struct signer *signer, const struct digest *hash, uint8_t signature[KEY_SIGNATURE_BYTES])
{
	br_ec_private_key key = signer_private(signer);
	if (br_ecdsa_i31_sign_raw(&br_ec_p256_m31, &br_sha256_vtable, hash->bytes, &key,
		    signature) != KEY_SIGNATURE_BYTES)
		abort();
}

#endif

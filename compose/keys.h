/*
 * Key files. Private keys: PEM, PKCS#8 ("PRIVATE KEY") or SEC 1 ("EC PRIVATE KEY"), never
 * encrypted. Public keys: SubjectPublicKeyInfo, PEM ("PUBLIC KEY") or DER. P-256 in every case.
 *
 * Private keys are wiped from memory as soon as they have served; no error text holds any of their
 * bytes.
 */
#ifndef PLYBOOT_KEYS_H
#define PLYBOOT_KEYS_H

#include "../layers/key.h"
#include "../layers/ceilings.h"
#include "options.h"

enum { KEYS_SCALAR_BYTES = 32 };

struct private_key {
	uint8_t scalar[KEYS_SCALAR_BYTES]; /* big-endian, 1..n-1 */
	struct public_key public;
};

/* A fresh key out of getrandom(2). ERROR_IO. */
int private_key_generate(struct private_key *out, struct error *e);

/* ERROR_KEY: not a private P-256 key, or an encrypted one. */
int private_key_read(const char *path, struct private_key *out, struct error *e);

void private_key_wipe(struct private_key *key);
#define SCOPED_PRIVATE_KEY __attribute__((cleanup(private_key_wipe))) struct private_key

/* Sign a SHA-256 hash (deterministic, RFC 6979), with s in the lower half of its range. The result
 * has been verified. */
int private_key_sign(const struct private_key *key, const struct digest *hash,
	uint8_t signature[KEY_SIGNATURE_BYTES], struct error *e);

/* Turn s into n - s where that is smaller: both verify, and only one should be written. */
void signature_make_low(uint8_t signature[KEY_SIGNATURE_BYTES]);

/* From raw r || s, or from DER as openssl writes it, to raw. ERROR_SIGNATURE. Whether it verifies
 * is for the caller to ask. */
int signature_decode(
	const uint8_t *bytes, size_t size_bytes, uint8_t raw[KEY_SIGNATURE_BYTES], struct error *e);

/* PEM texts, NUL-terminated. */
enum { KEYS_PEM_SIZE = 512 };
int private_key_to_pem(
	const struct private_key *key, char out[KEYS_PEM_SIZE], size_t *length, struct error *e);
void public_key_to_pem(const struct public_key *key, char out[KEYS_PEM_SIZE], size_t *length);

/* ERROR_KEY: no public P-256 key. */
int public_key_read(const char *path, struct public_key *out, struct error *e);

/* All files of a list, at most LIMIT_KEYS; the same key twice is ERROR_KEY. */
int public_keys_read(
	const struct text_list *paths, struct public_key out[LIMIT_KEYS], struct error *e);

#endif

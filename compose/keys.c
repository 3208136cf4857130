#include "keys.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <bearssl.h>

#include "../layers/scope.h"
#include "output.h"
#include "pem.h"
#include "report.h"

enum { KEY_FILE_MAX_BYTES = 16 * 1024 };

/* The order n of P-256 (FIPS 186-4, D.1.2.3), and n / 2 rounded down. */
static const uint8_t order[KEYS_SCALAR_BYTES] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e,
	0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
static const uint8_t half_order[KEYS_SCALAR_BYTES] = {0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00,
	0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b,
	0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8};

/* SubjectPublicKeyInfo of an uncompressed P-256 point, up to the point (RFC 5480). */
static const uint8_t spki_prefix[KEY_SPKI_BYTES - KEY_POINT_BYTES] = {0x30, 0x59, 0x30, 0x13, 0x06,
	0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
	0x03, 0x01, 0x07, 0x03, 0x42, 0x00};

void private_key_wipe(struct private_key *key)
{
	explicit_bzero(key, sizeof *key);
}

/* --- private keys */

static bool scalar_in_range(const uint8_t scalar[KEYS_SCALAR_BYTES])
{
	static const uint8_t zero[KEYS_SCALAR_BYTES];
	return memcmp(scalar, zero, sizeof zero) != 0 && memcmp(scalar, order, sizeof order) < 0;
}

static br_ec_private_key as_bearssl(const struct private_key *key)
{
	/* BearSSL has no const here, and doesn't write. */
	return (br_ec_private_key){.curve = BR_EC_secp256r1,
		.x = (unsigned char *)(uintptr_t)key->scalar,
		.xlen = sizeof key->scalar};
}

/* Fill in the public half. */
static int complete(struct private_key *key, struct error *e)
{
	uint8_t spki[KEY_SPKI_BYTES];
	br_ec_private_key private = as_bearssl(key);
	memcpy(spki, spki_prefix, sizeof spki_prefix);
	if (br_ec_compute_pub(&br_ec_p256_m31, NULL, spki + sizeof spki_prefix, &private) !=
		KEY_POINT_BYTES)
		return error_set(e, ERROR_KEY, 0, "a private key without a public one");
	return key_decode(spki, sizeof spki, &key->public, e);
}

int private_key_generate(struct private_key *out, struct error *e)
{
	SCOPED_PRIVATE_KEY key;
	do {
		if (getrandom(key.scalar, sizeof key.scalar, 0) != sizeof key.scalar)
			return error_errno(e, errno, "random bytes for a key");
	} while (!scalar_in_range(key.scalar));
	if (complete(&key, e) != 0)
		return -1;
	*out = key;
	return 0;
}

static bool is_private(const char *name)
{
	return strcmp(name, "PRIVATE KEY") == 0 || strcmp(name, "EC PRIVATE KEY") == 0 ||
	       strcmp(name, "ENCRYPTED PRIVATE KEY") == 0;
}

static int refuse_encrypted(const char *path, const char *openssl_verb, struct error *e)
{
	report_hint("decrypt it first: openssl %s -in %s -out PLAIN.key", openssl_verb, path);
	return error_set(e, ERROR_KEY, 0, "the private key `%s` is encrypted", path);
}

/* The scalar out of a decoded key; SEC 1 lets it be shorter or longer by zeros. */
static int take_scalar(const br_ec_private_key *from, struct private_key *out, struct error *e)
{
	size_t skip = 0;
	if (from->curve != BR_EC_secp256r1)
		return error_set(e, ERROR_KEY, 0, "a key on another curve than P-256");
	while (skip < from->xlen && from->x[skip] == 0)
		skip++;
	size_t length = from->xlen - skip;
	if (length > sizeof out->scalar)
		return error_set(e, ERROR_KEY, 0, "a private key outside its range");
	memset(out->scalar, 0, sizeof out->scalar);
	memcpy(out->scalar + sizeof out->scalar - length, from->x + skip, length);
	if (!scalar_in_range(out->scalar))
		return error_set(e, ERROR_KEY, 0, "a private key outside its range");
	return 0;
}

static int decode_private(const struct pem_object *pem, struct private_key *out, struct error *e)
{
	br_skey_decoder_context decoder;
	br_skey_decoder_init(&decoder);
	br_skey_decoder_push(&decoder, pem->der, pem->size_bytes);
	int result;
	if (br_skey_decoder_last_error(&decoder) == BR_ERR_X509_UNSUPPORTED)
		result = error_set(e, ERROR_KEY, 0, "a kind of key other than ECDSA on P-256");
	else if (br_skey_decoder_last_error(&decoder) != 0)
		result = error_set(e, ERROR_KEY, 0, "not a private key");
	else if (br_skey_decoder_key_type(&decoder) != BR_KEYTYPE_EC)
		result = error_set(e, ERROR_KEY, 0, "a kind of key other than ECDSA on P-256");
	else
		result = take_scalar(br_skey_decoder_get_ec(&decoder), out, e);
	explicit_bzero(&decoder, sizeof decoder);
	return result;
}

static int parse_private(const char *path, const uint8_t *text, size_t size_bytes,
	struct private_key *out, struct error *e)
{
	struct pem_object pem = {0};
	int result;
	/* PEM's old way to encrypt (RFC 1421) stands in headers that the decoder takes for damage.
	 */
	if (memmem(text, size_bytes, "4,ENCRYPTED", 11) != NULL)
		return refuse_encrypted(path, "ec", e);
	if (!pem_find(text, size_bytes, is_private, &pem)) {
		report_hint("a key is made by `plyboot keygen -o NAME`, or by "
			    "`openssl ecparam -name prime256v1 -genkey -noout -out NAME.key`");
		result = error_set(e, ERROR_KEY, 0, "no private key in PEM in `%s`", path);
	} else if (strcmp(pem.name, "ENCRYPTED PRIVATE KEY") == 0) {
		result = refuse_encrypted(path, "pkcs8", e);
	} else {
		result = decode_private(&pem, out, e);
		if (result == 0)
			result = complete(out, e);
		if (result != 0)
			(void)error_wrap(e, "`%s`", path);
	}
	explicit_bzero(&pem, sizeof pem);
	return result;
}

int private_key_read(const char *path, struct private_key *out, struct error *e)
{
	SCOPED_PRIVATE_KEY key = {0};
	uint8_t *text;
	size_t size_bytes;
	if (input_read_file(path, KEY_FILE_MAX_BYTES, &text, &size_bytes, e) != 0)
		return -1;
	int result = parse_private(path, text, size_bytes, &key, e);
	explicit_bzero(text, size_bytes);
	free(text);
	if (result == 0)
		*out = key;
	return result;
}

int private_key_to_pem(
	const struct private_key *key, char out[KEYS_PEM_SIZE], size_t *length, struct error *e)
{
	uint8_t der[KEYS_PEM_SIZE / 2];
	br_ec_private_key private = as_bearssl(key);
	br_ec_public_key public = {.curve = BR_EC_secp256r1,
		.q = (unsigned char *)(uintptr_t)key->public.spki + sizeof spki_prefix,
		.qlen = KEY_POINT_BYTES};
	size_t size_bytes = br_encode_ec_pkcs8_der(NULL, &private, &public);
	if (size_bytes == 0 || size_bytes > sizeof der ||
		br_pem_encode(NULL, der, size_bytes, BR_ENCODE_PEM_PKCS8, BR_PEM_LINE64) >=
			KEYS_PEM_SIZE)
		return error_set(e, ERROR_KEY, 0, "a private key that can't be encoded");
	size_bytes = br_encode_ec_pkcs8_der(der, &private, &public);
	*length = br_pem_encode(out, der, size_bytes, BR_ENCODE_PEM_PKCS8, BR_PEM_LINE64);
	explicit_bzero(der, sizeof der);
	return 0;
}

/* --- signatures */

/* out = n - s, for s below n. */
static void negate(const uint8_t s[KEYS_SCALAR_BYTES], uint8_t out[KEYS_SCALAR_BYTES])
{
	int borrow = 0;
	for (size_t i = KEYS_SCALAR_BYTES; i-- > 0;) {
		int difference = order[i] - s[i] - borrow;
		borrow = difference < 0;
		out[i] = (uint8_t)(difference & 0xff);
	}
}

void signature_make_low(uint8_t signature[KEY_SIGNATURE_BYTES])
{
	uint8_t *s = signature + KEYS_SCALAR_BYTES;
	uint8_t negated[KEYS_SCALAR_BYTES];
	if (memcmp(s, half_order, sizeof half_order) <= 0 || memcmp(s, order, sizeof order) >= 0)
		return;
	negate(s, negated);
	memcpy(s, negated, sizeof negated);
}

int private_key_sign(const struct private_key *key, const struct digest *hash,
	uint8_t signature[KEY_SIGNATURE_BYTES], struct error *e)
{
	br_ec_private_key private = as_bearssl(key);
	br_ecdsa_sign sign = br_ecdsa_sign_raw_get_default();
	if (sign(&br_ec_p256_m31, &br_sha256_vtable, hash->bytes, &private, signature) !=
		KEY_SIGNATURE_BYTES)
		return error_set(e, ERROR_KEY, 0, "the key can't sign");
	signature_make_low(signature);
	return key_verify(&key->public, hash, signature, e);
}

int signature_decode(
	const uint8_t *bytes, size_t size_bytes, uint8_t raw[KEY_SIGNATURE_BYTES], struct error *e)
{
	uint8_t buffer[4 * KEY_SIGNATURE_BYTES];
	if (size_bytes == KEY_SIGNATURE_BYTES) {
		memcpy(raw, bytes, KEY_SIGNATURE_BYTES);
		return 0;
	}
	size_t length = 0;
	if (size_bytes <= sizeof buffer / 2) { /* in place it may double */
		memcpy(buffer, bytes, size_bytes);
		length = br_ecdsa_asn1_to_raw(buffer, size_bytes);
	}
	size_t half = length / 2;
	if (length == 0 || half > KEYS_SCALAR_BYTES)
		return error_set(e, ERROR_SIGNATURE, 0,
			"neither 64 bytes nor the DER of an ECDSA signature on P-256");
	memset(raw, 0, KEY_SIGNATURE_BYTES);
	memcpy(raw + KEYS_SCALAR_BYTES - half, buffer, half);
	memcpy(raw + KEY_SIGNATURE_BYTES - half, buffer + half, half);
	return 0;
}

/* --- public keys */

static bool is_public(const char *name)
{
	return strcmp(name, "PUBLIC KEY") == 0;
}

void public_key_to_pem(const struct public_key *key, char out[KEYS_PEM_SIZE], size_t *length)
{
	*length = br_pem_encode(out, key->spki, sizeof key->spki, "PUBLIC KEY", BR_PEM_LINE64);
}

int public_key_read(const char *path, struct public_key *out, struct error *e)
{
	SCOPED_FREE uint8_t *text = NULL;
	size_t size_bytes;
	if (input_read_file(path, KEY_FILE_MAX_BYTES, &text, &size_bytes, e) != 0)
		return -1;
	struct pem_object pem = {0};
	int result;
	if (memmem(text, size_bytes, "PRIVATE KEY-----", 16) != NULL) {
		explicit_bzero(text, size_bytes);
		report_hint("it takes the public half: openssl pkey -in %s -pubout -out NAME.pub",
			path);
		return error_set(e, ERROR_KEY, 0, "`%s` is a private key", path);
	}
	if (memmem(text, size_bytes, "-----BEGIN ", 11) == NULL)
		result = key_decode(text, size_bytes, out, e);
	else if (pem_find(text, size_bytes, is_public, &pem))
		result = key_decode(pem.der, pem.size_bytes, out, e);
	else
		result = error_set(e, ERROR_KEY, 0, "no public key in PEM");
	return result == 0 ? 0 : error_wrap(e, "`%s`", path);
}

int public_keys_read(
	const struct text_list *paths, struct public_key out[LIMIT_KEYS], struct error *e)
{
	if (paths->count > LIMIT_KEYS)
		return error_set(e, ERROR_LIMIT, 0, "%zu keys; at most %u are taken", paths->count,
			LIMIT_KEYS);
	for (size_t i = 0; i < paths->count; i++) {
		if (public_key_read(paths->items[i], &out[i], e) != 0)
			return -1;
		for (size_t j = 0; j < i; j++) {
			if (digest_equal(&out[i].id, &out[j].id))
				return error_set(e, ERROR_KEY, 0, "`%s` and `%s` are the same key",
					paths->items[j], paths->items[i]);
		}
	}
	return 0;
}

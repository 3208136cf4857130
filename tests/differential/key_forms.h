/* Key files for test_keys.c, in every form that OpenSSL writes and in ours. */
#ifndef PLYBOOT_TEST_KEY_FORMS_H
#define PLYBOOT_TEST_KEY_FORMS_H

#include <openssl/pem.h>

#include "compose/keys.h"
#include "key_file.h"

enum half { PUBLIC, PRIVATE, HALVES };

static void set_text(EVP_PKEY *key, const char *name, const char *value)
{
	must(EVP_PKEY_set_utf8_string_param(key, name, value) == 1);
}

static void public_pem(EVP_PKEY *key, struct file *out)
{
	BIO *bio = new_bio();
	must(PEM_write_bio_PUBKEY(bio, key) == 1);
	take_bio(bio, out);
}

static void public_der(EVP_PKEY *key, struct file *out)
{
	BIO *bio = new_bio();
	must(i2d_PUBKEY_bio(bio, key) == 1);
	take_bio(bio, out);
}

static void public_compressed(EVP_PKEY *key, struct file *out)
{
	set_text(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed");
	public_pem(key, out);
}

static void public_hybrid(EVP_PKEY *key, struct file *out)
{
	set_text(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "hybrid");
	public_pem(key, out);
}

static void public_explicit(EVP_PKEY *key, struct file *out)
{
	set_text(key, OSSL_PKEY_PARAM_EC_ENCODING, OSSL_PKEY_EC_ENCODING_EXPLICIT);
	public_pem(key, out);
}

static void pkcs8(EVP_PKEY *key, struct file *out)
{
	BIO *bio = new_bio();
	must(PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
	take_bio(bio, out);
}

static void sec1(EVP_PKEY *key, struct file *out)
{
	BIO *bio = new_bio();
	must(PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
	take_bio(bio, out);
}

/* As `openssl ecparam -genkey` writes it. */
static void sec1_behind_parameters(EVP_PKEY *key, struct file *out)
{
	BIO *bio = new_bio();
	must(PEM_write_bio_Parameters(bio, key) == 1);
	must(PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
	take_bio(bio, out);
}

static void leave_public_out(EVP_PKEY *key)
{
	must(EVP_PKEY_set_int_param(key, OSSL_PKEY_PARAM_EC_INCLUDE_PUBLIC, 0) == 1);
}

static void pkcs8_without_public(EVP_PKEY *key, struct file *out)
{
	leave_public_out(key);
	pkcs8(key, out);
}

static void sec1_without_public(EVP_PKEY *key, struct file *out)
{
	leave_public_out(key);
	sec1(key, out);
}

static void pkcs8_compressed(EVP_PKEY *key, struct file *out)
{
	set_text(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed");
	pkcs8(key, out);
}

static void pkcs8_explicit(EVP_PKEY *key, struct file *out)
{
	set_text(key, OSSL_PKEY_PARAM_EC_ENCODING, OSSL_PKEY_EC_ENCODING_EXPLICIT);
	pkcs8(key, out);
}

/* What stands inside PKCS#8, which names the curve outside of it. */
static void sec1_without_parameters(EVP_PKEY *key, struct file *out)
{
	const unsigned char *inner;
	int length = 0;
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	BIO *bio = new_bio();
	must(info != NULL && PKCS8_pkey_get0(NULL, &inner, &length, NULL, info) == 1);
	must(PEM_write_bio(bio, "EC PRIVATE KEY", "", inner, length) > 0);
	PKCS8_PRIV_KEY_INFO_free(info);
	take_bio(bio, out);
}

static void pkcs8_encrypted(EVP_PKEY *key, struct file *out)
{
	BIO *bio = new_bio();
	must(PEM_write_bio_PKCS8PrivateKey_nid(
		     bio, key, NID_pbe_WithSHA1And3_Key_TripleDES_CBC, "word", 4, NULL, NULL) == 1);
	take_bio(bio, out);
}

static void sec1_encrypted(EVP_PKEY *key, struct file *out)
{
	BIO *bio = new_bio();
	must(PEM_write_bio_PrivateKey_traditional(bio, key, EVP_aes_256_cbc(),
		     (const unsigned char *)"word", 4, NULL, NULL) == 1);
	take_bio(bio, out);
}

static void pkcs8_by_ours(EVP_PKEY *key, struct file *out)
{
	struct file public;
	struct private_key private;
	char pem[KEYS_PEM_SIZE];
	BIGNUM *d = NULL;
	public_der(key, &public);
	must(key_decode(public.bytes, public.size_bytes, &private.public, NULL) == 0);
	must(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &d) == 1 &&
		number_write(d, private.scalar));
	must(private_key_to_pem(&private, pem, &out->size_bytes, NULL) == 0);
	memcpy(out->bytes, pem, out->size_bytes);
	BN_free(d);
}

static void public_by_ours(EVP_PKEY *key, struct file *out)
{
	struct file plain;
	struct public_key public;
	char pem[KEYS_PEM_SIZE];
	public_der(key, &plain);
	must(key_decode(plain.bytes, plain.size_bytes, &public, NULL) == 0);
	public_key_to_pem(&public, pem, &out->size_bytes);
	memcpy(out->bytes, pem, out->size_bytes);
}

/* Any key but one on P-256. */
static EVP_PKEY *other_key(uint64_t *random)
{
	EVP_PKEY *key = NULL;
	switch (random_below(random, 4)) {
	case 0:
		key = EVP_EC_gen("P-384");
		break;
	case 1:
		key = EVP_EC_gen("secp256k1");
		break;
	case 2:
		key = EVP_EC_gen("brainpoolP256r1");
		break;
	default:
		key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	}
	must(key != NULL);
	return key;
}

enum taken { BOTH, ONLY_OPENSSL, NEITHER };

static const struct form {
	const char *name;
	enum half half;
	enum taken taken;
	void (*write)(EVP_PKEY *key, struct file *out);
	bool other; /* of a key that is not on P-256 */
} forms[] = {
	{"public, PEM", PUBLIC, BOTH, public_pem, false},
	{"public, DER", PUBLIC, BOTH, public_der, false},
	{"public, PEM by ours", PUBLIC, BOTH, public_by_ours, false},
	{"public, compressed point", PUBLIC, ONLY_OPENSSL, public_compressed, false},
	{"public, hybrid point", PUBLIC, ONLY_OPENSSL, public_hybrid, false},
	{"public, explicit curve", PUBLIC, ONLY_OPENSSL, public_explicit, false},
	{"public, PEM, not on P-256", PUBLIC, NEITHER, public_pem, true},
	{"public, DER, not on P-256", PUBLIC, NEITHER, public_der, true},
	{"public, but a private key", PUBLIC, NEITHER, pkcs8, false},
	{"PKCS #8", PRIVATE, BOTH, pkcs8, false},
	{"PKCS #8 by ours", PRIVATE, BOTH, pkcs8_by_ours, false},
	{"PKCS #8 without public key", PRIVATE, BOTH, pkcs8_without_public, false},
	{"PKCS #8 with compressed public key", PRIVATE, BOTH, pkcs8_compressed, false},
	{"PKCS #8, explicit curve", PRIVATE, ONLY_OPENSSL, pkcs8_explicit, false},
	{"PKCS #8, encrypted", PRIVATE, NEITHER, pkcs8_encrypted, false},
	{"PKCS #8, not on P-256", PRIVATE, NEITHER, pkcs8, true},
	{"SEC 1", PRIVATE, BOTH, sec1, false},
	{"SEC 1 behind EC PARAMETERS", PRIVATE, BOTH, sec1_behind_parameters, false},
	{"SEC 1 without public key", PRIVATE, BOTH, sec1_without_public, false},
	{"SEC 1 without parameters", PRIVATE, NEITHER, sec1_without_parameters, false},
	{"SEC 1, encrypted", PRIVATE, NEITHER, sec1_encrypted, false},
	{"private, but a public key", PRIVATE, NEITHER, public_pem, false},
};
enum { FORMS = sizeof forms / sizeof *forms };

#endif

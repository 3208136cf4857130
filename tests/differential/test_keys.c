/*
 * Key files: compose/keys.c beside OpenSSL. What OpenSSL writes is read, or refused where it is in
 * a form that we don't take; of damaged files, ours takes none that holds another key than OpenSSL
 * sees in it.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "compose/keys.h"
#include "count.h"
#include "key_damage.h"
#include "key_forms.h"
#include "tap.h"

/* What came of one file: the same public key in the form of layers/key.h. */
struct reading {
	bool good;
	uint8_t spki[KEY_SPKI_BYTES];
	uint8_t scalar[NUMBER_BYTES]; /* of private ones */
};

static int key_fd;
static char key_path[32];
static unsigned long long wrong_codes;

static struct reading read_by_ours(enum half half, const struct file *file)
{
	struct reading out = {.good = false};
	struct private_key private;
	struct public_key public;
	struct error e = {.code = ERROR_NONE};
	must(ftruncate(key_fd, 0) == 0 &&
		pwrite(key_fd, file->bytes, file->size_bytes, 0) == (ssize_t)file->size_bytes);
	if (half == PRIVATE)
		out.good = private_key_read(key_path, &private, &e) == 0;
	else
		out.good = public_key_read(key_path, &public, &e) == 0;
	wrong_codes += !out.good && e.code != ERROR_KEY;
	if (out.good) {
		memcpy(out.spki, half == PRIVATE ? private.public.spki : public.spki,
			sizeof out.spki);
		if (half == PRIVATE)
			memcpy(out.scalar, private.scalar, sizeof out.scalar);
	}
	return out;
}

static int no_password(char *buffer, int size, int writing, void *context)
{
	(void)buffer, (void)size, (void)writing, (void)context;
	return -1;
}

static EVP_PKEY *read_pem(enum half half, const struct file *file)
{
	BIO *bio = BIO_new_mem_buf(file->bytes, (int)file->size_bytes);
	must(bio != NULL);
	EVP_PKEY *key = half == PRIVATE ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL)
					: PEM_read_bio_PUBKEY(bio, NULL, no_password, NULL);
	BIO_free(bio);
	return key;
}

static struct reading read_by_openssl(enum half half, const struct file *file)
{
	struct reading out = {.good = false};
	struct p256_key key = half == PRIVATE || is_pem(file)
				      ? p256_key_take(read_pem(half, file))
				      : p256_key_decode(file->bytes, file->size_bytes);
	out.good = key.key != NULL;
	if (out.good) {
		memcpy(out.spki, key.canonical, sizeof out.spki);
		BIGNUM *d = NULL;
		if (half == PRIVATE)
			must(EVP_PKEY_get_bn_param(key.key, OSSL_PKEY_PARAM_PRIV_KEY, &d) &&
				number_write(d, out.scalar));
		BN_free(d);
	}
	EVP_PKEY_free(key.key);
	return out;
}

/* --- ours beside OpenSSL */

static struct tally {
	unsigned long long cases, both, neither, only_openssl, only_ours;
} whole[FORMS], damaged[HALVES][2];
static unsigned long long other_keys, unexpected, inexact;

static void count_reading(
	struct tally *tally, const struct reading *ours, const struct reading *theirs)
{
	tally->cases++;
	tally->both += ours->good && theirs->good;
	tally->neither += !ours->good && !theirs->good;
	tally->only_openssl += !ours->good && theirs->good;
	tally->only_ours += ours->good && !theirs->good;
}

static void complain(
	const char *what, const struct form *form, uint64_t seed, const struct file *file)
{
	printf("# %s: %s, repeated by PLYBOOT_COUNT=1 PLYBOOT_SEED=0x%llx\n", what, form->name,
		(unsigned long long)seed);
	printf("#  ");
	for (size_t i = 0; i < file->size_bytes; i++)
		printf(" %02x", file->bytes[i]);
	printf("\n");
}

/* A private key is its number: the public half in its file is not looked at by ours. */
static bool is_same_key(enum half half, const struct reading *a, const struct reading *b)
{
	if (half == PRIVATE)
		return memcmp(a->scalar, b->scalar, sizeof a->scalar) == 0;
	return memcmp(a->spki, b->spki, sizeof a->spki) == 0;
}

/* The public key that ours computed is that of its number. */
static bool halves_belong_together(const struct reading *ours)
{
	uint8_t spki[KEY_SPKI_BYTES];
	BN_CTX_start(p256.ctx);
	BIGNUM *d = number();
	EC_POINT *q = point();
	number_read(ours->scalar, d);
	must(EC_POINT_mul(p256.group, q, d, NULL, NULL, p256.ctx));
	spki_write(q, spki);
	EC_POINT_free(q);
	BN_CTX_end(p256.ctx);
	return memcmp(spki, ours->spki, sizeof spki) == 0;
}

static void compare_whole(const struct form *form, const struct file *file, uint64_t seed)
{
	const enum taken taken = form->taken;
	struct reading ours = read_by_ours(form->half, file);
	struct reading theirs = read_by_openssl(form->half, file);
	count_reading(&whole[form - forms], &ours, &theirs);
	if (ours.good != (taken == BOTH) || theirs.good != (taken != NEITHER) ||
		(ours.good && memcmp(ours.spki, theirs.spki, sizeof ours.spki) != 0) ||
		(ours.good && form->half == PRIVATE &&
			memcmp(ours.scalar, theirs.scalar, sizeof ours.scalar) != 0)) {
		unexpected++;
		complain("undamaged", form, seed, file);
	}
}

/* The one form in which ours takes DER. */
static bool is_canonical(const struct file *file, const struct reading *reading)
{
	return file->size_bytes == sizeof reading->spki &&
	       memcmp(file->bytes, reading->spki, file->size_bytes) == 0;
}

/* What OpenSSL doesn't read any more is at most the key that it was before. */
static void compare_damaged(const struct form *form, const struct file *good, bool in_der,
	uint64_t seed, uint64_t *random)
{
	struct file file = *good;
	struct reading before = read_by_openssl(form->half, good);
	if (in_der)
		damage_der(&file, random);
	else
		damage_bytes(file.bytes, &file.size_bytes, random);
	struct reading ours = read_by_ours(form->half, &file);
	struct reading theirs = read_by_openssl(form->half, &file);
	count_reading(&damaged[form->half][in_der], &ours, &theirs);
	if (form->half == PUBLIC && !is_pem(&file) &&
		ours.good != (theirs.good && is_canonical(&file, &theirs))) {
		inexact++;
		complain("damaged DER", form, seed, &file);
	}
	if (ours.good && (!is_same_key(form->half, &ours, theirs.good ? &theirs : &before) ||
				 (form->half == PRIVATE && !halves_belong_together(&ours)))) {
		other_keys++;
		complain("damaged", form, seed, &file);
	}
}

static void compare(uint64_t seed)
{
	uint64_t random = seed;
	struct file file;
	const struct form *form = &forms[random_below(&random, FORMS)];
	EVP_PKEY *key;
	if (form->other) {
		key = other_key(&random);
	} else {
		BIGNUM *d = BN_new();
		must(d != NULL);
		scalar_random(d, &random);
		key = p256_private_key(d);
		BN_free(d);
	}
	form->write(key, &file);
	EVP_PKEY_free(key);
	dress(&file, (unsigned)random_below(&random, DRESSES));
	compare_whole(form, &file, seed);
	if (form->taken == BOTH)
		compare_damaged(form, &file, random_below(&random, 2) == 0, seed, &random);
}

static void print_tally(const char *name, const struct tally *tally)
{
	printf("# %9llu %9llu %9llu %9llu %9llu  %s\n", tally->cases, tally->both, tally->neither,
		tally->only_openssl, tally->only_ours, name);
}

int main(void)
{
	struct count count = count_from_environment();
	p256_open();
	key_fd = memfd_create("key", MFD_CLOEXEC);
	(void)snprintf(key_path, sizeof key_path, "/proc/self/fd/%d", key_fd);
	for (unsigned long long i = 0; i < count.cases; i++)
		compare(count_seed(&count, i));
	printf("#     cases read by   refused      only      only\n"
	       "#              both   by both   OpenSSL      ours\n");
	for (size_t i = 0; i < FORMS; i++)
		print_tally(forms[i].name, &whole[i]);
	print_tally("damaged text, public", &damaged[PUBLIC][false]);
	print_tally("damaged DER, public", &damaged[PUBLIC][true]);
	print_tally("damaged text, private", &damaged[PRIVATE][false]);
	print_tally("damaged DER, private", &damaged[PRIVATE][true]);
	is_int((long long)unexpected, 0, "%llu key files are read or refused as they should",
		count.cases);
	is_int((long long)other_keys, 0, "no damaged one is taken for another key");
	is_int((long long)inexact, 0, "in DER, ours takes what OpenSSL takes in its one form");
	is_int((long long)wrong_codes, 0, "each refusal has the code KEY");
	(void)close(key_fd);
	p256_close();
	return done();
}

/*
 * layers/key.c against OpenSSL: the same keys, hashes and signatures are accepted, apart from the
 * few that we refuse on purpose, which are counted. PLYBOOT_COUNT cases; a case is made of the seed
 * and its number alone.
 */
#include "changes.h"
#include "count.h"
#include "origins.h"
#include "tap.h"

/* Why we refuse what OpenSSL accepts. */
enum strictness { NOT_STRICTER, ANOTHER_FORM, ZERO_HASH, STRICTNESSES };
static const char *const strictness_names[] = {
	[ANOTHER_FORM] = "the key is in another form than that of FORMAT.md",
	[ZERO_HASH] = "the hash is 0 or n"};

struct tally {
	unsigned long long cases, accepted, refused, stricter;
};

static struct tally of_origin[ORIGINS], of_signature_change[SIGNATURE_CHANGES],
	of_key_change[KEY_CHANGES], of_none, all;
static unsigned long long of_strictness[STRICTNESSES], disagreements, wrong_codes, misconstructed;

struct verdict {
	bool key, signature; /* the second only with the first */
};

/* Which tallies a case counts in. */
struct recipe {
	const struct origin *origin;
	struct tally *tallies[4];
	size_t tally_count;
	bool changed;
};

static void apply(struct recipe *recipe, const struct change *changes, size_t count,
	struct tally *tallies, struct subject *subject, uint64_t *random)
{
	for (;;) {
		struct subject changed = *subject;
		size_t which = random_below(random, count);
		if (!changes[which].apply(&changed, random))
			continue;
		*subject = changed;
		recipe->tallies[recipe->tally_count++] = &tallies[which];
		recipe->changed = true;
		return;
	}
}

static struct recipe make(struct subject *subject, uint64_t *random)
{
	size_t which = random_below(random, ORIGINS);
	struct recipe recipe = {.origin = &origins[which]};
	recipe.tallies[recipe.tally_count++] = &all;
	recipe.tallies[recipe.tally_count++] = &of_origin[which];
	origins[which].make(subject, random);
	if (random_below(random, 2) == 0)
		apply(&recipe, signature_changes, SIGNATURE_CHANGES, of_signature_change, subject,
			random);
	if (random_below(random, 6) == 0)
		apply(&recipe, key_changes, KEY_CHANGES, of_key_change, subject, random);
	if (!recipe.changed)
		recipe.tallies[recipe.tally_count++] = &of_none;
	return recipe;
}

static struct verdict judged_by_us(const struct subject *subject)
{
	struct public_key key;
	struct digest hash;
	struct error e;
	uint8_t *exact = malloc(subject->spki_bytes + 1); /* so that reading past it is seen */
	must(exact != NULL);
	memcpy(exact, subject->spki, subject->spki_bytes);
	memcpy(hash.bytes, subject->hash, sizeof hash.bytes);
	struct verdict verdict = {.key = key_decode(exact, subject->spki_bytes, &key, &e) == 0};
	free(exact);
	if (!verdict.key) {
		wrong_codes += e.code != ERROR_KEY;
		return verdict;
	}
	verdict.signature = key_verify(&key, &hash, subject->signature, &e) == 0;
	wrong_codes += !verdict.signature && e.code != ERROR_SIGNATURE;
	return verdict;
}

/* 0 modulo n, which no SHA-256 will ever be. */
static bool is_zero_hash(const struct subject *subject)
{
	BN_CTX_start(p256.ctx);
	BIGNUM *hash = number();
	number_read(subject->hash, hash);
	bool zero = BN_is_zero(hash) || BN_cmp(hash, p256.n) == 0;
	BN_CTX_end(p256.ctx);
	return zero;
}

/* `why` says on which ground we must refuse it all the same. */
static struct verdict judged_by_openssl(const struct subject *subject, enum strictness *why)
{
	struct p256_key key = p256_key_decode(subject->spki, subject->spki_bytes);
	struct verdict verdict = {.key = key.key != NULL};
	*why = NOT_STRICTER;
	if (verdict.key) {
		verdict.signature = p256_verify(key.key, subject->hash, subject->signature);
		if (subject->spki_bytes != KEY_SPKI_BYTES ||
			memcmp(subject->spki, key.canonical, KEY_SPKI_BYTES) != 0)
			*why = ANOTHER_FORM;
		else if (verdict.signature && is_zero_hash(subject))
			*why = ZERO_HASH;
	}
	EVP_PKEY_free(key.key);
	return verdict;
}

static void print_hex(const char *name, const uint8_t *bytes, size_t size_bytes)
{
	printf("#   %s ", name);
	for (size_t i = 0; i < size_bytes; i++)
		printf("%02x", bytes[i]);
	printf("\n");
}

static void complain(
	const char *what, unsigned long long number, uint64_t seed, const struct subject *subject)
{
	printf("# %s: case %llu, repeated by PLYBOOT_COUNT=1 PLYBOOT_SEED=0x%llx\n", what, number,
		(unsigned long long)seed);
	print_hex("key", subject->spki, subject->spki_bytes);
	print_hex("hash", subject->hash, sizeof subject->hash);
	print_hex("signature", subject->signature, sizeof subject->signature);
}

static void compare(unsigned long long number, uint64_t seed)
{
	struct subject subject = {.spki_bytes = 0};
	enum strictness why;
	uint64_t random = seed;
	struct recipe recipe = make(&subject, &random);
	struct verdict ours = judged_by_us(&subject), theirs = judged_by_openssl(&subject, &why);
	if (ours.key != (theirs.key && why != ANOTHER_FORM) ||
		ours.signature != (theirs.signature && why == NOT_STRICTER)) {
		disagreements++;
		complain("no agreement", number, seed, &subject);
	}
	if (!recipe.changed && theirs.signature != recipe.origin->verifies) {
		misconstructed++;
		complain(recipe.origin->name, number, seed, &subject);
	}
	of_strictness[why] += theirs.signature;
	for (size_t i = 0; i < recipe.tally_count; i++) {
		struct tally *tally = recipe.tallies[i];
		tally->cases++;
		tally->accepted += ours.signature && theirs.signature;
		tally->refused += !ours.signature && !theirs.signature;
		tally->stricter += !ours.signature && theirs.signature;
	}
}

static void print_tally(const char *name, const struct tally *tally)
{
	printf("# %9llu %9llu %9llu %9llu  %s\n", tally->cases, tally->accepted, tally->refused,
		tally->stricter, name);
}

static void print_tallies(void)
{
	printf("#     cases      both      both      ours\n"
	       "#              accept    refuse  stricter\n");
	print_tally("all", &all);
	for (size_t i = 0; i < ORIGINS; i++)
		print_tally(origins[i].name, &of_origin[i]);
	print_tally("... unchanged", &of_none);
	for (size_t i = 0; i < SIGNATURE_CHANGES; i++)
		print_tally(signature_changes[i].name, &of_signature_change[i]);
	for (size_t i = 0; i < KEY_CHANGES; i++)
		print_tally(key_changes[i].name, &of_key_change[i]);
	for (size_t i = NOT_STRICTER + 1; i < STRICTNESSES; i++)
		printf("# ours stricter, %s: %llu\n", strictness_names[i], of_strictness[i]);
}

int main(void)
{
	struct count count = count_from_environment();
	p256_open();
	for (unsigned long long i = 0; i < count.cases; i++)
		compare(i, count_seed(&count, i));
	print_tallies();
	is_int((long long)disagreements, 0,
		"%llu cases: 0 disagreements with OpenSSL about a key or a signature", all.cases);
	is_int((long long)wrong_codes, 0, "each refusal has the code KEY or SIGNATURE");
	is_int((long long)misconstructed, 0, "the %llu unchanged ones verify or not, as meant",
		of_none.cases);
	printf("# P16: %llu cases beside OpenSSL, %llu failures\n", all.cases,
		disagreements + wrong_codes + misconstructed);
	p256_close();
	return done();
}

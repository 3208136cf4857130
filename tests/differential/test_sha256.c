/* layers/digest.c, layers/sha256*.c: NIST's examples, then every short length and random ones in
 * random portions, by each implementation that this CPU can use, as OpenSSL has them. */
#include <stdlib.h>

#include <openssl/evp.h>

#include "count.h"
#include "digest.h"
#include "random.h"
#include "tap.h"

enum { SHORT_LENGTHS = 131, LONGEST = 1 << 17, MILLION = 1000000 };

static uint8_t bytes[MILLION];
static const struct sha256_implementation *by;

static bool agrees(const struct digest *digest, size_t size_bytes)
{
	uint8_t theirs[DIGEST_BYTES];
	if (EVP_Digest(bytes, size_bytes, theirs, NULL, EVP_sha256(), NULL) != 1)
		abort();
	return memcmp(theirs, digest->bytes, sizeof theirs) == 0;
}

static void digest_by(const void *data, size_t size_bytes, struct digest *out)
{
	struct sha256 hash;
	sha256_start_with(&hash, by);
	sha256_update(&hash, data, size_bytes);
	sha256_finish(&hash, out);
}

/* FIPS 180-2, B.1 to B.3, which NIST's example pages still have; and the empty message. */
static void nist_s_examples(void)
{
	static const char *const rows[][2] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
			"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
		{"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
		 "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
			"cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
	};
	struct digest digest;
	char hex[DIGEST_HEX + 1];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		digest_by(rows[i][0], strlen(rows[i][0]), &digest);
		digest_format_hex(&digest, hex);
		is_str(hex, rows[i][1], "%s: %zu bytes", by->name, strlen(rows[i][0]));
	}
	memset(bytes, 'a', MILLION);
	digest_by(bytes, MILLION, &digest);
	digest_format_hex(&digest, hex);
	is_str(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
		"%s: a million times \"a\"", by->name);
}

/* Padding starts another block at 56 and at 120. In one go, byte by byte, and cut in two at every
 * place. */
static void every_short_length(uint64_t *random)
{
	unsigned long long compared = 0, wrong = 0;
	random_fill(random, bytes, SHORT_LENGTHS);
	for (size_t size = 0; size < SHORT_LENGTHS; size++) {
		struct digest digest;
		struct sha256 hash;
		digest_by(bytes, size, &digest);
		wrong += !agrees(&digest, size);
		sha256_start_with(&hash, by);
		for (size_t i = 0; i < size; i++)
			sha256_update(&hash, bytes + i, 1);
		sha256_finish(&hash, &digest);
		wrong += !agrees(&digest, size);
		compared += 2;
		for (size_t cut = 0; cut <= size; cut++) {
			sha256_start_with(&hash, by);
			sha256_update(&hash, bytes, cut);
			sha256_update(&hash, bytes + cut, size - cut);
			sha256_finish(&hash, &digest);
			wrong += !agrees(&digest, size);
			compared++;
		}
	}
	is_int((long long)wrong, 0, "%s: lengths 0 to %d: %llu digests, 0 differ", by->name,
		SHORT_LENGTHS - 1, compared);
}

static size_t random_size(uint64_t *random, size_t most)
{
	size_t size = random_below(random, most + 1) >> random_below(random, 18);
	return random_below(random, 2) == 0 ? size : size & ~(size_t)63;
}

/* sha256_finish() leaves the state alone: it is asked on the way, too. */
static void random_portions(const struct count *count)
{
	unsigned long long portions = 0, compared = 0, wrong = 0;
	for (unsigned long long i = 0; i < count->cases; i++) {
		uint64_t random = count_seed(count, i);
		size_t size = random_size(&random, LONGEST), at = 0;
		struct digest digest;
		struct sha256 hash;
		random_fill(&random, bytes + random_below(&random, LONGEST), 64);
		sha256_start_with(&hash, by);
		for (; at < size; portions++) {
			size_t portion = random_size(&random, size - at);
			sha256_update(&hash, bytes + at, portion);
			at += portion;
			if (random_below(&random, 16) == 0) {
				sha256_finish(&hash, &digest);
				wrong += !agrees(&digest, at);
				compared++;
			}
		}
		sha256_finish(&hash, &digest);
		wrong += !agrees(&digest, size);
		compared++;
	}
	is_int((long long)wrong, 0, "%s: %llu messages in %llu portions: %llu digests, 0 differ",
		by->name, count->cases, portions, compared);
}

int main(void)
{
	struct count count = count_from_environment();
	uint64_t random = count.seed;
	for (by = sha256_implementations; by->name != NULL; by++) {
		if (!by->usable()) {
			printf("# %s: this CPU lacks it, so nothing is compared\n", by->name);
			continue;
		}
		nist_s_examples();
		every_short_length(&random);
		random_portions(&count);
	}
	return done();
}

/* layers/sha256*.c: every implementation that this CPU can use, held to NIST's vectors and to a
 * plain reference; and which one is taken. With an argument, the one of that name must be usable:
 * where it is known to be, a CPU that is taken for a lesser one is a failure. */
#include <pthread.h>
#include <stdlib.h>

#include "digest.h"
#include "hex.h"
#include "random.h"
#include "sha256_reference.h"
#include "tap.h"

enum { LENGTHS = 301, ALIGNMENTS = 16, MILLION = 1000000 };

/* One more reference for each of the lengths, all of the same random bytes. */
static uint8_t message[LENGTHS];
static struct digest expected[LENGTHS];

static void prepare(void)
{
	uint64_t random = 256;
	random_fill(&random, message, sizeof message);
	for (size_t size = 0; size < LENGTHS; size++)
		reference_sha256(message, size, expected[size].bytes);
}

static void hash_with(const struct sha256_implementation *by, const void *data, size_t size_bytes,
	struct digest *out)
{
	struct sha256 hash;
	sha256_start_with(&hash, by);
	sha256_update(&hash, data, size_bytes);
	sha256_finish(&hash, out);
}

static bool is_hex(const struct digest *digest, const char *hex)
{
	char text[DIGEST_HEX + 1];
	digest_format_hex(digest, text);
	if (strcmp(text, hex) == 0)
		return true;
	printf("#  got: %s\n# want: %s\n", text, hex);
	return false;
}

/* FIPS 180-2, B.1 and B.2; SHAVS, SHA256ShortMsg.rsp and SHA256LongMsg.rsp. */
static void nist_s_messages(const struct sha256_implementation *by)
{
	static const char *const rows[][2] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"616263", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"6162636462636465636465666465666765666768666768696768696a68696a6b696a6b6c6a6b6c6d"
		 "6b6c6d6e6c6d6e6f6d6e6f706e6f7071",
			"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
		{"d3", "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1"},
		{"11af", "5ca7133fa735326081558ac312c620eeca9970d1e70a4b95533d956f072d1f98"},
		{"b4190e", "dff2e73091f6c05e528896c4c831b9448653dc2ff043528f6769437bc7b975c2"},
		{"74ba2521", "b16aa56be3880d18cd41e68384cf1ec8c17680c45a02b1575dc1518923ae8b0e"},
		{"c299209682", "f0887fe961c9cd3beab957e8222494abb969b1ce4c6557976df8b0f6d20e9166"},
		{"451101250ec6f26652249d59dc974b7361d571a8101cdfd36aba3b5854d3ae086b5fdd4597721b66"
		 "e3c0dc5d8c606d9657d0e323283a5217d1f53f2f284f57b85c8a61ac8924711f895c5ed90ef17745"
		 "ed2d728abd22a5f7a13479a462d71b56c19a74a40b655c58edfe0a188ad2cf46cbf30524f65d423c"
		 "837dd1ff2bf462ac4198007345bb44dbb7b1c861298cdf61982a833afc728fae1eda2f87aa2c9480"
		 "858bec",
			"3c593aa539fdcdae516cdf2f15000f6634185c88f505b39775fb9ab137a10aa2"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t bytes[256];
		struct digest digest;
		size_t size = strlen(rows[i][0]) / 2;
		from_hex(rows[i][0], bytes);
		hash_with(by, bytes, size, &digest);
		ok(is_hex(&digest, rows[i][1]), "%s: NIST's message of %zu bytes", by->name, size);
	}
}

/* FIPS 180-2, B.3, and NIST's additional messages for SHA-256, of one byte repeated. */
static void nist_s_repeated_bytes(const struct sha256_implementation *by)
{
	static const struct {
		size_t size_bytes;
		uint8_t byte;
		const char *hex;
	} rows[] = {
		{MILLION, 'a', "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
		{1, 0xbd, "68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b"},
		{55, 0, "02779466cdec163811d078815c633f21901413081449002f24aa3e80f0b88ef7"},
		{56, 0, "d4817aa5497628e7c77e6b606107042bbba3130888c5f47a375e6179be789fbb"},
		{57, 0, "65a16cb7861335d5ace3c60718b5052e44660726da4cd13bb745381b235a1785"},
		{64, 0, "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b"},
		{1000, 0, "541b3e9daa09b20bf85fa273e5cbd3e80185aa4ec298e765db87742b70138a53"},
		{1000, 'A', "c2e686823489ced2017f6059b8b239318b6364f6dcd835d0a519105a1eadd6e4"},
		{1005, 'U', "f4d62ddec0f3dd90ea1380fa16a5ff8dc4c54b21740650f24afc4120903552b0"},
		{MILLION, 0, "d29751f2649b32ff572b5e0a9f541ea660a50f94ff0beedfb0b692b924cc8025"},
	};
	uint8_t *bytes = malloc(MILLION);
	if (bytes == NULL)
		abort();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct digest digest;
		memset(bytes, rows[i].byte, rows[i].size_bytes);
		hash_with(by, bytes, rows[i].size_bytes, &digest);
		ok(is_hex(&digest, rows[i].hex), "%s: %zu times 0x%02x", by->name,
			rows[i].size_bytes, rows[i].byte);
	}
	free(bytes);
}

/* SHAVS, 6.4, with the seed of SHA256Monte.rsp: counts 0 and 99 of 100. */
static void nist_s_monte_carlo(const struct sha256_implementation *by)
{
	struct digest seed, three[3];
	from_hex("6d1e72ad03ddeb5de891e572e2396f8da015d899ef0e79503152d6010a3fe691", seed.bytes);
	for (int count = 0; count < 100; count++) {
		three[0] = three[1] = three[2] = seed;
		for (int i = 0; i < 1000; i++) {
			struct digest next;
			hash_with(by, three, sizeof three, &next);
			three[0] = three[1];
			three[1] = three[2];
			three[2] = next;
		}
		seed = three[2];
		if (count == 0)
			ok(is_hex(&seed, "e93c330ae5447738c8aa85d71a6c80f2a58381d05872d26bdd39f1fcd"
					 "4f2b788"),
				"%s: Monte Carlo, count 0", by->name);
	}
	ok(is_hex(&seed, "6a912ba4188391a78e6f13d88ed2d14e13afce9db6f7dcbf4a48c24f3db02778"),
		"%s: Monte Carlo, count 99", by->name);
}

/* Each in memory that ends with it, so that the sanitizer sees a byte too many. */
static void every_length_at_every_alignment(const struct sha256_implementation *by)
{
	int wrong = 0;
	for (size_t size = 0; size < LENGTHS; size++) {
		for (size_t alignment = 0; alignment < ALIGNMENTS; alignment++) {
			uint8_t *memory = malloc(alignment + size + 1);
			struct digest digest;
			if (memory == NULL)
				abort();
			memcpy(memory + 1 + alignment, message, size);
			hash_with(by, memory + 1 + alignment, size, &digest);
			wrong += !digest_equal(&digest, &expected[size]);
			free(memory);
		}
	}
	is_int(wrong, 0, "%s: lengths 0 to %d at %d alignments", by->name, LENGTHS - 1, ALIGNMENTS);
}

static void every_cut(const struct sha256_implementation *by)
{
	int wrong = 0;
	for (size_t size = 0; size < LENGTHS; size++) {
		for (size_t cut = 0; cut <= size; cut++) {
			struct digest half, whole;
			struct sha256 hash;
			sha256_start_with(&hash, by);
			sha256_update(&hash, message, cut);
			sha256_finish(&hash, &half);
			sha256_update(&hash, message + cut, size - cut);
			sha256_finish(&hash, &whole);
			wrong += !digest_equal(&half, &expected[cut]);
			wrong += !digest_equal(&whole, &expected[size]);
		}
	}
	is_int(wrong, 0, "%s: lengths 0 to %d cut in two everywhere, the first asked for as well",
		by->name, LENGTHS - 1);
	wrong = 0;
	for (size_t from = 0; from < LENGTHS; from++) {
		for (size_t to = from; to < LENGTHS; to++) {
			struct digest digest;
			struct sha256 hash;
			sha256_start_with(&hash, by);
			sha256_update(&hash, message, from);
			sha256_update(&hash, message + from, to - from);
			sha256_update(&hash, message + to, LENGTHS - 1 - to);
			sha256_finish(&hash, &digest);
			wrong += !digest_equal(&digest, &expected[LENGTHS - 1]);
		}
	}
	is_int(wrong, 0, "%s: %d bytes cut in three everywhere", by->name, LENGTHS - 1);
}

static void every_portion(const struct sha256_implementation *by)
{
	int wrong = 0;
	for (size_t portion = 1; portion < LENGTHS; portion++) {
		for (size_t size = 0; size < LENGTHS; size++) {
			struct digest digest;
			struct sha256 hash;
			sha256_start_with(&hash, by);
			for (size_t at = 0; at < size; at += portion)
				sha256_update(&hash, message + at,
					size - at < portion ? size - at : portion);
			sha256_update(&hash, NULL, 0);
			sha256_finish(&hash, &digest);
			wrong += !digest_equal(&digest, &expected[size]);
		}
	}
	is_int(wrong, 0, "%s: lengths 0 to %d in portions of 1 to %d, then nothing from nowhere",
		by->name, LENGTHS - 1, LENGTHS - 1);
}

/* From states and over blocks that a message could not lead to in a test's time; the ends of the
 * vectors' lanes. */
static void blocks_as_the_reference(const struct sha256_implementation *by)
{
	static uint8_t data[16 * SHA256_BLOCK_BYTES];
	uint64_t random = 180;
	int wrong = 0;
	for (int i = 0; i < 1000; i++) {
		uint32_t ours[SHA256_STATE_WORDS], theirs[SHA256_STATE_WORDS];
		size_t blocks = random_below(&random, 17);
		random_fill(&random, ours, sizeof ours);
		random_fill(&random, data, sizeof data);
		if (i % 10 == 0)
			memset(data, i % 20 == 0 ? 0xff : 0, sizeof data);
		memcpy(theirs, ours, sizeof ours);
		by->blocks(ours, data, blocks);
		reference_blocks(theirs, data, blocks);
		wrong += memcmp(ours, theirs, sizeof ours) != 0;
	}
	is_int(wrong, 0, "%s: 1000 states over 0 to 16 blocks", by->name);
}

/* The length has 64 bits. What stands before the end need not be hashed to see that. */
static void long_messages(const struct sha256_implementation *by)
{
	static const uint64_t before[] = {1 << 20, UINT64_C(1) << 29, (UINT64_C(1) << 32) - 64,
		UINT64_C(1) << 32, UINT64_C(0x0123456789abcdc0), (UINT64_C(1) << 61) - 128};
	for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
		uint32_t state[SHA256_STATE_WORDS];
		struct digest ours, theirs;
		struct sha256 hash;
		sha256_start_with(&hash, by);
		memcpy(state, hash.state, sizeof state);
		hash.size_bytes = before[i];
		sha256_update(&hash, message, 61);
		sha256_finish(&hash, &ours);
		reference_end(state, before[i], message, 61, theirs.bytes);
		ok(digest_equal(&ours, &theirs), "%s: the end of a message of 0x%llx bytes",
			by->name, (unsigned long long)before[i] + 61);
	}
}

static bool yes(void)
{
	return true;
}

static bool no(void)
{
	return false;
}

static void the_first_that_is_usable_is_chosen(void)
{
	static const struct sha256_implementation table[] = {{"first", no, NULL},
		{"second", no, NULL}, {"third", yes, NULL}, {"last", yes, NULL}};
	is_str(sha256_choose(table)->name, "third", "what the CPU lacks is passed over");
	is_str(sha256_choose(table + 3)->name, "last", "the only one");

	const struct sha256_implementation *one = sha256_implementations;
	while (!one->usable())
		one++;
	struct sha256 hash;
	sha256_start(&hash);
	is_str(sha256_implementation(), one->name,
		"the fastest that is usable here has its name told");
	ok(hash.blocks == one->blocks, "and is the one that is taken");
	while (one[1].name != NULL)
		one++;
	is_str(one->name, "BearSSL", "the last is for every CPU");
	ok(one->usable(), "and usable");
}

static void *hash_many_times(void *wrong)
{
	for (size_t i = 0; i < 2000; i++) {
		struct digest digest;
		digest_of(message, i % LENGTHS, &digest);
		*(int *)wrong += !digest_equal(&digest, &expected[i % LENGTHS]);
	}
	return NULL;
}

/* Run before anything else has made the choice. */
static void threads_hash_at_once(void)
{
	enum { THREADS = 8 };
	pthread_t threads[THREADS];
	int wrong[THREADS] = {0}, sum = 0;
	for (size_t i = 0; i < THREADS; i++) {
		if (pthread_create(&threads[i], NULL, hash_many_times, &wrong[i]) != 0)
			abort();
	}
	for (size_t i = 0; i < THREADS; i++) {
		(void)pthread_join(threads[i], NULL);
		sum += wrong[i];
	}
	is_int(sum, 0, "%d threads choose and hash at once", THREADS);
}

#ifdef __x86_64__

static bool kernel_has(const char *flag)
{
	char line[8192], word[32];
	bool found = false;
	FILE *file = fopen("/proc/cpuinfo", "r");
	if (file == NULL)
		abort();
	(void)snprintf(word, sizeof word, " %s ", flag);
	while (!found && fgets(line, sizeof line, file) != NULL) {
		line[strcspn(line, "\n")] = ' ';
		found = strncmp(line, "flags", 5) == 0 && strstr(line, word) != NULL;
	}
	(void)fclose(file);
	return found;
}

/* Intel's manual, volume 2, CPUID: leaf 1, ECX, bits 9 (SSSE3) and 19 (SSE4.1); leaf 7, EBX, bit 29
 * (SHA). */
static void cpuid_is_read_as_the_manual_says(void)
{
	const uint32_t ssse3 = 1u << 9, sse4_1 = 1u << 19, sha = 1u << 29;
	ok(sha256_x86_has(ssse3 | sse4_1, sha), "SHA, SSSE3 and SSE4.1 are what it takes");
	ok(sha256_x86_has(UINT32_MAX, UINT32_MAX), "more does no harm");
	ok(!sha256_x86_has(UINT32_MAX, ~sha), "without SHA it does not work");
	ok(!sha256_x86_has(~ssse3, sha), "nor without SSSE3");
	ok(!sha256_x86_has(~sse4_1, sha), "nor without SSE4.1");
	ok(!sha256_x86_has(0, 0), "nor on a CPU with nothing");
	ok(sha256_x86_usable() ==
			(kernel_has("sha_ni") && kernel_has("ssse3") && kernel_has("sse4_1")),
		"this CPU is seen as the kernel sees it");
}

#else

static void cpuid_is_read_as_the_manual_says(void)
{
}

#endif

int main(int argc, char **argv)
{
	bool there = false;
	prepare();
	threads_hash_at_once();
	the_first_that_is_usable_is_chosen();
	cpuid_is_read_as_the_manual_says();
	for (const struct sha256_implementation *by = sha256_implementations; by->name; by++) {
		if (!by->usable()) {
			printf("# %s: this CPU lacks it, so nothing is said of it here\n",
				by->name);
			continue;
		}
		there = there || (argc > 1 && strcmp(by->name, argv[1]) == 0);
		nist_s_messages(by);
		nist_s_repeated_bytes(by);
		nist_s_monte_carlo(by);
		every_length_at_every_alignment(by);
		every_cut(by);
		every_portion(by);
		blocks_as_the_reference(by);
		long_messages(by);
	}
	if (argc > 1)
		ok(there, "%s is usable here", argv[1]);
	return done();
}

#include "sha256.h"

#include <endian.h>
#include <stdatomic.h>
#include <string.h>

#include "digest.h"

enum { LENGTH_BYTES = 8 };

static bool always(void)
{
	return true;
}

const struct sha256_implementation sha256_implementations[] = {
#if defined __x86_64__
	{"SHA-NI", sha256_x86_usable, sha256_blocks_x86},
#elif defined __aarch64__ && defined __AARCH64EL__
	{"ARMv8-SHA2", sha256_arm_usable, sha256_blocks_arm},
#endif
	{"BearSSL", always, sha256_blocks_bearssl},
	{NULL, NULL, NULL},
};

const struct sha256_implementation *sha256_choose(const struct sha256_implementation *table)
{
	while (!table->usable())
		table++;
	return table;
}

/* Threads that come here at once find the same, so no order is needed between them. To ask the CPU
 * each time is no choice: under a hypervisor CPUID takes microseconds. */
static const struct sha256_implementation *chosen(void)
{
	static const struct sha256_implementation *_Atomic kept;
	const struct sha256_implementation *found =
		atomic_load_explicit(&kept, memory_order_relaxed);
	if (found == NULL) {
		found = sha256_choose(sha256_implementations);
		atomic_store_explicit(&kept, found, memory_order_relaxed);
	}
	return found;
}

const char *sha256_implementation(void)
{
	return chosen()->name;
}

void sha256_start_with(struct sha256 *hash, const struct sha256_implementation *implementation)
{
	/* FIPS 180-4, 5.3.3 */
	static const uint32_t initial[SHA256_STATE_WORDS] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372,
		0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
	hash->blocks = implementation->blocks;
	hash->size_bytes = 0;
	memcpy(hash->state, initial, sizeof hash->state);
}

void sha256_start(struct sha256 *hash)
{
	sha256_start_with(hash, chosen());
}

void sha256_update(struct sha256 *hash, const void *data, size_t size_bytes)
{
	const uint8_t *bytes = data;
	size_t kept = hash->size_bytes % SHA256_BLOCK_BYTES, missing = SHA256_BLOCK_BYTES - kept;
	if (size_bytes == 0)
		return; /* `data` may be NULL then */
	hash->size_bytes += size_bytes;
	if (size_bytes < missing) {
		memcpy(hash->kept + kept, bytes, size_bytes);
		return;
	}
	if (kept > 0) {
		memcpy(hash->kept + kept, bytes, missing);
		hash->blocks(hash->state, hash->kept, 1);
		bytes += missing;
		size_bytes -= missing;
	}
	size_t rest = size_bytes % SHA256_BLOCK_BYTES;
	hash->blocks(hash->state, bytes, size_bytes / SHA256_BLOCK_BYTES);
	memcpy(hash->kept, bytes + size_bytes - rest, rest);
}

/* FIPS 180-4, 5.1.1: a bit that is set, then zeros up to the length in bits, which ends a block. */
void sha256_finish(const struct sha256 *hash, struct digest *out)
{
	uint8_t end[2 * SHA256_BLOCK_BYTES] = {0};
	uint32_t state[SHA256_STATE_WORDS];
	size_t kept = hash->size_bytes % SHA256_BLOCK_BYTES;
	size_t blocks = kept + 1 + LENGTH_BYTES > SHA256_BLOCK_BYTES ? 2 : 1;
	uint64_t length = htobe64(hash->size_bytes * 8);
	memcpy(state, hash->state, sizeof state);
	memcpy(end, hash->kept, kept);
	end[kept] = 0x80;
	memcpy(end + blocks * SHA256_BLOCK_BYTES - LENGTH_BYTES, &length, LENGTH_BYTES);
	hash->blocks(state, end, blocks);
	for (size_t i = 0; i < SHA256_STATE_WORDS; i++)
		state[i] = htobe32(state[i]);
	memcpy(out->bytes, state, DIGEST_BYTES);
}

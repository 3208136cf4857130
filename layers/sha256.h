/* SHA-256's compression function, once for each kind of CPU, behind digest.h. Only those that
 * choose, measure or compare implementations need this header. */
#ifndef PLYBOOT_SHA256_H
#define PLYBOOT_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sha256;

enum { SHA256_BLOCK_BYTES = 64, SHA256_STATE_WORDS = 8 };

/* Take `blocks` times 64 bytes, at any address, into the state (FIPS 180-4, 6.2.2). */
typedef void sha256_blocks(uint32_t state[SHA256_STATE_WORDS], const uint8_t *data, size_t blocks);

struct sha256_implementation {
	const char *name;
	bool (*usable)(void); /* by this CPU */
	sha256_blocks *blocks;
};

/* All that were compiled in, the fastest first; then one whose name is NULL. The last with a name
 * is BearSSL's, which every CPU can use. */
extern const struct sha256_implementation sha256_implementations[];

/* The first of such a table that this CPU can use; there must be one. */
const struct sha256_implementation *sha256_choose(const struct sha256_implementation *table);

/* The name of the one that sha256_start() takes. It is chosen once; any thread may be the first to
 * ask. */
const char *sha256_implementation(void);

/* sha256_start() with an implementation that is usable here. */
void sha256_start_with(struct sha256 *hash, const struct sha256_implementation *implementation);

sha256_blocks sha256_blocks_bearssl;

#if defined __x86_64__
/* Intel's SHA extensions. `usable` is what CPUID says, `has` what follows from leaf 1's ECX and
 * leaf 7's EBX. */
sha256_blocks sha256_blocks_x86;
bool sha256_x86_usable(void);
bool sha256_x86_has(uint32_t leaf_1_ecx, uint32_t leaf_7_ebx);
#elif defined __aarch64__ && defined __AARCH64EL__
/* ARMv8's cryptographic extension, where the kernel says HWCAP_SHA2. */
sha256_blocks sha256_blocks_arm;
bool sha256_arm_usable(void);
#endif

#endif

/* SHA-256 by ARMv8's cryptographic extension, in 64-bit mode. */
#include "sha256.h"

#if defined __aarch64__ && defined __AARCH64EL__

#include <arm_neon.h>
#include <sys/auxv.h>

#include "sha256_constants.h"

/* What these need is known to be there when they run, and to the compiler here only. */
#define SHA2 __attribute__((target("+crypto")))
#define SHA2_INLINE static inline __attribute__((always_inline, target("+crypto")))

bool sha256_arm_usable(void)
{
	return (getauxval(AT_HWCAP) & HWCAP_SHA2) != 0;
}

struct state {
	uint32x4_t abcd, efgh;
};

SHA2_INLINE uint32x4_t load_words(const uint8_t *data)
{
	return vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(data)));
}

/* Words 16 to 19 of the message schedule from words 0 to 15, and so on. */
SHA2_INLINE uint32x4_t schedule(uint32x4_t w0, uint32x4_t w4, uint32x4_t w8, uint32x4_t w12)
{
	return vsha256su1q_u32(vsha256su0q_u32(w0, w4), w8, w12);
}

SHA2_INLINE void four_rounds(struct state *state, uint32x4_t words, const uint32_t *constants)
{
	uint32x4_t sum = vaddq_u32(words, vld1q_u32(constants)), abcd = state->abcd;
	state->abcd = vsha256hq_u32(abcd, state->efgh, sum);
	state->efgh = vsha256h2q_u32(state->efgh, abcd, sum);
}

SHA2_INLINE void one_block(struct state *state, const uint8_t *data)
{
	struct state before = *state;
	uint32x4_t w0 = load_words(data), w4 = load_words(data + 16);
	uint32x4_t w8 = load_words(data + 32), w12 = load_words(data + 48);
	const uint32_t *k = sha256_constants;
	four_rounds(state, w0, k);
	four_rounds(state, w4, k + 4);
	four_rounds(state, w8, k + 8);
	four_rounds(state, w12, k + 12);
	for (int i = 16; i < 64; i += 16) {
		w0 = schedule(w0, w4, w8, w12);
		four_rounds(state, w0, k + i);
		w4 = schedule(w4, w8, w12, w0);
		four_rounds(state, w4, k + i + 4);
		w8 = schedule(w8, w12, w0, w4);
		four_rounds(state, w8, k + i + 8);
		w12 = schedule(w12, w0, w4, w8);
		four_rounds(state, w12, k + i + 12);
	}
	state->abcd = vaddq_u32(state->abcd, before.abcd);
	state->efgh = vaddq_u32(state->efgh, before.efgh);
}

SHA2 void sha256_blocks_arm(uint32_t words[SHA256_STATE_WORDS], const uint8_t *data, size_t blocks)
{
	struct state state = {.abcd = vld1q_u32(words), .efgh = vld1q_u32(words + 4)};
	for (; blocks > 0; blocks--, data += SHA256_BLOCK_BYTES)
		one_block(&state, data);
	vst1q_u32(words, state.abcd);
	vst1q_u32(words + 4, state.efgh);
}

#endif

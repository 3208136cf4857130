/* SHA-256 by Intel's SHA extensions, which AMD has since Zen. */
#include "sha256.h"

#ifdef __x86_64__

#include <cpuid.h>
#include <immintrin.h>

#include "sha256_constants.h"

/* What these need is known to be there when they run, and to the compiler here only. */
#define SHA_NI __attribute__((target("sha,ssse3,sse4.1")))
#define SHA_NI_INLINE static inline __attribute__((always_inline, target("sha,ssse3,sse4.1")))

bool sha256_x86_has(uint32_t leaf_1_ecx, uint32_t leaf_7_ebx)
{
	const uint32_t shuffles = bit_SSSE3 | bit_SSE4_1;
	return (leaf_7_ebx & bit_SHA) != 0 && (leaf_1_ecx & shuffles) == shuffles;
}

bool sha256_x86_usable(void)
{
	unsigned eax, ebx, edx, leaf_1_ecx = 0, leaf_7_ebx = 0, leaf_7_ecx;
	/* A leaf that the CPU doesn't have leaves them at 0. */
	(void)__get_cpuid(1, &eax, &ebx, &leaf_1_ecx, &edx);
	(void)__get_cpuid_count(7, 0, &eax, &leaf_7_ebx, &leaf_7_ecx, &edx);
	return sha256_x86_has(leaf_1_ecx, leaf_7_ebx);
}

/* The words a to h in the order that the instructions take them in. */
struct state {
	__m128i abef, cdgh;
};

SHA_NI_INLINE struct state load_state(const uint32_t words[SHA256_STATE_WORDS])
{
	const __m128i *vectors = (const __m128i *)words;
	__m128i badc = _mm_shuffle_epi32(_mm_loadu_si128(vectors), 0xb1);
	__m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128(vectors + 1), 0x1b);
	return (struct state){
		.abef = _mm_alignr_epi8(badc, hgfe, 8),
		.cdgh = _mm_blend_epi16(hgfe, badc, 0xf0),
	};
}

SHA_NI_INLINE void store_state(uint32_t words[SHA256_STATE_WORDS], struct state state)
{
	__m128i *vectors = (__m128i *)words;
	__m128i feba = _mm_shuffle_epi32(state.abef, 0x1b);
	__m128i dchg = _mm_shuffle_epi32(state.cdgh, 0xb1);
	_mm_storeu_si128(vectors, _mm_blend_epi16(feba, dchg, 0xf0));
	_mm_storeu_si128(vectors + 1, _mm_alignr_epi8(dchg, feba, 8));
}

SHA_NI_INLINE __m128i load_words(const uint8_t *data)
{
	const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)data), swap);
}

/* Words 16 to 19 of the message schedule from words 0 to 15, and so on. */
SHA_NI_INLINE __m128i schedule(__m128i w0, __m128i w4, __m128i w8, __m128i w12)
{
	__m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w4), _mm_alignr_epi8(w12, w8, 4));
	return _mm_sha256msg2_epu32(sum, w12);
}

SHA_NI_INLINE void four_rounds(struct state *state, __m128i words, const uint32_t *constants)
{
	__m128i sum = _mm_add_epi32(words, _mm_load_si128((const __m128i *)constants));
	state->cdgh = _mm_sha256rnds2_epu32(state->cdgh, state->abef, sum);
	sum = _mm_shuffle_epi32(sum, 0x0e);
	state->abef = _mm_sha256rnds2_epu32(state->abef, state->cdgh, sum);
}

SHA_NI_INLINE void one_block(struct state *state, const uint8_t *data)
{
	struct state before = *state;
	__m128i w0 = load_words(data), w4 = load_words(data + 16);
	__m128i w8 = load_words(data + 32), w12 = load_words(data + 48);
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
	state->abef = _mm_add_epi32(state->abef, before.abef);
	state->cdgh = _mm_add_epi32(state->cdgh, before.cdgh);
}

SHA_NI void sha256_blocks_x86(
	uint32_t words[SHA256_STATE_WORDS], const uint8_t *data, size_t blocks)
{
	struct state state = load_state(words);
	for (; blocks > 0; blocks--, data += SHA256_BLOCK_BYTES)
		one_block(&state, data);
	store_state(words, state);
}

#endif

/* Numbers that look random and are the same in each run: splitmix64. */
#ifndef PLYBOOT_TEST_RANDOM_H
#define PLYBOOT_TEST_RANDOM_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t random_u64(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* 0 .. below-1 */
static inline uint64_t random_below(uint64_t *state, uint64_t below)
{
	return random_u64(state) % below;
}

static inline void random_fill(uint64_t *state, void *out, size_t size_bytes)
{
	for (size_t i = 0; i < size_bytes; i++)
		((uint8_t *)out)[i] = (uint8_t)random_u64(state);
}

#endif

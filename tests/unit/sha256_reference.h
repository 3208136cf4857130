/* SHA-256 as FIPS 180-4 puts it, one line of the standard a line, without a thought to speed: what
 * the implementations are compared with. */
#ifndef PLYBOOT_TEST_SHA256_REFERENCE_H
#define PLYBOOT_TEST_SHA256_REFERENCE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t reference_rotr(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

/* 4.2.2: the first 32 bits of the fractional part of the cube root of a prime, found by trying. */
static inline uint32_t reference_constant(unsigned prime)
{
	uint64_t root = 0; /* times 2^32 */
	for (uint64_t bit = UINT64_C(1) << 35; bit > 0; bit >>= 1) {
		uint64_t x = root | bit;
		if ((unsigned __int128)x * x * x < (unsigned __int128)prime << 96)
			root = x;
	}
	return (uint32_t)root;
}

static inline const uint32_t *reference_constants(void)
{
	static uint32_t constants[64];
	unsigned prime = 2;
	for (size_t i = 0; constants[63] == 0; prime++) {
		unsigned divisor = 2;
		while (prime % divisor != 0)
			divisor++;
		if (divisor == prime)
			constants[i++] = reference_constant(prime);
	}
	return constants;
}

/* 6.2.2 */
static inline void reference_block(uint32_t h[8], const uint8_t *m)
{
	const uint32_t *k = reference_constants();
	uint32_t w[64], v[8];
	for (size_t t = 0; t < 16; t++)
		w[t] = (uint32_t)m[4 * t] << 24 | (uint32_t)m[4 * t + 1] << 16 |
		       (uint32_t)m[4 * t + 2] << 8 | m[4 * t + 3];
	for (size_t t = 16; t < 64; t++) {
		uint32_t x = w[t - 2], y = w[t - 15];
		w[t] = (reference_rotr(x, 17) ^ reference_rotr(x, 19) ^ x >> 10) + w[t - 7] +
		       (reference_rotr(y, 7) ^ reference_rotr(y, 18) ^ y >> 3) + w[t - 16];
	}
	memcpy(v, h, sizeof v);
	for (size_t t = 0; t < 64; t++) {
		uint32_t a = v[0], e = v[4];
		uint32_t t1 =
			v[7] + k[t] + w[t] + ((e & v[5]) ^ (~e & v[6])) +
			(reference_rotr(e, 6) ^ reference_rotr(e, 11) ^ reference_rotr(e, 25));
		uint32_t t2 =
			((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2])) +
			(reference_rotr(a, 2) ^ reference_rotr(a, 13) ^ reference_rotr(a, 22));
		memmove(v + 1, v, 7 * sizeof *v);
		v[4] += t1;
		v[0] = t1 + t2;
	}
	for (size_t i = 0; i < 8; i++)
		h[i] += v[i];
}

static inline void reference_blocks(uint32_t h[8], const uint8_t *data, size_t blocks)
{
	for (size_t i = 0; i < blocks; i++)
		reference_block(h, data + 64 * i);
}

/* 5.1.1: what is padded is the end of a message, after `before` bytes (a multiple of 64) whose
 * state is `h`. */
static inline void reference_end(
	uint32_t h[8], uint64_t before, const uint8_t *data, size_t size_bytes, uint8_t out[32])
{
	uint64_t bits = (before + size_bytes) * 8;
	uint8_t block[64];
	size_t at = 0, padded = (size_bytes + 9 + 63) / 64 * 64;
	for (; at < padded; at++) {
		uint8_t byte = 0;
		if (at < size_bytes)
			byte = data[at];
		else if (at == size_bytes)
			byte = 0x80;
		else if (at >= padded - 8)
			byte = (uint8_t)(bits >> (padded - 1 - at) * 8);
		block[at % 64] = byte;
		if (at % 64 == 63)
			reference_block(h, block);
	}
	for (size_t i = 0; i < 32; i++)
		out[i] = (uint8_t)(h[i / 4] >> (24 - i % 4 * 8));
}

/* 5.3.3 and 6.2 */
static inline void reference_sha256(const uint8_t *data, size_t size_bytes, uint8_t out[32])
{
	uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
		0x1f83d9ab, 0x5be0cd19};
	reference_end(h, 0, data, size_bytes, out);
}

#endif

/* Numbers in our binary formats. */
#ifndef PLYBOOT_LITTLE_ENDIAN_H
#define PLYBOOT_LITTLE_ENDIAN_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t get_little_endian(const uint8_t *bytes, size_t size_bytes)
{
	uint64_t value = 0;
	for (size_t i = size_bytes; i-- > 0;)
		value = value << 8 | bytes[i];
	return value;
}

static inline void put_little_endian(uint8_t *bytes, size_t size_bytes, uint64_t value)
{
	for (size_t i = 0; i < size_bytes; i++, value >>= 8)
		bytes[i] = (uint8_t)value;
}

static inline uint64_t get_u64(const uint8_t *bytes)
{
	return get_little_endian(bytes, 8);
}

static inline uint32_t get_u32(const uint8_t *bytes)
{
	return (uint32_t)get_little_endian(bytes, 4);
}

static inline void put_u64(uint8_t *bytes, uint64_t value)
{
	put_little_endian(bytes, 8, value);
}

static inline void put_u32(uint8_t *bytes, uint32_t value)
{
	put_little_endian(bytes, 4, value);
}

#endif

/* SHA-256 by BearSSL's code, for any CPU. */
#include "sha256.h"

#include <endian.h>

#include <bearssl.h>

/* BearSSL's interface carries the state as bytes, big-endian. */
void sha256_blocks_bearssl(uint32_t state[SHA256_STATE_WORDS], const uint8_t *data, size_t blocks)
{
	br_sha256_context context;
	uint32_t bytes[SHA256_STATE_WORDS];
	for (size_t i = 0; i < SHA256_STATE_WORDS; i++)
		bytes[i] = htobe32(state[i]);
	br_sha256_init(&context);
	br_sha256_set_state(&context, bytes, 0);
	br_sha256_update(&context, data, blocks * SHA256_BLOCK_BYTES);
	(void)br_sha256_state(&context, bytes);
	for (size_t i = 0; i < SHA256_STATE_WORDS; i++)
		state[i] = be32toh(bytes[i]);
}

/* SHA-256 (FIPS 180-4) digests and their one textual form, "sha256:" and 64 lower-case hex digits,
 * as in the OCI image specification. */
#ifndef PLYBOOT_DIGEST_H
#define PLYBOOT_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sha256.h"

enum { DIGEST_BYTES = 32, DIGEST_HEX = 64, DIGEST_TEXT_SIZE = 7 + 64 + 1 };

struct digest {
	uint8_t bytes[DIGEST_BYTES];
};

/* Incremental hashing, by what is fastest on this CPU (sha256.h). The context needs no cleanup and
 * may be copied; any number of threads may hash, each with its own. `data` may be NULL where there
 * are 0 bytes. After sha256_finish() more can be added. */
struct sha256 {
	sha256_blocks *blocks;
	uint64_t size_bytes; /* so far */
	uint32_t state[SHA256_STATE_WORDS];
	uint8_t kept[SHA256_BLOCK_BYTES]; /* the start of a block that is not complete */
};
void sha256_start(struct sha256 *hash);
void sha256_update(struct sha256 *hash, const void *data, size_t size_bytes);
void sha256_finish(const struct sha256 *hash, struct digest *out);

/* The digest of one buffer. */
void digest_of(const void *data, size_t size_bytes, struct digest *out);

bool digest_equal(const struct digest *a, const struct digest *b);

/* Write "sha256:<hex>" or only "<hex>", NUL-terminated. */
void digest_format(const struct digest *digest, char out[DIGEST_TEXT_SIZE]);
void digest_format_hex(const struct digest *digest, char out[DIGEST_HEX + 1]);

/* Parse exactly `length` bytes of text; false (and `out` untouched) for anything but the one form.
 */
bool digest_parse(const char *text, size_t length, struct digest *out);
bool digest_parse_hex(const char *text, size_t length, struct digest *out);

#endif

/*
 * Bytes that have been checked against a digest or a signature, as a type.
 *
 * Parsers take a `const struct verified *`. Only the verifier can make one: the structure is
 * defined in verified_private.h, which nothing but verified.c, signed.c, stream.c and trust.c
 * includes (`make lint` holds that). The bytes are a private copy in memory, so they cannot change
 * after the check.
 */
#ifndef PLYBOOT_VERIFIED_H
#define PLYBOOT_VERIFIED_H

#include <stddef.h>
#include <stdint.h>

#include "digest.h"
#include "error.h"

struct verified;

const uint8_t *verified_data(const struct verified *verified);
size_t verified_size(const struct verified *verified);
void verified_free(struct verified *verified); /* NULL is fine */

/* Copy `size_bytes` bytes, hash the copy, and compare. ERROR_DIGEST if it differs, ERROR_NOSPACE.
 */
int verified_by_digest(const void *data, size_t size_bytes, const struct digest *expected,
	struct verified **out, struct error *e);

/* For the host command's own files, which nobody has signed yet: vouch for bytes without a check.
 * Lives in trust.c, which is never linked into /init (the build asks nm). */
int verified_trust(const void *data, size_t size_bytes, struct verified **out, struct error *e);

#endif

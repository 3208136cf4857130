/*
 * The signed envelope of a stack file: text, a line "---", then one line for each signature:
 *
 *     sha256:<key id> ecdsa-p256-sha256 <base64 of r || s>
 *
 * What is signed is every byte up to and including the "---" line.
 */
#ifndef PLYBOOT_SIGNED_H
#define PLYBOOT_SIGNED_H

#include "key.h"
#include "ceilings.h"
#include "verified.h"

/* Whom to believe. The arrays belong to the caller. */
struct signature_policy {
	const struct public_key *keys;
	size_t key_count;
	const struct digest *revoked; /* key ids that count for nothing, even when in `keys` */
	size_t revoked_count;
	unsigned needed; /* signatures by different trusted keys, at least 1 */
};

struct signed_by {
	size_t count;
	struct digest key_ids[LIMIT_SIGNATURES]; /* trusted keys whose signatures verified */
};

/* One signature line, as it stands in the file, unverified. */
struct signature_line {
	struct digest key_id;
	uint8_t signature[KEY_SIGNATURE_BYTES];
};

/* Split an envelope without believing anything: the length of the signed part (through "---\n") and
 * the signature lines. ERROR_FORMAT, ERROR_LIMIT, or ERROR_SIGNATURE (no separator, or a signature
 * that is not 64 bytes in base 64). No line at all is not an error here: `count` is then 0. */
int signed_split(const uint8_t *bytes, size_t size_bytes, size_t *text_size_bytes,
	struct signature_line lines[LIMIT_SIGNATURES], size_t *count, struct error *e);

/* Check an envelope. On success `*text` holds the signed part (caller frees).
 * Signatures by keys not in the policy are passed over; a trusted key whose signature does not
 * verify refuses the file. ERROR_FORMAT, ERROR_LIMIT: not an envelope; ERROR_SIGNATURE: none, too
 * few, or wrong; ERROR_KEY: only unknown or revoked keys. */
int signed_verify(const uint8_t *bytes, size_t size_bytes, const struct signature_policy *policy,
	struct verified **text, struct signed_by *who, struct error *e);

/* One line, with its newline and a NUL, for the end of an envelope. */
enum { SIGNED_LINE_SIZE = 71 + 1 + 17 + 1 + 88 + 1 + 1 };
void signed_format_line(const struct signature_line *line, char out[SIGNED_LINE_SIZE]);

#endif

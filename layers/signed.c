#include "signed.h"

#include "base64.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

static const char separator[] = "\n---\n";
static const char algorithm[] = " ecdsa-p256-sha256";

enum {
	SEPARATOR_LENGTH = sizeof separator - 1,
	KEY_ID_LENGTH = DIGEST_TEXT_SIZE - 1,
	ALGORITHM_LENGTH = sizeof algorithm - 1,
	PREFIX_LENGTH = KEY_ID_LENGTH + ALGORITHM_LENGTH,
	SHORT_ID_LENGTH = 12 /* hex digits that name a key in a message */
};

static int parse_line(const char *line, size_t length, struct signature_line *out, struct error *e)
{
	if (length < PREFIX_LENGTH || !digest_parse(line, KEY_ID_LENGTH, &out->key_id) ||
		memcmp(line + KEY_ID_LENGTH, algorithm, ALGORITHM_LENGTH) != 0)
		return error_set(
			e, ERROR_FORMAT, 0, "not `sha256:<key id> ecdsa-p256-sha256 <signature>`");
	const char *signature = line + PREFIX_LENGTH;
	size_t left = length - PREFIX_LENGTH;
	if (left == 0 || signature[0] != ' ' ||
		!base64_decode(signature + 1, left - 1, out->signature, KEY_SIGNATURE_BYTES))
		return error_set(e, ERROR_SIGNATURE, 0, "the signature is not %d bytes in base 64",
			KEY_SIGNATURE_BYTES);
	return 0;
}

/* Where the text ends, through its separator. */
static int find_text(const char *text, size_t size_bytes, size_t *text_size_bytes, struct error *e)
{
	if (text[0] == '\n')
		return error_set(e, ERROR_FORMAT, 0, "line 1 is empty");
	if (size_bytes >= SEPARATOR_LENGTH - 1 &&
		memcmp(text, separator + 1, SEPARATOR_LENGTH - 1) == 0)
		return error_set(e, ERROR_FORMAT, 0, "line 1: nothing stands before `---`");
	const char *at = memmem(text, size_bytes, separator, SEPARATOR_LENGTH);
	if (at == NULL)
		return error_set(e, ERROR_SIGNATURE, 0,
			"no line `---` with signatures below it: the file is not signed, or cut");
	*text_size_bytes = (size_t)(at - text) + SEPARATOR_LENGTH;
	return 0;
}

static unsigned count_lines(const char *text, size_t size_bytes)
{
	unsigned lines = 0;
	for (size_t i = 0; i < size_bytes; i++)
		lines += text[i] == '\n';
	return lines;
}

int signed_split(const uint8_t *bytes, size_t size_bytes, size_t *text_size_bytes,
	struct signature_line lines[LIMIT_SIGNATURES], size_t *count, struct error *e)
{
	if (size_bytes > LIMIT_STACK_FILE_BYTES)
		return error_set(e, ERROR_LIMIT, 0,
			"a stack file of %zu bytes, at most %u are allowed", size_bytes,
			LIMIT_STACK_FILE_BYTES);
	const char *text = (const char *)bytes;
	size_t text_size = 0;
	if (text_check(bytes, size_bytes, e) != 0 ||
		find_text(text, size_bytes, &text_size, e) != 0)
		return -1;

	struct signature_line found[LIMIT_SIGNATURES] = {{.key_id = {{0}}}};
	size_t found_count = 0;
	unsigned line_number = count_lines(text, text_size);
	for (size_t at = text_size; at < size_bytes;) {
		line_number++;
		if (found_count == LIMIT_SIGNATURES)
			return error_set(e, ERROR_LIMIT, 0, "line %u: more than %u signatures",
				line_number, LIMIT_SIGNATURES);
		const char *end =
			memchr(text + at, '\n', size_bytes - at); /* text_check: there is one */
		size_t length = (size_t)(end - (text + at));
		if (parse_line(text + at, length, &found[found_count], e) != 0)
			return error_wrap(
				e, "line %u, signature %zu", line_number, found_count + 1);
		found_count++;
		at += length + 1;
	}
	memcpy(lines, found, found_count * sizeof *lines);
	*text_size_bytes = text_size;
	*count = found_count;
	return 0;
}

static bool contains(const struct digest *ids, size_t count, const struct digest *id)
{
	for (size_t i = 0; i < count; i++) {
		if (digest_equal(&ids[i], id))
			return true;
	}
	return false;
}

static bool is_revoked(const struct signature_policy *policy, const struct digest *id)
{
	return contains(policy->revoked, policy->revoked_count, id);
}

static const struct public_key *find_trusted(
	const struct signature_policy *policy, const struct digest *id)
{
	if (is_revoked(policy, id))
		return NULL;
	for (size_t i = 0; i < policy->key_count; i++) {
		if (digest_equal(&policy->keys[i].id, id))
			return &policy->keys[i];
	}
	return NULL;
}

/* "<id> (unknown), <id> (revoked)": the first id whole, so that it can be searched for. */
static int refuse_keys(const struct signature_policy *policy, const struct signature_line *lines,
	size_t count, struct error *e)
{
	char who[LIMIT_SIGNATURES * (SHORT_ID_LENGTH + sizeof ", sha256: (unknown)") + DIGEST_HEX];
	size_t used = 0, trusted = 0;
	for (size_t i = 0; i < count; i++) {
		char id[DIGEST_TEXT_SIZE];
		digest_format(&lines[i].key_id, id);
		if (i > 0)
			id[KEY_ID_LENGTH - DIGEST_HEX + SHORT_ID_LENGTH] = '\0';
		used += (size_t)snprintf(who + used, sizeof who - used, "%s%s (%s)",
			i > 0 ? ", " : "", id,
			is_revoked(policy, &lines[i].key_id) ? "revoked" : "unknown");
	}
	for (size_t i = 0; i < policy->key_count; i++)
		trusted += !is_revoked(policy, &policy->keys[i].id);
	return error_set(e, ERROR_KEY, 0,
		"signed by %s, and by no trusted key (there %s %zu): sign it with a trusted one, "
		"or build the initramfs with the signer's public key",
		who, trusted == 1 ? "is" : "are", trusted);
}

/* Collects the trusted keys whose signatures verify; one that does not refuses everything. */
static int check_lines(const struct digest *hash, const struct signature_policy *policy,
	const struct signature_line *lines, size_t count, struct signed_by *who, struct error *e)
{
	for (size_t i = 0; i < count; i++) {
		const struct public_key *key = find_trusted(policy, &lines[i].key_id);
		if (key == NULL)
			continue;
		if (key_verify(key, hash, lines[i].signature, e) != 0) {
			char id[DIGEST_HEX + 1];
			digest_format_hex(&key->id, id);
			return error_wrap(
				e, "signature %zu by key %.*s", i + 1, SHORT_ID_LENGTH, id);
		}
		if (!contains(who->key_ids, who->count, &key->id))
			who->key_ids[who->count++] = key->id;
	}
	return 0;
}

int signed_verify(const uint8_t *bytes, size_t size_bytes, const struct signature_policy *policy,
	struct verified **text, struct signed_by *who, struct error *e)
{
	struct signature_line lines[LIMIT_SIGNATURES];
	size_t text_size, count;
	if (signed_split(bytes, size_bytes, &text_size, lines, &count, e) != 0)
		return -1;
	if (count == 0)
		return error_set(e, ERROR_SIGNATURE, 0, "no signature below the line `---`");

	struct digest hash;
	digest_of(bytes, text_size, &hash);
	struct signed_by found = {.count = 0};
	if (check_lines(&hash, policy, lines, count, &found, e) != 0)
		return -1;
	if (found.count == 0)
		return refuse_keys(policy, lines, count, e);
	if (found.count < policy->needed)
		return error_set(e, ERROR_SIGNATURE, 0,
			"signed by %zu trusted key%s, and %u different ones are needed: add "
			"signatures by others",
			found.count, found.count == 1 ? "" : "s", policy->needed);
	/* The signatures pin the hash, and the hash the copy: `bytes` may change after this. */
	if (verified_by_digest(bytes, text_size, &hash, text, e) != 0)
		return -1;
	*who = found;
	return 0;
}

void signed_format_line(const struct signature_line *line, char out[SIGNED_LINE_SIZE])
{
	digest_format(&line->key_id, out);
	memcpy(out + KEY_ID_LENGTH, algorithm, ALGORITHM_LENGTH);
	out[PREFIX_LENGTH] = ' ';
	base64_encode(line->signature, KEY_SIGNATURE_BYTES, out + PREFIX_LENGTH + 1);
	memcpy(out + SIGNED_LINE_SIZE - 2, "\n", 2);
}

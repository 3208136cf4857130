#include "owners.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "stack_private.h"

/* The word that starts at `*at`, which moves behind the character that ends it. */
static const char *take_word(const char **at, const char *end, char terminator, size_t *length)
{
	const char *word = *at;
	const char *stop = memchr(word, terminator, (size_t)(end - word));
	if (stop == NULL)
		return NULL;
	*length = (size_t)(stop - word);
	*at = stop + 1;
	return word;
}

/* From 1, without leading zeros: as a stack file has it. */
static bool parse_version(const char *text, size_t length, uint64_t *out)
{
	uint64_t value = 0;
	if (length == 0 || text[0] == '0')
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(value, 10u, &value) ||
			__builtin_add_overflow(value, (unsigned)(text[i] - '0'), &value))
			return false;
	}
	*out = value;
	return value <= INT64_MAX;
}

static bool decode_line(const char **at, const char *end, struct owner *out)
{
	size_t name_length = 0, version_length = 0, digest_length = 0;
	const char *name = take_word(at, end, ' ', &name_length);
	const char *version = name != NULL ? take_word(at, end, ' ', &version_length) : NULL;
	const char *digest = version != NULL ? take_word(at, end, '\n', &digest_length) : NULL;
	if (digest == NULL || !stack_name_is_valid(name, name_length) ||
		!parse_version(version, version_length, &out->version) ||
		!digest_parse(digest, digest_length, &out->text))
		return false;
	memcpy(out->name, name, name_length);
	out->name[name_length] = '\0';
	return true;
}

static bool has(const struct owners *owners, const struct digest *text)
{
	for (size_t i = 0; i < owners->count; i++) {
		if (digest_equal(&owners->list[i].text, text))
			return true;
	}
	return false;
}

int owners_decode(const char *text, size_t size_bytes, struct owners *out, struct error *e)
{
	struct owners owners = {.count = 0};
	const char *at = text, *end = text + size_bytes;
	*out = owners;
	while (at < end) {
		struct owner owner = {.version = 0};
		if (owners.count == OWNERS_MOST)
			return error_set(e, ERROR_FORMAT, 0, "over %d lines", OWNERS_MOST);
		if (!decode_line(&at, end, &owner))
			return error_set(e, ERROR_FORMAT, 0,
				"line %zu is not `NAME VERSION sha256:HEX`", owners.count + 1);
		if (has(&owners, &owner.text))
			return error_set(
				e, ERROR_FORMAT, 0, "line %zu is there twice", owners.count + 1);
		owners.list[owners.count++] = owner;
	}
	if (owners.count == 0)
		return error_set(e, ERROR_FORMAT, 0, "it is empty");
	*out = owners;
	return 0;
}

size_t owners_encode(const struct owners *owners, char out[OWNERS_TEXT_SIZE])
{
	size_t used = 0;
	out[0] = '\0';
	for (size_t i = 0; i < owners->count; i++) {
		const struct owner *owner = &owners->list[i];
		char digest[DIGEST_TEXT_SIZE];
		digest_format(&owner->text, digest);
		used += (size_t)snprintf(out + used, OWNERS_TEXT_SIZE - used, "%s %" PRIu64 " %s\n",
			owner->name, owner->version, digest);
	}
	return used;
}

void owners_put_first(struct owners *owners, const struct owner *owner)
{
	size_t i = 0;
	struct owner first = *owner; /* which may lie in the list */
	while (i < owners->count && !digest_equal(&owners->list[i].text, &first.text))
		i++;
	if (i == owners->count && i < OWNERS_MOST)
		owners->count++;
	else if (i == OWNERS_MOST)
		i--;
	memmove(&owners->list[1], &owners->list[0], i * sizeof owners->list[0]);
	owners->list[0] = first;
}

bool owners_is(const struct owners *owners, const struct digest *text)
{
	return owners->count > 0 && digest_equal(&owners->list[0].text, text);
}

#include "carrier.h"

#include <string.h>

#include "../layers/pieces.h"
#include "../layers/scope.h"
#include "../layers/verified.h"
#include "ustar.h"

enum { END_BYTES = 2 * TAR_BLOCK_BYTES };

static const char stacks_prefix[] = ".plyboot/stacks", pieces_prefix[] = ".plyboot/pieces";

/* --- writing */

static int add_member(
	struct bytes *tar, const struct ustar_member *member, const void *data, struct error *e)
{
	static const uint8_t zeros[TAR_BLOCK_BYTES];
	uint8_t header[TAR_BLOCK_BYTES];
	size_t size_bytes = (size_t)member->size_bytes;
	if (size_bytes > CARRIER_MAX_BYTES ||
		tar->size + size_bytes > CARRIER_MAX_BYTES - 2 * TAR_BLOCK_BYTES - END_BYTES)
		return error_set(e, ERROR_LIMIT, 0,
			"stack file and piece tables have more than %d bytes", CARRIER_MAX_BYTES);
	ustar_header(member, header);
	if (bytes_add(tar, header, sizeof header, e) != 0 ||
		bytes_add(tar, data, size_bytes, e) != 0)
		return -1;
	return bytes_add(tar, zeros, ustar_padding(size_bytes), e);
}

static int add_directory(struct bytes *tar, const char *name, struct error *e)
{
	return add_member(tar, &(struct ustar_member){.prefix = "", .name = name}, NULL, e);
}

int carrier_encode(const struct carrier *carrier, struct bytes *tar, struct error *e)
{
	static const uint8_t end[END_BYTES];
	const struct ustar_member stack = {.prefix = stacks_prefix,
		.name = carrier->stack_name,
		.size_bytes = carrier->stack_file_bytes};
	if (add_directory(tar, ".plyboot/", e) != 0 ||
		add_directory(tar, ".plyboot/stacks/", e) != 0 ||
		add_member(tar, &stack, carrier->stack_file, e) != 0 ||
		add_directory(tar, ".plyboot/pieces/", e) != 0)
		return -1;
	for (size_t i = 0; i < carrier->table_count; i++) {
		const struct carrier_table *table = &carrier->tables[i];
		char hex[DIGEST_HEX + 1];
		digest_format_hex(&table->digest, hex);
		const struct ustar_member member = {
			.prefix = pieces_prefix, .name = hex, .size_bytes = table->size_bytes};
		if (add_member(tar, &member, table->data, e) != 0)
			return -1;
	}
	return bytes_add(tar, end, sizeof end, e);
}

/* --- reading */

struct reader {
	const uint8_t *at;
	size_t left;
};

static int refuse(struct error *e, const char *what)
{
	return error_set(e, ERROR_FORMAT, 0, "the layer with the stack file: %s", what);
}

static bool is_zero(const uint8_t *bytes, size_t size_bytes)
{
	for (size_t i = 0; i < size_bytes; i++) {
		if (bytes[i] != 0)
			return false;
	}
	return true;
}

/* A member named `name` in `prefix`, or whatever its header names when `name` is NULL (then the
 * caller's `found` gets it); its contents lie at `*data`. */
static int next_member(struct reader *reader, const char *prefix, const char *name, char found[101],
	const uint8_t **data, size_t *size_bytes, struct error *e)
{
	struct tar_header header;
	uint8_t canonical[TAR_BLOCK_BYTES];
	uint64_t size;
	if (reader->left < TAR_BLOCK_BYTES)
		return refuse(e, "its tar is cut");
	memcpy(&header, reader->at, sizeof header);
	memcpy(found, header.name, sizeof header.name);
	found[sizeof header.name] = '\0';
	if (!tar_field_unsigned(header.size, sizeof header.size, &size) || size > CARRIER_MAX_BYTES)
		return refuse(e, "a size in its tar is none");
	ustar_header(
		&(struct ustar_member){
			.prefix = prefix, .name = name != NULL ? name : found, .size_bytes = size},
		canonical);
	if (memcmp(canonical, reader->at, sizeof canonical) != 0)
		return refuse(e, "a member that does not belong there, or a header that "
				 "plyboot does not write");
	size_t padding = ustar_padding(size);
	reader->at += TAR_BLOCK_BYTES;
	reader->left -= TAR_BLOCK_BYTES;
	if (size + padding > reader->left)
		return refuse(e, "its tar is cut");
	if (!is_zero(reader->at + size, padding))
		return refuse(e, "bytes between two members of its tar");
	*data = reader->at;
	*size_bytes = (size_t)size;
	reader->at += size + padding;
	reader->left -= (size_t)size + padding;
	return 0;
}

static int next_directory(struct reader *reader, const char *name, struct error *e)
{
	char found[101];
	const uint8_t *data;
	size_t size_bytes;
	if (next_member(reader, "", name, found, &data, &size_bytes, e) != 0)
		return -1;
	return size_bytes == 0 ? 0 : refuse(e, "a directory with contents");
}

static int next_stack(struct reader *reader, struct carrier *out, struct error *e)
{
	char found[101];
	if (next_member(reader, stacks_prefix, NULL, found, &out->stack_file,
		    &out->stack_file_bytes, e) != 0)
		return -1;
	size_t length = strlen(found);
	if (length >= sizeof out->stack_name || strchr(found, '/') != NULL)
		return refuse(e, "the name of a stack file that can't be one");
	memcpy(out->stack_name, found, length + 1);
	if (out->stack_file_bytes > LIMIT_STACK_FILE_BYTES)
		return error_set(e, ERROR_LIMIT, 0, "%s has %zu bytes, at most %u are allowed",
			found, out->stack_file_bytes, LIMIT_STACK_FILE_BYTES);
	return 0;
}

static int next_table(struct reader *reader, struct carrier *out, struct error *e)
{
	char found[101];
	struct carrier_table table;
	if (next_member(reader, pieces_prefix, NULL, found, &table.data, &table.size_bytes, e) != 0)
		return -1;
	if (!digest_parse_hex(found, strlen(found), &table.digest))
		return refuse(e, "the name of a piece table that is no digest");
	if (out->table_count == LIMIT_LAYERS)
		return error_set(e, ERROR_LIMIT, 0, "more than %u piece tables", LIMIT_LAYERS);
	out->tables[out->table_count++] = table;
	return 0;
}

static int decode(struct reader *reader, struct carrier *out, struct error *e)
{
	if (next_directory(reader, ".plyboot/", e) != 0 ||
		next_directory(reader, ".plyboot/stacks/", e) != 0 ||
		next_stack(reader, out, e) != 0 ||
		next_directory(reader, ".plyboot/pieces/", e) != 0)
		return -1;
	while (reader->left != END_BYTES || !is_zero(reader->at, END_BYTES)) {
		if (next_table(reader, out, e) != 0)
			return -1;
	}
	return 0;
}

int carrier_decode(const uint8_t *tar, size_t size_bytes, struct carrier *out, struct error *e)
{
	struct reader reader = {.at = tar, .left = size_bytes};
	if (size_bytes > CARRIER_MAX_BYTES)
		return error_set(e, ERROR_LIMIT, 0,
			"the layer with the stack file has more than %d bytes of tar",
			CARRIER_MAX_BYTES);
	*out = (struct carrier){.tables = calloc(LIMIT_LAYERS, sizeof *out->tables)};
	if (out->tables == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	if (decode(&reader, out, e) != 0) {
		carrier_free(out);
		return -1;
	}
	return 0;
}

/* --- what it carries */

static int read_text(const struct carrier *carrier, const struct signature_policy *policy,
	struct verified **text, size_t *signatures, struct error *e)
{
	struct signature_line lines[LIMIT_SIGNATURES];
	struct signed_by who;
	size_t text_bytes;
	if (policy != NULL && signed_verify(carrier->stack_file, carrier->stack_file_bytes, policy,
				      text, &who, e) != 0)
		return -1;
	if (signed_split(carrier->stack_file, carrier->stack_file_bytes, &text_bytes, lines,
		    signatures, e) == 0 &&
		(policy != NULL || verified_trust(carrier->stack_file, text_bytes, text, e) == 0))
		return 0;
	if (policy != NULL)
		verified_free(*text);
	return -1;
}

static int check_table(
	const struct carrier_table *table, const struct layer_record *record, struct error *e)
{
	struct verified *bytes;
	struct piece_table decoded;
	if (verified_by_digest(table->data, table->size_bytes, &table->digest, &bytes, e) != 0)
		return error_wrap(e, "the piece table");
	int result = piece_table_decode(bytes, record, &decoded, e);
	verified_free(bytes);
	if (result == 0)
		piece_table_free(&decoded);
	return result;
}

/* A layer's table, NULL with the error: they come in the order in which the layers name them, each
 * once. `*next` is the first that was not named yet. */
static const struct carrier_table *find_table(
	const struct carrier *carrier, const struct digest *digest, size_t *next, struct error *e)
{
	char text[DIGEST_TEXT_SIZE];
	for (size_t i = 0; i < *next; i++) {
		if (digest_equal(&carrier->tables[i].digest, digest))
			return &carrier->tables[i];
	}
	if (*next < carrier->table_count && digest_equal(&carrier->tables[*next].digest, digest))
		return &carrier->tables[(*next)++];
	digest_format(digest, text);
	(void)error_set(
		e, ERROR_FORMAT, 0, "the piece table %s is not there, or not in its place", text);
	return NULL;
}

static int check_tables(const struct carrier *carrier, const struct stack *stack, struct error *e)
{
	size_t next = 0;
	for (size_t i = 0; i < stack->layer_count; i++) {
		const struct layer_record *record = &stack->layers[i];
		const struct carrier_table *table = find_table(carrier, &record->pieces, &next, e);
		if (table == NULL || check_table(table, record, e) != 0)
			return error_wrap(e, "layer %zu", i + 1);
	}
	if (next != carrier->table_count)
		return refuse(e, "a piece table that no layer of the stack has");
	return 0;
}

int carrier_check(const struct carrier *carrier, const struct signature_policy *policy,
	struct stack *stack, size_t *signatures, struct error *e)
{
	struct verified *text = NULL;
	if (read_text(carrier, policy, &text, signatures, e) != 0)
		return error_wrap(e, "%s", carrier->stack_name);
	int result = stack_decode(text, stack, e);
	verified_free(text);
	if (result != 0)
		return error_wrap(e, "%s", carrier->stack_name);
	if (stack_check_file_name(stack, carrier->stack_name, e) == 0 &&
		check_tables(carrier, stack, e) == 0)
		return 0;
	stack_free(stack);
	return error_wrap(e, "%s", carrier->stack_name);
}

void carrier_free(struct carrier *carrier)
{
	free(carrier->tables);
	*carrier = (struct carrier){0};
}

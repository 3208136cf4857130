/* compose/carrier.c: what a pushed image carries for plyboot, in its one form and no other. */
#include <stdlib.h>
#include <string.h>

#include "compose/carrier.h"
#include "compose/ustar.h"
#include "pieces.h"
#include "errors.h"
#include "signer.h"

enum { LAYERS = 3, BLOCK = TAR_BLOCK_BYTES };

/* A stack of three layers, the last of which has the table of the first. */
struct subject {
	struct stack stack;
	struct layer_record layers[LAYERS];
	uint8_t *tables[LAYERS];
	struct carrier_table unique[LAYERS];
	struct carrier carrier;
	uint8_t file[8192];
};

static void make_layer(struct subject *subject, size_t number, uint64_t stored_bytes)
{
	struct piece piece = {.stored_bytes = stored_bytes, .decoded_bytes = 1024};
	struct piece_table table = {.count = 1, .pieces = &piece};
	struct layer_record *record = &subject->layers[number];
	struct carrier_table *unique = &subject->unique[number];
	if (piece_table_encode(&table, &subject->tables[number], &unique->size_bytes, NULL) != 0)
		abort();
	unique->data = subject->tables[number];
	digest_of(unique->data, unique->size_bytes, &unique->digest);
	*record = (struct layer_record){.media = MEDIA_TAR_GZIP,
		.stored_bytes = stored_bytes,
		.unpacked_bytes = 4096,
		.entries = 1,
		.largest_piece_bytes = stored_bytes,
		.pieces = unique->digest};
	digest_of(&number, sizeof number, &record->digest);
}

static void write_file(struct subject *subject, struct signer *signer)
{
	SCOPED_BYTES file = {0};
	char *text;
	size_t size_bytes;
	if (stack_encode(&subject->stack, &text, &size_bytes, NULL) != 0 ||
		bytes_add(&file, text, size_bytes, NULL) != 0)
		abort();
	free(text);
	if (signer != NULL) {
		struct signature_line line = {.key_id = signer->key.id};
		struct digest hash;
		char words[SIGNED_LINE_SIZE];
		digest_of(file.data, file.size, &hash);
		signer_sign(signer, &hash, line.signature);
		signed_format_line(&line, words);
		if (bytes_add(&file, words, strlen(words), NULL) != 0)
			abort();
	}
	if (file.size > sizeof subject->file)
		abort();
	memcpy(subject->file, file.data, file.size);
	subject->carrier.stack_file = subject->file;
	subject->carrier.stack_file_bytes = file.size;
}

static void make(struct subject *subject)
{
	*subject = (struct subject){.stack = {.name = "demo",
					    .version = 7,
					    .created = "2026-11-23T15:06:12Z",
					    .architecture = "x86_64",
					    .layer_count = LAYERS,
					    .init = "/sbin/init"}};
	make_layer(subject, 0, 600);
	make_layer(subject, 1, 700);
	make_layer(subject, 2, 600);
	subject->stack.layers = subject->layers;
	subject->carrier.table_count = 2;
	subject->carrier.tables = subject->unique;
	stack_file_name(&subject->stack, subject->carrier.stack_name);
	write_file(subject, NULL);
}

static void unmake(struct subject *subject)
{
	for (size_t i = 0; i < LAYERS; i++)
		free(subject->tables[i]);
}

static void encode(const struct subject *subject, struct bytes *tar)
{
	bytes_free(tar);
	if (carrier_encode(&subject->carrier, tar, NULL) != 0)
		abort();
}

/* What the tar says, or why it says nothing. */
static int check(const struct bytes *tar, const struct signature_policy *policy, struct error *e)
{
	struct carrier carrier;
	struct stack stack;
	size_t signatures;
	if (carrier_decode(tar->data, tar->size, &carrier, e) != 0)
		return -1;
	int result = carrier_check(&carrier, policy, &stack, &signatures, e);
	if (result == 0)
		stack_free(&stack);
	carrier_free(&carrier);
	return result;
}

static void refuses(const struct bytes *tar, enum error_code code, const char *name)
{
	struct error e = {.code = ERROR_NONE};
	(void)error_is(check(tar, NULL, &e), &e, code, "%s", name);
}

static void what_was_written_is_read(void)
{
	struct subject subject;
	struct carrier carrier;
	struct stack stack;
	struct error e = {.code = ERROR_NONE};
	size_t signatures = 9;
	SCOPED_BYTES tar = {0};
	SCOPED_BYTES again = {0};
	make(&subject);
	encode(&subject, &tar);
	is_int(carrier_decode(tar.data, tar.size, &carrier, &e), 0, "a carrier is read: %s",
		e.text);
	is_str(carrier.stack_name, "demo-7.stack", "... its stack's name");
	is_int((long long)carrier.table_count, 2, "... its tables, each once");
	is_int(carrier_check(&carrier, NULL, &stack, &signatures, &e), 0,
		"what it holds is right: %s", e.text);
	is_int((long long)stack.layer_count, LAYERS, "... all layers");
	is_int((long long)signatures, 0, "... no signature");
	ok(carrier_encode(&carrier, &again, &e) == 0 && again.size == tar.size &&
			memcmp(again.data, tar.data, tar.size) == 0,
		"written again it is the same");
	stack_free(&stack);
	carrier_free(&carrier);
	unmake(&subject);
}

static void every_byte_of_a_header_counts(void)
{
	struct subject subject;
	SCOPED_BYTES tar = {0};
	size_t passed = 0;
	make(&subject);
	encode(&subject, &tar);
	/* Of the text, some would make another text that is as good. */
	size_t text = 3 * BLOCK, text_end = text + subject.carrier.stack_file_bytes;
	size_t end = text_end + ustar_padding(text_end) + 2 * BLOCK;
	for (size_t i = 0; i < end; i++) {
		struct error e;
		tar.data[i] ^= 1;
		if ((i < text || i >= text_end) && check(&tar, NULL, &e) == 0)
			passed++;
		tar.data[i] ^= 1;
	}
	is_int((long long)passed, 0, "a bit of any byte of a header is noticed");
	for (size_t size = 0; size < tar.size; size += 64) {
		const struct bytes cut = {.data = tar.data, .size = size};
		struct error e;
		passed += check(&cut, NULL, &e) == 0;
	}
	is_int((long long)passed, 0, "cut anywhere, it is refused");
	unmake(&subject);
}

static void what_does_not_belong_there_is_refused(void)
{
	struct subject subject;
	SCOPED_BYTES tar = {0};
	static const uint8_t zeros[BLOCK];
	make(&subject);
	encode(&subject, &tar);
	if (bytes_add(&tar, zeros, sizeof zeros, NULL) != 0)
		abort();
	refuses(&tar, ERROR_FORMAT, "a third block at the end");
	tar.size -= 2 * BLOCK;
	refuses(&tar, ERROR_FORMAT, "one block at the end");

	strcpy(subject.carrier.stack_name, "demo-8.stack");
	encode(&subject, &tar);
	refuses(&tar, ERROR_FORMAT, "the name of another version");
	strcpy(subject.carrier.stack_name, "../demo-7.stack");
	encode(&subject, &tar);
	refuses(&tar, ERROR_FORMAT, "a name that leaves its directory");
	stack_file_name(&subject.stack, subject.carrier.stack_name);
	subject.carrier.stack_file_bytes--;
	encode(&subject, &tar);
	refuses(&tar, ERROR_FORMAT, "a stack file that is cut");
	unmake(&subject);
}

static void tables_are_those_of_the_stack(void)
{
	struct subject subject;
	SCOPED_BYTES tar = {0};
	make(&subject);
	subject.carrier.table_count = 1;
	encode(&subject, &tar);
	refuses(&tar, ERROR_FORMAT, "a table that is missing");
	subject.carrier.table_count = 3;
	encode(&subject, &tar);
	refuses(&tar, ERROR_FORMAT, "a table that is there twice");
	subject.carrier.table_count = 2;
	const struct carrier_table first = subject.unique[0];
	subject.unique[0] = subject.unique[1];
	subject.unique[1] = first;
	encode(&subject, &tar);
	refuses(&tar, ERROR_FORMAT, "tables in another order");
	subject.unique[1] = subject.unique[0];
	subject.unique[0] = first;
	subject.tables[1][30] ^= 1;
	encode(&subject, &tar);
	refuses(&tar, ERROR_DIGEST, "a table that differs from its name");
	digest_of(subject.unique[1].data, subject.unique[1].size_bytes, &subject.unique[1].digest);
	subject.layers[1].pieces = subject.unique[1].digest;
	write_file(&subject, NULL);
	encode(&subject, &tar);
	refuses(&tar, ERROR_LIMIT, "a table of more bytes than the record has");
	unmake(&subject);
}

static void signatures_are_asked_before_the_text_is_read(void)
{
	struct subject subject;
	struct signer signer, other;
	struct error e = {.code = ERROR_NONE};
	SCOPED_BYTES tar = {0};
	signer_open("0000000000000000000000000000000000000000000000000000000000000007", &signer);
	signer_open("0000000000000000000000000000000000000000000000000000000000000008", &other);
	const struct signature_policy policy = {.keys = &signer.key, .key_count = 1, .needed = 1};
	const struct signature_policy unknown = {.keys = &other.key, .key_count = 1, .needed = 1};
	make(&subject);
	encode(&subject, &tar);
	(void)error_is(check(&tar, &policy, &e), &e, ERROR_SIGNATURE, "unsigned, with a key");
	write_file(&subject, &signer);
	encode(&subject, &tar);
	is_int(check(&tar, &policy, &e), 0, "signed by that key: %s", e.text);
	is_int(check(&tar, NULL, &e), 0, "signed, and nobody asks: %s", e.text);
	(void)error_is(check(&tar, &unknown, &e), &e, ERROR_KEY, "signed by another key");
	subject.file[0] ^= 1;
	encode(&subject, &tar);
	(void)error_is(check(&tar, &policy, &e), &e, ERROR_SIGNATURE,
		"a stack file that is none, and was not signed either");
	unmake(&subject);
}

static void sizes_beyond_octal_are_in_base_256(void)
{
	uint8_t block[BLOCK];
	uint64_t size_bytes;
	struct tar_header header;
	const struct ustar_member member = {
		.prefix = "", .name = "x", .size_bytes = UINT64_C(1) << 36};
	ustar_header(&member, block);
	memcpy(&header, block, sizeof header);
	ok(tar_checksum_ok(&header), "the checksum is right");
	ok(tar_field_unsigned(header.size, sizeof header.size, &size_bytes) &&
			size_bytes == UINT64_C(1) << 36,
		"64 GiB are read back");
	ustar_header(
		&(struct ustar_member){
			.prefix = "", .name = "x", .size_bytes = (UINT64_C(1) << 33) - 1},
		block);
	memcpy(&header, block, sizeof header);
	ok(memcmp(header.size, "77777777777", 12) == 0, "8 GiB less one byte are octal");
}

static void too_much_is_refused(void)
{
	struct subject subject;
	struct carrier carrier;
	struct error e = {.code = ERROR_NONE};
	SCOPED_BYTES tar = {0};
	make(&subject);
	uint8_t *much = calloc(1, CARRIER_MAX_BYTES);
	if (much == NULL)
		abort();
	subject.unique[0].data = much;
	subject.unique[0].size_bytes = CARRIER_MAX_BYTES - BLOCK;
	(void)error_is(carrier_encode(&subject.carrier, &tar, &e), &e, ERROR_LIMIT,
		"more than a carrier holds is not written");
	(void)error_is(carrier_decode(much, CARRIER_MAX_BYTES + (size_t)1, &carrier, &e), &e,
		ERROR_LIMIT, "nor read");
	free(much);
	unmake(&subject);
}

int main(void)
{
	what_was_written_is_read();
	every_byte_of_a_header_counts();
	what_does_not_belong_there_is_refused();
	tables_are_those_of_the_stack();
	signatures_are_asked_before_the_text_is_read();
	sizes_beyond_octal_are_in_base_256();
	too_much_is_refused();
	return done();
}

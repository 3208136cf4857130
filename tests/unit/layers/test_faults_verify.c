/* What verifies, when memory or the disk fails at any call: P11 for the signed envelope, the stack
 * file, the piece table, the layout on a disk and the stream of pieces. */
#include "faults.h"

#include "sandbox.h"

#include "memory_source.h"
#include "layers/signed.h"
#include "layers/stream.h"
#include "signer.h"

#define DIGEST_1 "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define LAYER                                                                                      \
	"layer " DIGEST_1 "\nmedia-type application/vnd.oci.image.layer.v1.tar+zstd\n"             \
	"stored 123456\nunpacked 345678\nentries 1200\nlargest-piece 65536\n"                      \
	"user-xattrs none\npieces " DIGEST_1 "\n"
#define FIVE_LAYERS LAYER LAYER LAYER LAYER LAYER
#define TEXT                                                                                       \
	"plyboot stack 1\nname demo\nversion 7\nfloor 3\ncreated 2026-11-23T15:06:12Z\n"           \
	"architecture x86_64\n" FIVE_LAYERS FIVE_LAYERS                                            \
	"upper volatile\npersist /var/a\npersist /var/b\ninit /sbin/init\non-failure halt\n---\n"

static struct signer signer;
static struct verified *vouched; /* of what the case at hand decodes */

static void vouch(const void *data, size_t size)
{
	verified_free(vouched);
	if (verified_trust(data, size, &vouched, NULL) != 0)
		abort();
}

static int verify_digest(struct error *e)
{
	struct digest digest;
	struct verified *out = NULL;
	digest_of("hello", 5, &digest);
	faults_begin();
	int result = verified_by_digest("hello", 5, &digest, &out, e);
	faults_end();
	if (result != 0)
		return out == NULL ? result : FAULTS_WRONG;
	bool right = verified_size(out) == 5 && memcmp(verified_data(out), "hello", 5) == 0;
	verified_free(out);
	return right ? 0 : FAULTS_WRONG;
}

static int verify_envelope(struct error *e)
{
	static char envelope[sizeof TEXT + SIGNED_LINE_SIZE] = TEXT;
	struct signature_policy policy = {.keys = &signer.key, .key_count = 1, .needed = 1};
	struct signature_line line = {.key_id = signer.key.id};
	struct verified *text = NULL;
	struct signed_by who;
	struct digest hash;
	digest_of(TEXT, strlen(TEXT), &hash);
	signer_sign(&signer, &hash, line.signature);
	signed_format_line(&line, envelope + strlen(TEXT));
	memset(&who, UNTOUCHED, sizeof who);
	faults_begin();
	int result = signed_verify((uint8_t *)envelope, strlen(envelope), &policy, &text, &who, e);
	faults_end();
	if (result != 0)
		return text == NULL && is_untouched(&who, sizeof who) ? result : FAULTS_WRONG;
	bool right = who.count == 1 && verified_size(text) == strlen(TEXT);
	verified_free(text);
	return right ? 0 : FAULTS_WRONG;
}

static int decode_stack(struct error *e)
{
	struct stack stack;
	vouch(TEXT, strlen(TEXT));
	memset(&stack, UNTOUCHED, sizeof stack);
	faults_begin();
	int result = stack_decode(vouched, &stack, e);
	faults_end();
	if (result != 0)
		return is_untouched(&stack, sizeof stack) ? result : FAULTS_WRONG;
	bool right = stack.layer_count == 10 && stack.persist_count == 2;
	stack_free(&stack);
	return right ? 0 : FAULTS_WRONG;
}

static int encode_stack(struct error *e)
{
	struct stack stack;
	char *text = NULL;
	size_t size = 99;
	vouch(TEXT, strlen(TEXT));
	if (stack_decode(vouched, &stack, e) != 0)
		abort();
	faults_begin();
	int result = stack_encode(&stack, &text, &size, e);
	faults_end();
	stack_free(&stack);
	if (result != 0)
		return text == NULL && size == 99 ? result : FAULTS_WRONG;
	bool right = size == strlen(TEXT) && strcmp(text, TEXT) == 0;
	free(text);
	return right ? 0 : FAULTS_WRONG;
}

static int identify_layer(struct error *e)
{
	struct layer_record record;
	struct digest id, expected;
	vouch(LAYER, strlen(LAYER));
	memset(&record, UNTOUCHED, sizeof record);
	memset(&id, UNTOUCHED, sizeof id);
	faults_begin();
	int result = layer_record_decode(vouched, &record, e);
	faults_end();
	if (result != 0)
		return is_untouched(&record, sizeof record) ? result : FAULTS_WRONG;
	faults_begin();
	result = layer_record_id(&record, &id, e);
	faults_end();
	if (result != 0)
		return is_untouched(&id, sizeof id) ? result : FAULTS_WRONG;
	digest_of(LAYER, strlen(LAYER), &expected);
	return digest_equal(&id, &expected) ? 0 : FAULTS_WRONG;
}

/* Encoding again, as decoding does: what if it came to something else? */
static enum { ENCODES, ENCODES_LESS, ENCODES_OTHERWISE, ENCODES_NOTHING } encoding;

int __real_stack_encode(const struct stack *stack, char **text, size_t *size, struct error *e);
int __wrap_stack_encode(const struct stack *stack, char **text, size_t *size, struct error *e);
int __wrap_stack_encode(const struct stack *stack, char **text, size_t *size, struct error *e)
{
	if (encoding == ENCODES_NOTHING)
		return error_set(e, ERROR_LIMIT, 0, "nothing");
	int result = __real_stack_encode(stack, text, size, e);
	if (result != 0)
		return result;
	*size -= encoding == ENCODES_LESS;
	(*text)[5] = encoding == ENCODES_OTHERWISE ? '?' : (*text)[5];
	return result;
}

int __real_layer_record_encode(const struct layer_record *record, char out[LAYER_RECORD_TEXT_SIZE],
	size_t *size, struct error *e);
int __wrap_layer_record_encode(const struct layer_record *record, char out[LAYER_RECORD_TEXT_SIZE],
	size_t *size, struct error *e);
int __wrap_layer_record_encode(const struct layer_record *record, char out[LAYER_RECORD_TEXT_SIZE],
	size_t *size, struct error *e)
{
	if (encoding == ENCODES_NOTHING)
		return error_set(e, ERROR_LIMIT, 0, "nothing");
	int result = __real_layer_record_encode(record, out, size, e);
	if (result != 0)
		return result;
	*size -= encoding == ENCODES_LESS;
	out[5] = encoding == ENCODES_OTHERWISE ? '?' : out[5];
	return result;
}

static void only_canonical_text_is_decoded(void)
{
	static const struct {
		const char *name;
		enum error_code code;
	} rows[] = {[ENCODES_LESS] = {"shorter", ERROR_FORMAT},
		[ENCODES_OTHERWISE] = {"otherwise", ERROR_FORMAT},
		[ENCODES_NOTHING] = {"not at all", ERROR_LIMIT}};
	for (encoding = ENCODES_LESS; encoding <= ENCODES_NOTHING; encoding++) {
		struct error e;
		struct layer_record record;
		struct stack stack;
		memset(&stack, UNTOUCHED, sizeof stack);
		memset(&record, UNTOUCHED, sizeof record);
		vouch(TEXT, strlen(TEXT));
		error_is(stack_decode(vouched, &stack, &e), &e, rows[encoding].code,
			"a stack that would be written %s", rows[encoding].name);
		vouch(LAYER, strlen(LAYER));
		error_is(layer_record_decode(vouched, &record, &e), &e, rows[encoding].code,
			"a layer record that would be written %s", rows[encoding].name);
		ok(is_untouched(&stack, sizeof stack) && is_untouched(&record, sizeof record),
			"... nothing is handed out");
	}
	encoding = ENCODES;
}

/* Wherever in the text the buffer has to grow: the last allocation fails, for each length. */
static void the_last_growth_may_fail(void)
{
	struct stack stack;
	struct error e;
	unsigned wrong = 0, lengths = 0;
	vouch(TEXT, strlen(TEXT));
	if (stack_decode(vouched, &stack, &e) != 0)
		abort();
	for (size_t length = 2; length < sizeof stack.init; length++, lengths++) {
		char *text = NULL;
		size_t size = 99;
		unsigned calls = 0;
		memset(stack.init, 'a', length);
		stack.init[0] = '/';
		stack.init[length] = '\0';
		for (int result = -1; result != 0; calls++) {
			free(text);
			text = NULL;
			faults = (struct faults){
				.kinds = FAULTS_MEMORY, .left = calls + 1, .error_number = ENOMEM};
			faults_begin();
			result = stack_encode(&stack, &text, &size, &e);
			faults_end();
			wrong += result != 0 && (text != NULL || e.code != ERROR_NOSPACE);
		}
		free(text);
	}
	ok(wrong == 0, "%u lengths, each allocation fails once", lengths);
	stack_free(&stack);
}

/* --- pieces */

static struct layer layer; /* 10 pieces */

static int decode_pieces(struct error *e)
{
	struct piece_table table;
	vouch(layer.table.data, layer.table.size);
	memset(&table, UNTOUCHED, sizeof table);
	faults_begin();
	int result = piece_table_decode(vouched, &layer.record, &table, e);
	faults_end();
	if (result != 0)
		return is_untouched(&table, sizeof table) ? result : FAULTS_WRONG;
	bool right = table.count == 10;
	piece_table_free(&table);
	return right ? 0 : FAULTS_WRONG;
}

static int encode_pieces(struct error *e)
{
	struct piece_table table;
	uint8_t *bytes = NULL;
	size_t size = 99;
	vouch(layer.table.data, layer.table.size);
	if (piece_table_decode(vouched, &layer.record, &table, e) != 0)
		abort();
	faults_begin();
	int result = piece_table_encode(&table, &bytes, &size, e);
	faults_end();
	piece_table_free(&table);
	if (result != 0)
		return bytes == NULL && size == 99 ? result : FAULTS_WRONG;
	bool right = size == layer.table.size && memcmp(bytes, layer.table.data, size) == 0;
	free(bytes);
	return right ? 0 : FAULTS_WRONG;
}

/* --- a layout on a disk, in which stack file, piece table and layer lie */

static struct sandbox sandbox;

static void put_blob(const struct digest *digest, const void *data, size_t size)
{
	char path[PATH_MAX], hex[DIGEST_HEX + 1];
	digest_format_hex(digest, hex);
	(void)snprintf(path, sizeof path, "%s/blobs/sha256/%s", sandbox.root, hex);
	write_file(path, data, size);
}

static void make_layout(void)
{
	char path[PATH_MAX];
	struct bytes blob = {0};
	bytes_fill(&blob, 'b', 9500);
	layer_cut(&layer, MEDIA_TAR, &blob, blob.size, 1000);
	bytes_free(&blob);
	sandbox_open(&sandbox);
	if (mkdirat(sandbox.root_fd, "stacks", 0755) != 0 ||
		mkdirat(sandbox.root_fd, "blobs", 0755) != 0 ||
		mkdirat(sandbox.root_fd, "blobs/sha256", 0755) != 0)
		abort();
	(void)snprintf(path, sizeof path, "%s/stacks/demo-7.stack", sandbox.root);
	write_file(path, TEXT, strlen(TEXT));
	put_blob(&layer.record.digest, layer.blob.data, layer.blob.size);
	put_blob(&layer.record.pieces, layer.table.data, layer.table.size);
}

static int open_layout(struct source **out, struct error *e)
{
	int fd = dup(sandbox.root_fd);
	faults_begin();
	int result = source_dir_open(fd, out, e);
	faults_end();
	if (result != 0)
		(void)close(fd);
	return result;
}

static int count_names(void *context, const char *file_name, struct error *e)
{
	(void)e;
	*(unsigned *)context += strcmp(file_name, "demo-7.stack") == 0;
	return 0;
}

static int list_layout(struct error *e)
{
	struct source *source = NULL;
	unsigned names = 0;
	if (open_layout(&source, e) != 0)
		return source == NULL ? -1 : FAULTS_WRONG;
	faults_begin();
	int result = source->ops->list_stacks(source, count_names, &names, e);
	faults_end();
	source_close(source);
	return result != 0 || names == 1 ? result : FAULTS_WRONG;
}

static int read_layout(struct error *e)
{
	struct source *source = NULL;
	uint8_t *bytes = NULL;
	size_t size = 99;
	if (open_layout(&source, e) != 0)
		return -1;
	faults_begin();
	int result = source->ops->read_stack(source, "demo-7.stack", &bytes, &size, e);
	faults_end();
	source_close(source);
	if (result != 0)
		return bytes == NULL && size == 99 ? result : FAULTS_WRONG;
	bool right = size == strlen(TEXT) && memcmp(bytes, TEXT, size) == 0;
	free(bytes);
	return right ? 0 : FAULTS_WRONG;
}

static int read_stream(struct stream *stream, struct error *e)
{
	struct feed *feed = stream_feed(stream);
	uint64_t size = 0;
	for (;;) {
		struct piece_view view;
		memset(&view, UNTOUCHED, sizeof view);
		if (feed->next(feed, &view, e) != 0)
			return is_untouched(&view, sizeof view) ? -1 : FAULTS_WRONG;
		if (view.bytes == NULL)
			return size == layer.blob.size ? 0 : FAULTS_WRONG;
		size += verified_size(view.bytes);
	}
}

static int stream_layer(struct error *e)
{
	struct source *source = NULL;
	struct stream *stream = NULL;
	if (open_layout(&source, e) != 0)
		return -1;
	faults_begin();
	int result = stream_open(source, &layer.record, &stream, e);
	if (result != 0 && stream != NULL)
		result = FAULTS_WRONG;
	if (result == 0)
		result = read_stream(stream, e);
	stream_close(stream);
	faults_end();
	source_close(source);
	return result;
}

int main(void)
{
	static const struct faults_case cases[] = {
		{.name = "verified_by_digest", .run = verify_digest},
		{.name = "signed_verify", .run = verify_envelope},
		{.name = "stack_decode", .run = decode_stack},
		{.name = "stack_encode", .run = encode_stack},
		{.name = "layer_record_decode and _id", .run = identify_layer},
		{.name = "piece_table_decode", .run = decode_pieces},
		{.name = "piece_table_encode", .run = encode_pieces},
		{.name = "list_stacks", .run = list_layout},
		{.name = "read_stack", .run = read_layout},
		{.name = "stream", .run = stream_layer},
	};
	signer_open("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721", &signer);
	make_layout();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		faults_all(&cases[i]);
	only_canonical_text_is_decoded();
	the_last_growth_may_fail();
	verified_free(vouched);
	layer_free(&layer);
	sandbox_close(&sandbox);
	return done();
}

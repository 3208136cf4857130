/*
 * P1: no unverified byte reaches a parser. Every bit of small layers and of their piece tables is
 * flipped, one at a time, and every byte of a signed stack file: each is refused, and what the
 * parsers are given meanwhile (the linker puts a watcher in front of each) holds nothing but bytes
 * that are signed.
 */
#include "arena.h"

#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>

#include "layers/gate.h"
#include "layers/pieces.h"
#include "layers/signed.h"
#include "promise.h"
#include "random_layer.h"
#include "signer.h"
#include "unpacking.h"

/* --- the watchers -------------------------------------------------------------------------------
 */

/* What may be seen: the good blob, what it decodes to, the good table. */
static struct {
	const struct bytes *blob, *tar, *table;
	unsigned long calls, bytes, unsigned_calls;
	pthread_mutex_t lock; /* the decoders may have threads of their own */
} watched = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void watch(const struct bytes *good, const void *data, size_t size)
{
	(void)pthread_mutex_lock(&watched.lock);
	watched.calls++;
	watched.bytes += size;
	if (size > 0 && (good == NULL || memmem(good->data, good->size, data, size) == NULL))
		watched.unsigned_calls++;
	(void)pthread_mutex_unlock(&watched.lock);
}

/* NOLINTBEGIN: the linker's names */
int __real_inflate(z_stream *stream, int flush);
int __wrap_inflate(z_stream *stream, int flush);
int __wrap_inflate(z_stream *stream, int flush)
{
	watch(watched.blob, stream->next_in, stream->avail_in);
	return __real_inflate(stream, flush);
}

size_t __real_ZSTD_decompressStream(ZSTD_DCtx *context, ZSTD_outBuffer *out, ZSTD_inBuffer *in);
size_t __wrap_ZSTD_decompressStream(ZSTD_DCtx *context, ZSTD_outBuffer *out, ZSTD_inBuffer *in);
size_t __wrap_ZSTD_decompressStream(ZSTD_DCtx *context, ZSTD_outBuffer *out, ZSTD_inBuffer *in)
{
	watch(watched.blob, (const uint8_t *)in->src + in->pos, in->size - in->pos);
	return __real_ZSTD_decompressStream(context, out, in);
}

int __real_gate_push(struct gate *gate, const uint8_t *data, size_t size, struct error *e);
int __wrap_gate_push(struct gate *gate, const uint8_t *data, size_t size, struct error *e);
int __wrap_gate_push(struct gate *gate, const uint8_t *data, size_t size, struct error *e)
{
	watch(watched.tar, data, size);
	return __real_gate_push(gate, data, size, e);
}

int __real_piece_table_decode(const struct verified *bytes, const struct layer_record *record,
	struct piece_table *out, struct error *e);
int __wrap_piece_table_decode(const struct verified *bytes, const struct layer_record *record,
	struct piece_table *out, struct error *e);
int __wrap_piece_table_decode(const struct verified *bytes, const struct layer_record *record,
	struct piece_table *out, struct error *e)
{
	watch(watched.table, verified_data(bytes), verified_size(bytes));
	return __real_piece_table_decode(bytes, record, out, e);
}
/* NOLINTEND */

/* --- layers -------------------------------------------------------------------------------------
 */

static unsigned long flips, failures, wanted;
static size_t bit_step = 1; /* each bit; with the sanitizers another one of most bytes */

/* What a layer that was refused has left, which it may have of its good pieces. */
static void empty_root(int root_fd)
{
	for (size_t i = 0; i < sizeof random_layer_paths / sizeof *random_layer_paths; i++)
		if (unlinkat(root_fd, random_layer_paths[i], 0) != 0 && errno == EISDIR)
			(void)unlinkat(root_fd, random_layer_paths[i], AT_REMOVEDIR);
}

static void complain(const char *what, size_t bit, int status, const struct error *e)
{
	if (failures++ < 10)
		printf("# %s, bit %zu: %s: %s\n", what, bit,
			status == 0 ? "taken" : error_code_name(e->code), e->text);
}

/* One unpacking of what is damaged: DIGEST, and nothing that is not signed was parsed. */
static void try_flip(struct layer *layer, struct sandbox *sandbox, bool stays_empty,
	const char *what, size_t bit)
{
	struct unpack_result result;
	struct error e;
	watched.unsigned_calls = 0;
	unpack_workers = flips % 16 == 0 ? 2 : 0; /* to start threads takes longer than all else */
	int status = unpack_layer(layer, sandbox, false, &result, &e);
	flips++;
	if (status != -1 || e.code != ERROR_DIGEST || watched.unsigned_calls > 0 ||
		(stays_empty && !sandbox_root_is_empty(sandbox)))
		complain(what, bit, status, &e);
	if (!stays_empty)
		empty_root(sandbox->root_fd);
}

static size_t first_piece_bytes(const struct layer *layer)
{
	return (size_t)layer->table.data[PIECES_HEADER_BYTES] |
	       (size_t)layer->table.data[PIECES_HEADER_BYTES + 1] << 8;
}

static void flip_each_bit(struct layer *layer, struct sandbox *sandbox)
{
	size_t first_bits = first_piece_bytes(layer) * 8;
	for (size_t bit = 0; bit < layer->blob.size * 8; bit += bit_step) {
		layer->blob.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		try_flip(layer, sandbox, bit < first_bits, "blob", bit);
		layer->blob.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t bit = 0; bit < layer->table.size * 8; bit += bit_step) {
		layer->table.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		try_flip(layer, sandbox, true, "piece table", bit);
		layer->table.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

/* The watchers see all of a good layer, or they would prove nothing. */
static bool good_layer_is_watched(
	struct layer *layer, struct sandbox *sandbox, const struct bytes *tar)
{
	struct unpack_result result;
	struct error e;
	watched.bytes = watched.unsigned_calls = 0;
	if (unpack_layer(layer, sandbox, false, &result, &e) != 0) {
		printf("# good layer: %s\n", e.text);
		return false;
	}
	unpack_result_free(&result);
	empty_root(sandbox->root_fd);
	size_t least = tar->size + layer->table.size +
		       (layer->record.media == MEDIA_TAR ? 0 : layer->blob.size);
	return watched.unsigned_calls == 0 && watched.bytes >= least &&
	       sandbox_root_is_empty(sandbox);
}

static void flips_every_bit_of_layers(void)
{
	uint64_t seed = promise_seed(11);
	bool watching = true, untouched = true;
	unsigned long layers = 0;
	while (flips < wanted) {
		struct bytes tar = random_tar(&seed, 600);
		for (enum media media = MEDIA_TAR; media < MEDIA_TYPES; media++) {
			struct layer layer;
			struct sandbox sandbox;
			struct bytes blob = {0}, table = {0};
			random_layer(&layer, media, &tar, &seed, 3000, 500);
			bytes_add(&blob, layer.blob.data, layer.blob.size);
			bytes_add(&table, layer.table.data, layer.table.size);
			watched.blob = &blob;
			watched.tar = &tar;
			watched.table = &table;
			sandbox_open(&sandbox);
			watching &= good_layer_is_watched(&layer, &sandbox, &tar);
			flip_each_bit(&layer, &sandbox);
			untouched &= good_layer_is_watched(&layer, &sandbox, &tar) &&
				     sandbox_untouched(&sandbox);
			sandbox_close(&sandbox);
			layer_free(&layer);
			bytes_free(&blob);
			bytes_free(&table);
			layers++;
		}
		bytes_free(&tar);
	}
	ok(watching, "the parsers are watched: what is signed reaches them, all of it");
	ok(untouched, "and %lu layers have changed nothing outside", layers);
	printf("# %lu layers and their piece tables, every %zu. bit\n", layers, bit_step);
}

/* --- a stack file and its signature -------------------------------------------------------------
 */

static const char stack_text[] =
	"plyboot stack 1\nname demo\nversion 8\nfloor 3\ncreated 2026-11-23T15:06:12Z\n"
	"architecture x86_64\n"
	"layer sha256:1111111111111111111111111111111111111111111111111111111111111111\n"
	"media-type application/vnd.oci.image.layer.v1.tar+zstd\nstored 123456\nunpacked 345678\n"
	"entries 1200\nlargest-piece 65536\nuser-xattrs none\n"
	"pieces sha256:2222222222222222222222222222222222222222222222222222222222222222\n"
	"upper none\ninit /sbin/init\non-failure halt\n---\n";

struct envelope {
	struct signer signer;
	struct bytes file;
};

static void sign_envelope(struct envelope *out)
{
	struct signature_line line;
	struct digest hash;
	char text[SIGNED_LINE_SIZE];
	*out = (struct envelope){.file = {0}};
	signer_open(
		"c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721", &out->signer);
	bytes_add(&out->file, stack_text, sizeof stack_text - 1);
	digest_of(out->file.data, out->file.size, &hash);
	line.key_id = out->signer.key.id;
	signer_sign(&out->signer, &hash, line.signature);
	signed_format_line(&line, text);
	bytes_add(&out->file, text, strlen(text));
}

/* No verified text comes of it, so there is nothing that stack_decode() could be given. */
static enum error_code verify(const struct envelope *envelope)
{
	const struct signature_policy policy = {
		.keys = &envelope->signer.key, .key_count = 1, .needed = 1};
	struct verified *text = NULL;
	struct signed_by who;
	struct error e = {0};
	memset(&who, UNTOUCHED, sizeof who);
	if (signed_verify(envelope->file.data, envelope->file.size, &policy, &text, &who, &e) ==
		0) {
		verified_free(text);
		return ERROR_NONE;
	}
	return text == NULL && is_untouched(&who, sizeof who) ? e.code : ERROR_CODES;
}

/* Where a byte stands says with what its change may be refused. */
static bool code_fits(size_t at, uint8_t now, enum error_code code)
{
	enum { KEY_ID_END = sizeof stack_text - 1 + 71, ALGORITHM_END = KEY_ID_END + 18 };
	bool printable = (now >= 0x20 && now <= 0x7e) || now == '\n';
	if (!printable)
		return code == ERROR_FORMAT;
	if (at < sizeof stack_text - 1)
		return code == ERROR_SIGNATURE || (code == ERROR_FORMAT && now == '\n');
	if (at < KEY_ID_END)
		return code == ERROR_KEY || code == ERROR_FORMAT;
	if (at < ALGORITHM_END)
		return code == ERROR_FORMAT;
	return code == ERROR_SIGNATURE || code == ERROR_FORMAT;
}

/* Each bit of each byte, or all 255 changes. */
static void changes_every_byte_of_a_stack_file(bool all)
{
	struct envelope envelope;
	unsigned long counts[ERROR_CODES + 1] = {0}, before = flips;
	sign_envelope(&envelope);
	ok(verify(&envelope) == ERROR_NONE, "the stack file as it was signed is taken");
	for (size_t at = 0; at < envelope.file.size; at++) {
		uint8_t *byte = &envelope.file.data[at], good = *byte;
		for (unsigned change = 1; change < 256; change = all ? change + 1 : change * 2) {
			*byte = (uint8_t)(good ^ change);
			enum error_code code = verify(&envelope);
			flips++;
			counts[code]++;
			if (!code_fits(at, *byte, code) && failures++ < 10)
				printf("# stack file, byte %zu, %02x for %02x: %d\n", at, *byte,
					good, (int)code);
		}
		*byte = good;
	}
	printf("# stack file: %lu changes: %lu FORMAT, %lu SIGNATURE, %lu KEY\n", flips - before,
		counts[ERROR_FORMAT], counts[ERROR_SIGNATURE], counts[ERROR_KEY]);
	bytes_free(&envelope.file);
}

int main(void)
{
	if (!have_root())
		return 0;
	wanted = promise_count(500000, 10000);
	bit_step = wanted < 100000 ? 9 : 1;
	changes_every_byte_of_a_stack_file(wanted >= 5000000);
	flips_every_bit_of_layers();
	promise_result("P1", flips, "flips", failures);
	return done();
}

/* plyboot push: a stack goes to a registry, as an ordinary image. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../layers/scope.h"
#include "carrier.h"
#include "deflate.h"
#include "image_index.h"
#include "report.h"
#include "scratch.h"
#include "skopeo.h"
#include "stack_file.h"
#include "stack_image.h"
#include "verbs.h"

struct push_options {
	const char *store, *authfile;
	bool insecure;
};

#define FIELD(name_) .offset = offsetof(struct push_options, name_)
static const struct option_spec options[] = {
	{.name = "--store",
		.kind = OPTION_TEXT,
		FIELD(store),
		.value = "DIR",
		.help = "where the stack is; default: $PLYBOOT_STORE, else ./store"},
	{.name = "--insecure",
		.kind = OPTION_FLAG,
		FIELD(insecure),
		.help = "also over plain http, or to who has no certificate"},
	{.name = "--authfile",
		.kind = OPTION_TEXT,
		FIELD(authfile),
		.value = "FILE",
		.help = "with the passwords of registries, for skopeo"},
	{0},
};
#undef FIELD

static const char image_name[] = "stack"; /* in the layout that skopeo reads */

/* A stack on its way. */
struct push {
	struct layout store;
	struct stack_file file;
	struct scratch scratch;
	struct layout layout; /* in the scratch: what skopeo reads */
	char layout_path[32];
	struct stack_image image;
};

/* --- the layers */

/* skopeo shall read the store's blobs where they are. */
static int link_blob(const struct push *self, const char *store_path, const struct digest *digest,
	struct error *e)
{
	char path[LAYOUT_BLOB_PATH_SIZE];
	SCOPED_FREE char *target = NULL;
	layout_blob_path(digest, path);
	if (asprintf(&target, "%s/%s", store_path, path) < 0) {
		target = NULL;
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	}
	if (symlinkat(target, self->layout.fd, path) != 0)
		return error_errno(e, errno, "a link to the blob %s", path);
	return 0;
}

static int add_layers(struct push *self, struct error *e)
{
	const struct stack *stack = &self->file.stack;
	SCOPED_FREE char *store_path = realpath(self->store.path, NULL);
	if (store_path == NULL)
		return error_errno(e, errno, "the path of the store `%s`", self->store.path);
	for (size_t i = 0; i < stack->layer_count; i++) {
		const struct layer_record *record = &stack->layers[i];
		const struct stack_image_layer *known =
			stack_image_find(&self->image, &record->digest);
		if (known != NULL)
			stack_image_add(&self->image, known);
		else if (stack_image_read(&self->image, &self->store, record, NULL, NULL, e) != 0 ||
			 link_blob(self, store_path, &record->digest, e) != 0)
			return -1;
	}
	return 0;
}

/* --- the layer with the stack file */

static bool has_table(const struct carrier *carrier, const struct digest *digest)
{
	for (size_t i = 0; i < carrier->table_count; i++) {
		if (digest_equal(&carrier->tables[i].digest, digest))
			return true;
	}
	return false;
}

static int add_table(
	struct push *self, struct carrier *carrier, const struct digest *digest, struct error *e)
{
	struct carrier_table *table = &carrier->tables[carrier->table_count];
	uint8_t *bytes;
	if (layout_read_blob(&self->store, digest, LIMIT_PIECE_TABLE_BYTES, &bytes,
		    &table->size_bytes, e) != 0)
		return -1;
	table->data = bytes;
	table->digest = *digest;
	carrier->table_count++;
	return 0;
}

static int add_tables(struct push *self, struct carrier *carrier, struct error *e)
{
	const struct stack *stack = &self->file.stack;
	for (size_t i = 0; i < stack->layer_count; i++) {
		const struct digest *digest = &stack->layers[i].pieces;
		if (!has_table(carrier, digest) && add_table(self, carrier, digest, e) != 0)
			return -1;
	}
	return 0;
}

static int make_carrier(struct push *self, struct bytes *tar, struct error *e)
{
	struct carrier carrier = {.stack_file = self->file.bytes,
		.stack_file_bytes = self->file.size_bytes,
		.tables = calloc(self->file.stack.layer_count, sizeof *carrier.tables)};
	if (carrier.tables == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	memcpy(carrier.stack_name, self->file.name, sizeof carrier.stack_name);
	int result = add_tables(self, &carrier, e);
	if (result == 0)
		result = carrier_encode(&carrier, tar, e);
	for (size_t i = 0; i < carrier.table_count; i++)
		free((void *)(uintptr_t)carrier.tables[i].data);
	carrier_free(&carrier);
	return result;
}

static int add_carrier(struct push *self, struct error *e)
{
	struct stack_image_layer layer = {.media = MEDIA_TAR_GZIP};
	SCOPED_BYTES bytes = {0};
	if (make_carrier(self, &bytes, e) != 0)
		return -1;
	digest_of(bytes.data, bytes.size, &layer.diff_id);
	if (deflate_bytes(&bytes, "gzip", e) != 0 ||
		layout_add_blob(&self->layout, bytes.data, bytes.size, &layer.digest, e) != 0)
		return -1;
	layer.size_bytes = bytes.size;
	stack_image_add(&self->image, &layer);
	return 0;
}

/* --- the image */

static int make_image(struct push *self, struct error *e)
{
	const struct bytes *config = &self->image.config, *manifest = &self->image.manifest;
	struct digest digest;
	if (scratch_open(&self->scratch, e) != 0)
		return -1;
	(void)snprintf(
		self->layout_path, sizeof self->layout_path, "/proc/self/fd/%d", self->scratch.fd);
	if (layout_open(self->layout_path, true, &self->layout, e) != 0 ||
		stack_image_open(&self->file.stack, 1, &self->image, e) != 0 ||
		add_layers(self, e) != 0 || add_carrier(self, e) != 0 ||
		stack_image_finish(&self->image, &self->store, &self->file.stack, e) != 0 ||
		layout_add_blob(&self->layout, config->data, config->size, &digest, e) != 0 ||
		layout_add_blob(&self->layout, manifest->data, manifest->size, &digest, e) != 0)
		return -1;
	return image_index_put(&self->layout, &digest, manifest->size, image_name, e);
}

static void say(const struct push *self, const char *destination)
{
	char text[DIGEST_TEXT_SIZE];
	uint64_t total = 0;
	for (size_t i = 0; i + 1 < self->image.layer_count; i++)
		total += self->image.layers[i].size_bytes;
	digest_format(&self->image.manifest_digest, text);
	printf("%s\n%s: %s, %zu layers of %llu bytes\n", text, destination, self->file.name,
		self->image.layer_count - 1, (unsigned long long)total);
}

static int push(struct push *self, const struct skopeo *skopeo, const char *name,
	const char *destination, struct error *e)
{
	if (stack_file_open(&self->store, name, &self->file, e) != 0 || make_image(self, e) != 0)
		return -1;
	if (self->file.signature_count == 0)
		report_warning("%s is not signed: it will not boot", self->file.name);
	printf("skopeo copies %s to %s\n", name, destination);
	if (skopeo_push(skopeo, self->layout.fd, image_name, destination, e) != 0)
		return -1;
	say(self, destination);
	return 0;
}

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	const struct push_options *given = opaque;
	struct push self = {.store = LAYOUT_INIT, .scratch = SCRATCH_INIT, .layout = LAYOUT_INIT};
	struct skopeo skopeo;
	if (skopeo_open(given->insecure, given->authfile, &skopeo, e) != 0 ||
		layout_open(layout_path(given->store), false, &self.store, e) != 0)
		return -1;
	int result = push(&self, &skopeo, operands->items[0], operands->items[1], e);
	stack_image_free(&self.image);
	stack_file_close(&self.file);
	layout_close(&self.layout);
	scratch_remove(&self.scratch);
	layout_close(&self.store);
	return result;
}

const struct verb verb_push = {
	.name = "push",
	.summary = "send a stack to a registry, as an ordinary image",
	.operands = "STACK DESTINATION",
	.operands_min = 2,
	.operands_max = 2,
	.options = options,
	.options_bytes = sizeof(struct push_options),
	.run = run,
	.text = "STACK is NAME-VERSION in the store. DESTINATION is what skopeo calls a place for "
		"an image, such as docker://HOST/NAME:TAG or oci:DIRECTORY:TAG; skopeo is called "
		"for it, and must be there.\n\n"
		"The image has the stack's layers as they are in the store, and one more on top, "
		"small, which carries the signed stack file and the piece tables below .plyboot/. "
		"So any registry takes it, and layers that it has are not sent again. `plyboot "
		"pull` is the way back.\n",
	.examples = "To a registry, in which the layers are maybe already:\n"
		    "  plyboot push demo-1 docker://registry.example/demo:1\n",
};

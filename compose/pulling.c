#include "pulling.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../layers/scope.h"
#include "../layers/syscalls.h"
#include "interrupt.h"
#include "measure.h"
#include "report.h"
#include "stack_file.h"
#include "unzip.h"

static const char image_name[] = "stack"; /* in the scratch's index.json */

/* --- what the image says */

static int refuse_image(struct error *e, const char *why)
{
	report_hint("`plyboot push` makes images that carry a stack; others are for `plyboot "
		    "import`");
	return error_set(e, ERROR_FORMAT, 0, "no image of a stack: %s", why);
}

static const struct oci_descriptor *carrier_layer(const struct pulling *self)
{
	return &self->manifest.layers.items[self->manifest.layers.count - 1];
}

static bool is_type(const struct oci_descriptor *descriptor, const char *media_type)
{
	return descriptor->media_type != NULL && strcmp(descriptor->media_type, media_type) == 0;
}

static int check_manifest(const struct pulling *self, struct error *e)
{
	const struct oci_manifest *manifest = &self->manifest;
	if (manifest->layers.count < 2)
		return refuse_image(e, "it has no layer with a stack file on top of others");
	if (!is_type(carrier_layer(self), media_name(MEDIA_TAR_GZIP)))
		return refuse_image(e, "its top layer is not tar+gzip");
	if (carrier_layer(self)->size_bytes > CARRIER_MAX_BYTES)
		return refuse_image(e, "its top layer is too large for one with a stack file");
	return 0;
}

static int add_blob(struct pulling *self, const struct oci_descriptor *descriptor, struct error *e)
{
	for (size_t i = 0; i < self->blob_count; i++) {
		if (!digest_equal(&self->blobs[i].digest, &descriptor->digest))
			continue;
		if (self->blobs[i].size_bytes == descriptor->size_bytes)
			return 0;
		return error_set(e, ERROR_SIZE, 0, "the image names a blob twice, with two sizes");
	}
	self->blobs[self->blob_count++] = (struct pulling_blob){
		.digest = descriptor->digest, .size_bytes = descriptor->size_bytes};
	return 0;
}

static int list_blobs(struct pulling *self, struct error *e)
{
	const struct oci_manifest *manifest = &self->manifest;
	self->blobs = calloc(manifest->layers.count + 1, sizeof *self->blobs);
	if (self->blobs == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	for (size_t i = 0; i < manifest->layers.count; i++) {
		if (add_blob(self, &manifest->layers.items[i], e) != 0)
			return -1;
	}
	return add_blob(self, &manifest->config, e);
}

static int read_manifest(struct pulling *self, const struct pulling_asked *asked, struct error *e)
{
	if (skopeo_manifest(asked->skopeo, asked->image, &self->document, e) != 0 ||
		oci_manifest_parse(self->document.data, self->document.size, &self->manifest, e) !=
			0 ||
		check_manifest(self, e) != 0)
		return -1;
	return list_blobs(self, e);
}

/* --- what is there already */

/* A second name for a blob of the store, so that skopeo finds it. One whose bytes have rotted is
 * fetched, and so is what can't have a second name. */
static int lend_blob(struct pulling *self, struct pulling_blob *blob, struct error *e)
{
	char path[LAYOUT_BLOB_PATH_SIZE];
	struct error ignored;
	if (layout_check_blob(self->store, &blob->digest, blob->size_bytes, &ignored) != 0 ||
		measure_digest(self->store, &blob->digest, &ignored) != 0)
		return interrupt_check(e);
	layout_blob_path(&blob->digest, path);
	blob->was_there = linkat(self->store->fd, path, self->layout.fd, path, 0) == 0;
	return 0;
}

/* Not the config: skopeo may write a document in place. */
static int lend_blobs(struct pulling *self, struct error *e)
{
	for (size_t i = 0; i < self->blob_count; i++) {
		struct pulling_blob *blob = &self->blobs[i];
		if (!digest_equal(&blob->digest, &self->manifest.config.digest) &&
			lend_blob(self, blob, e) != 0)
			return -1;
	}
	return 0;
}

static int open_scratch(struct pulling *self, struct error *e)
{
	if (scratch_open_in(self->store->fd, &self->scratch, e) != 0)
		return -1;
	(void)snprintf(
		self->layout_path, sizeof self->layout_path, "/proc/self/fd/%d", self->scratch.fd);
	return layout_open(self->layout_path, true, &self->layout, e);
}

/* --- what came */

/* The manifest is asked for twice: another image may have got the name in between. */
static int check_fetched(struct pulling *self, struct error *e)
{
	struct digest digest;
	struct error why;
	digest_of(self->document.data, self->document.size, &digest);
	if (layout_check_blob(&self->layout, &digest, self->document.size, &why) != 0)
		return error_set(e, ERROR_DIGEST, 0, "the image was replaced meanwhile");
	return measure_digest(&self->layout, &carrier_layer(self)->digest, e);
}

static int open_blob_file(struct pulling *self, const struct digest *digest, struct error *e)
{
	char path[LAYOUT_BLOB_PATH_SIZE];
	layout_blob_path(digest, path);
	int fd = sys_openat2(self->layout.fd, path, O_RDONLY, 0, SYS_RESOLVE_STRICT);
	return fd >= 0 ? fd : error_errno(e, errno, "open %s", path);
}

static int unzip_all(int fd, struct bytes *out, struct error *e)
{
	static uint8_t chunk[64 * 1024];
	struct unzip *unzip;
	size_t got = 1;
	int result = 0;
	if (unzip_open(fd, &unzip, e) != 0)
		return -1;
	while (result == 0 && got > 0) {
		result = unzip_read(unzip, chunk, sizeof chunk, &got, e);
		if (result == 0 && got > CARRIER_MAX_BYTES - out->size)
			result = error_set(
				e, ERROR_LIMIT, 0, "more than %d bytes of tar", CARRIER_MAX_BYTES);
		if (result == 0)
			result = bytes_add(out, chunk, got, e);
	}
	unzip_close(unzip);
	return result;
}

static int read_carrier(struct pulling *self, const struct pulling_asked *asked, struct error *e)
{
	uint8_t magic[4] = {0};
	SCOPED_FD fd = open_blob_file(self, &carrier_layer(self)->digest, e);
	if (fd < 0)
		return -1;
	if (pread(fd, magic, sizeof magic, 0) < 0)
		return error_errno(e, errno, "read the layer with the stack file");
	if (unzip_media(magic, sizeof magic) != MEDIA_TAR_GZIP)
		return error_set(e, ERROR_STREAM, 0, "the layer with the stack file is not gzip");
	if (unzip_all(fd, &self->carrier_tar, e) != 0)
		return error_wrap(e, "the layer with the stack file");
	if (carrier_decode(self->carrier_tar.data, self->carrier_tar.size, &self->carrier, e) != 0)
		return -1;
	return carrier_check(&self->carrier, asked->policy, &self->stack, &self->signatures, e);
}

/* The image's layers are the stack's, in order, and the carrier. */
static int compare_layers(const struct pulling *self, struct error *e)
{
	const struct oci_manifest *manifest = &self->manifest;
	if (manifest->layers.count != self->stack.layer_count + 1)
		return error_set(e, ERROR_DIGEST, 0, "the stack has %zu layers, the image %zu",
			self->stack.layer_count, manifest->layers.count - 1);
	for (size_t i = 0; i < self->stack.layer_count; i++) {
		const struct layer_record *record = &self->stack.layers[i];
		const struct oci_descriptor *layer = &manifest->layers.items[i];
		if (!digest_equal(&record->digest, &layer->digest))
			return error_set(e, ERROR_DIGEST, 0,
				"layer %zu of the image is another one than the stack's", i + 1);
		if (record->stored_bytes != layer->size_bytes)
			return error_set(e, ERROR_SIZE, 0,
				"layer %zu has %llu bytes in the image, and %llu in the stack",
				i + 1, (unsigned long long)layer->size_bytes,
				(unsigned long long)record->stored_bytes);
		if (!is_type(layer, media_name(record->media)))
			return error_set(e, ERROR_FORMAT, 0,
				"layer %zu is %s in the stack, and something else in the image",
				i + 1, media_name(record->media));
	}
	return 0;
}

static int check_existing(struct pulling *self, const struct pulling_asked *asked, struct error *e)
{
	struct signature_line lines[LIMIT_SIGNATURES];
	size_t text_bytes, count;
	bool same;
	if (signed_split(self->carrier.stack_file, self->carrier.stack_file_bytes, &text_bytes,
		    lines, &count, e) != 0)
		return -1;
	return stack_file_check_existing(self->store, self->carrier.stack_name,
		self->carrier.stack_file, text_bytes, asked->force, &same, e);
}

static int add_tables(const struct pulling *self, struct layout *to, struct error *e)
{
	struct digest digest;
	for (size_t i = 0; i < self->carrier.table_count; i++) {
		const struct carrier_table *table = &self->carrier.tables[i];
		if (layout_add_blob(to, table->data, table->size_bytes, &digest, e) != 0)
			return -1;
	}
	return 0;
}

/* As `verify` does, where it lies now. */
static int check_layers(struct pulling *self, struct error *e)
{
	if (add_tables(self, &self->layout, e) != 0)
		return -1;
	for (size_t i = 0; i < self->stack.layer_count; i++) {
		if (measure_check(&self->layout, &self->stack.layers[i], e) != 0)
			return error_wrap(e, "layer %zu", i + 1);
	}
	return 0;
}

int pulling_fetch(struct layout *store, const struct pulling_asked *asked, struct pulling *out,
	struct error *e)
{
	*out = (struct pulling){.store = store, .scratch = SCRATCH_INIT, .layout = LAYOUT_INIT};
	printf("skopeo fetches %s\n", asked->image);
	if (read_manifest(out, asked, e) != 0)
		return error_wrap(e, "`%s`", asked->image);
	if (open_scratch(out, e) != 0 || lend_blobs(out, e) != 0 ||
		skopeo_pull(asked->skopeo, asked->image, out->layout.fd, image_name, e) != 0)
		return -1;
	if (check_fetched(out, e) != 0 || read_carrier(out, asked, e) != 0 ||
		compare_layers(out, e) != 0)
		return error_wrap(e, "`%s`", asked->image);
	if (check_existing(out, asked, e) != 0)
		return -1;
	return check_layers(out, e);
}

/* --- into the store */

static int keep_blob(
	struct pulling *self, int blobs_fd, const struct digest *digest, struct error *e)
{
	char path[LAYOUT_BLOB_PATH_SIZE];
	layout_blob_path(digest, path);
	return layout_take_blob(self->store, blobs_fd, strrchr(path, '/') + 1, digest, e);
}

static const struct pulling_blob *find_blob(const struct pulling *self, const struct digest *digest)
{
	size_t i = 0;
	while (!digest_equal(&self->blobs[i].digest, digest))
		i++;
	return &self->blobs[i];
}

/* Layers of the same digest are one file: when it has gone, it is in the store. */
static int keep_layers(struct pulling *self, int blobs_fd, struct error *e)
{
	for (size_t i = 0; i < self->stack.layer_count; i++) {
		const struct digest *digest = &self->stack.layers[i].digest;
		size_t first = 0;
		while (!digest_equal(&self->stack.layers[first].digest, digest))
			first++;
		if (first == i && !find_blob(self, digest)->was_there &&
			keep_blob(self, blobs_fd, digest, e) != 0)
			return -1;
	}
	return 0;
}

int pulling_keep(struct pulling *self, struct error *e)
{
	SCOPED_FD blobs_fd = layout_open_directory(&self->layout, "blobs/sha256", e);
	if (blobs_fd < 0 || keep_layers(self, blobs_fd, e) != 0)
		return -1;
	if (add_tables(self, self->store, e) != 0)
		return -1;
	return stack_file_write(self->store, self->carrier.stack_name, self->carrier.stack_file,
		self->carrier.stack_file_bytes, e);
}

void pulling_close(struct pulling *self)
{
	stack_free(&self->stack);
	carrier_free(&self->carrier);
	bytes_free(&self->carrier_tar);
	oci_manifest_free(&self->manifest);
	bytes_free(&self->document);
	free(self->blobs);
	layout_close(&self->layout);
	scratch_remove(&self->scratch);
}

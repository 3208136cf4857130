/* A source with several layers, each of which can misbehave when its blob is read, which only the
 * child does that unpacks it. */
#ifndef PLYBOOT_TEST_SHELF_H
#define PLYBOOT_TEST_SHELF_H

#include "unpacking.h"

enum { SHELF_MOST = 64 };

static struct shelf {
	struct source source;
	size_t count;
	struct layer layers[SHELF_MOST];
	struct layer_record records[SHELF_MOST];
	int (*acts[SHELF_MOST])(struct error *e); /* before a read of the layer; not 0: it fails */
	unsigned opens;                           /* of blobs and tables */
	int descriptor;                           /* of every blob */
} shelf;

static inline int shelf_read_at(
	struct blob *blob, uint64_t offset, void *buffer, size_t size, struct error *e)
{
	const struct memory_blob *of = ((struct memory_handle *)blob)->of;
	for (size_t i = 0; i < shelf.count; i++)
		if (&shelf.layers[i].source.layer == of && shelf.acts[i] != NULL &&
			shelf.acts[i](e) != 0)
			return -1;
	return memory_read_at(blob, offset, buffer, size, e);
}

static inline int shelf_descriptor(const struct blob *blob)
{
	(void)blob;
	return shelf.descriptor;
}

static const struct blob_ops shelf_blob_ops = {shelf_read_at, shelf_descriptor, memory_close_blob};

static inline int shelf_open_blob(
	struct source *source, const struct digest *name, struct blob **out, struct error *e)
{
	(void)source;
	shelf.opens++;
	for (size_t i = 0; i < shelf.count; i++) {
		struct source *one = &shelf.layers[i].source.source;
		if (memory_open_blob(one, name, out, e) == 0) {
			(*out)->ops = &shelf_blob_ops;
			return 0;
		}
	}
	return -1;
}

static const struct source_ops shelf_ops = {
	memory_no_stacks, memory_no_stack, shelf_open_blob, memory_close};

/* The layer of `items` with the numbers that its record must have. */
static inline void layer_exact(
	struct layer *out, enum media media, const struct item *items, size_t piece_bytes)
{
	struct bytes tar = {0};
	struct sandbox other;
	struct unpack_result result;
	struct error e;
	tar_add_all(&tar, items);
	tar_end(&tar);
	sandbox_open(&other);
	if (unpack_tar_bytes(&tar, MEDIA_TAR, &other, true, &result, &e) != 0) {
		printf("# %s\n", e.text);
		abort();
	}
	layer_of_tar(out, media, &tar, piece_bytes);
	out->record.entries = result.entries;
	out->record.unpacked_bytes = result.unpacked_bytes;
	out->record.user_xattrs = USER_XATTRS_NONE;
	unpack_result_free(&result);
	sandbox_close(&other);
	bytes_free(&tar);
}

static inline void shelf_clear(void)
{
	for (size_t i = 0; i < shelf.count; i++)
		layer_free(&shelf.layers[i]);
	shelf = (struct shelf){.source = {&shelf_ops}, .descriptor = -1};
}

/* On top of those that are there. */
static inline void shelf_add(const struct item *items, enum media media, size_t piece_bytes)
{
	if (shelf.count == SHELF_MOST)
		abort();
	struct layer *layer = &shelf.layers[shelf.count];
	layer_exact(layer, media, items, piece_bytes);
	(void)layer_source(layer);
	shelf.records[shelf.count++] = layer->record;
}

static inline int shelf_open_blobs(void)
{
	int count = 0;
	for (size_t i = 0; i < shelf.count; i++)
		count += shelf.layers[i].source.open_blobs;
	return count;
}

static inline size_t open_descriptors(void)
{
	size_t count = 0;
	DIR *dir = opendir("/proc/self/fd");
	if (dir == NULL)
		abort();
	while (readdir(dir) != NULL)
		count++;
	(void)closedir(dir);
	return count;
}

#endif

/* Random small layers: a tar of every kind of entry, compressed and cut at random. */
#ifndef PLYBOOT_TEST_RANDOM_LAYER_H
#define PLYBOOT_TEST_RANDOM_LAYER_H

#include "counts.h"
#include "memory_source.h"
#include "random.h"

/* Every path that such a tar can have, those below a directory before it. */
static const char *const random_layer_paths[] = {"d/f", "d/h", "d/s", "d/new/deep", "d/new",
	"d/gone", "d", "top", "fifo", "null", "long-name"};

static inline void random_file(struct bytes *tar, const char *path, uint64_t *seed, size_t most)
{
	uint8_t data[4096];
	size_t size = (size_t)random_below(seed, most + 1);
	random_fill(seed, data, size);
	tar_add(tar, &(struct item){.path = path,
			     .body = size > 0 ? (char *)data : NULL,
			     .body_bytes = size,
			     .uid = (unsigned)random_below(seed, 70000),
			     .mtime = (int64_t)random_below(seed, 1 << 30)});
}

/* Files have at most `most` random bytes each, of 4096. */
static inline struct bytes random_tar(uint64_t *seed, size_t most)
{
	struct bytes tar = {0};
	uint64_t with = random_u64(seed);
	tar_add(&tar, &(struct item){.path = "d", .type = '5', .mtime = 3});
	random_file(&tar, "d/f", seed, most);
	if (with & 1)
		tar_add(&tar, &(struct item){.path = "d/h", .type = '1', .link = "d/f"});
	if (with & 2)
		tar_add(&tar, &(struct item){.path = "d/s", .type = '2', .link = "../outside"});
	if (with & 4)
		tar_add(&tar, &(struct item){.path = "fifo", .type = '6', .mode = 0600});
	if (with & 8)
		tar_add(&tar, &(struct item){.path = "null", .type = '3', .major = 1, .minor = 3});
	if (with & 16)
		random_file(&tar, "d/new/deep", seed, most);
	if (with & 32)
		tar_add(&tar, &(struct item){.path = "d/.wh.gone"});
	if (with & 64)
		tar_add(&tar, &(struct item){.path = "d/.wh..wh..opq"});
	if (with & 128)
		tar_add(&tar, &(struct item){.pax_path = "long-name",
				      .body = "x",
				      .pax_mtime = "1.5",
				      .xattr = "user.a",
				      .xattr_value = "1",
				      .xattr_bytes = 1});
	random_file(&tar, "top", seed, most);
	tar_end(&tar);
	return tar;
}

/* A place below `size` for the next cut; pieces have `typical` bytes or so. */
static inline size_t random_cut(uint64_t *seed, size_t left, size_t typical)
{
	size_t size = 1 + (size_t)random_below(seed, 2 * typical);
	return size < left ? size : left;
}

struct cuts {
	struct piece *pieces; /* owned */
	size_t count;
};

/* One run: `stored` bytes of the blob, in pieces. */
static inline void cut_run(struct cuts *cuts, size_t stored, uint64_t decoded, enum media media,
	uint64_t *seed, size_t typical)
{
	while (stored > 0) {
		size_t size = random_cut(seed, stored, typical);
		stored -= size;
		cuts->pieces = reallocarray(cuts->pieces, cuts->count + 1, sizeof *cuts->pieces);
		if (cuts->pieces == NULL)
			abort();
		cuts->pieces[cuts->count++] = (struct piece){.stored_bytes = size,
			.decoded_bytes = media == MEDIA_TAR ? size
					 : stored == 0      ? decoded
							    : 0};
	}
}

/* The tar in runs (members, frames) of `run_bytes` or so, in pieces of `typical` or so; the record
 * signs for exactly what there is. */
static inline void random_layer(struct layer *out, enum media media, const struct bytes *tar,
	uint64_t *seed, size_t run_bytes, size_t typical)
{
	struct bytes blob = {0};
	struct counts counts = counts_of(tar);
	struct cuts cuts = {0};
	for (size_t at = 0; at < tar->size;) {
		size_t size = random_cut(seed, tar->size - at, run_bytes), before = blob.size;
		if (media == MEDIA_TAR_GZIP)
			gzip_add(&blob, tar->data + at, size, NULL);
		else if (media == MEDIA_TAR_ZSTD)
			zstd_add(&blob, tar->data + at, size, NULL);
		else
			bytes_add(&blob, tar->data + at, size);
		cut_run(&cuts, blob.size - before, size, media, seed, typical);
		at += size;
	}
	layer_make(out, media, &blob, cuts.pieces, cuts.count);
	out->record.entries = counts.entries;
	out->record.unpacked_bytes = counts.bytes;
	free(cuts.pieces);
	bytes_free(&blob);
}

#endif

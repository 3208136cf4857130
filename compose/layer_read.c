#include "layer_read.h"

#include <stdio.h>
#include <stdlib.h>

#include "../layers/scope.h"
#include "../layers/unpack.h"
#include "scratch.h"

static int read_layer(struct layout *layout, const struct layer_record *record,
	struct unpack_observer *observer, struct unpack_result *result, struct error *e)
{
	const struct layer_unpack_options options = {
		.user_xattrs_supported = true, .names_only = true, .observer = observer};
	SCOPED_SCRATCH scratch = SCRATCH_INIT;
	if (scratch_open(&scratch, e) != 0)
		return -1;
	return layer_unpack(layout->source, record, scratch.fd, &options, result, e);
}

/* --- an index */

struct indexer {
	struct unpack_observer observer; /* first: an observer is its indexer */
	struct layer_index *index;
	/* Of the contents, if those are asked for: by event, as the index counts them. */
	bool hashes, in_file;
	struct digest *contents;
	size_t count, capacity;
	struct sha256 hash;
};

static void end_file(struct indexer *indexer)
{
	if (indexer->in_file)
		sha256_finish(&indexer->hash, &indexer->contents[indexer->count - 1]);
	indexer->in_file = false;
}

static int begin_event(struct indexer *indexer, bool is_file, struct error *e)
{
	if (!indexer->hashes)
		return 0;
	end_file(indexer);
	if (indexer->count == indexer->capacity) {
		size_t capacity = indexer->capacity * 2 + 256;
		struct digest *contents =
			reallocarray(indexer->contents, capacity, sizeof *contents);
		if (contents == NULL)
			return error_set(e, ERROR_NOSPACE, 0, "no memory for so many files");
		indexer->contents = contents;
		indexer->capacity = capacity;
	}
	indexer->contents[indexer->count++] = (struct digest){.bytes = {0}};
	indexer->in_file = is_file;
	if (is_file)
		sha256_start(&indexer->hash);
	return 0;
}

static int index_entry(struct unpack_observer *self, const struct tree_entry *entry,
	uint64_t size_bytes, struct error *e)
{
	struct indexer *indexer = (struct indexer *)self;
	if (begin_event(indexer, entry->type == '0', e) != 0)
		return -1;
	return layer_index_add(indexer->index, entry, size_bytes, e);
}

static int index_content(
	struct unpack_observer *self, const void *data, size_t size_bytes, struct error *e)
{
	struct indexer *indexer = (struct indexer *)self;
	(void)e;
	if (indexer->in_file)
		sha256_update(&indexer->hash, data, size_bytes);
	return 0;
}

static int index_whiteout(struct unpack_observer *self, const char *path, struct error *e)
{
	struct indexer *indexer = (struct indexer *)self;
	if (begin_event(indexer, false, e) != 0)
		return -1;
	return layer_index_add_whiteout(indexer->index, path, e);
}

static int read_index(struct layout *layout, const struct layer_record *record,
	struct layer_index *out, struct digest **contents, struct error *e)
{
	struct unpack_result result = {0};
	struct layer_index index = {.most_bytes = out->most_bytes};
	struct indexer indexer = {.observer = {.entry = index_entry,
					  .content = index_content,
					  .whiteout = index_whiteout},
		.index = &index,
		.hashes = contents != NULL};
	int status = read_layer(layout, record, &indexer.observer, &result, e);
	if (status == 0) {
		end_file(&indexer);
		status = layer_index_finish(&index, &result, e);
		unpack_result_free(&result);
	}
	if (status != 0) {
		layer_index_free(&index);
		free(indexer.contents);
		return -1;
	}
	*out = index;
	if (contents != NULL)
		*contents = indexer.contents;
	return 0;
}

int layer_read_index(struct layout *layout, const struct layer_record *record,
	struct layer_index *out, struct error *e)
{
	return read_index(layout, record, out, NULL, e);
}

int layer_read_contents(struct layout *layout, const struct layer_record *record,
	struct layer_index *out, struct digest **contents, struct error *e)
{
	return read_index(layout, record, out, contents, e);
}

/* --- one file */

struct reader {
	struct unpack_observer observer; /* first */
	uint32_t wanted, next;
	bool in_it, done;
};

/* An error by which unpacking ends early; nobody sees it. */
static int enough(struct reader *reader, struct error *e)
{
	reader->done = true;
	return error_set(e, ERROR_IO, 0, "the file has been read");
}

static int see_event(struct reader *reader, struct error *e)
{
	if (reader->in_it)
		return enough(reader, e);
	reader->in_it = reader->next++ == reader->wanted;
	return 0;
}

static int read_entry(struct unpack_observer *self, const struct tree_entry *entry,
	uint64_t size_bytes, struct error *e)
{
	(void)entry, (void)size_bytes;
	return see_event((struct reader *)self, e);
}

static int read_content(
	struct unpack_observer *self, const void *data, size_t size_bytes, struct error *e)
{
	if (!((struct reader *)self)->in_it || fwrite(data, 1, size_bytes, stdout) == size_bytes)
		return 0;
	return error_set(e, ERROR_IO, errno, "standard output can't be written");
}

static int read_whiteout(struct unpack_observer *self, const char *path, struct error *e)
{
	(void)path;
	return see_event((struct reader *)self, e);
}

int layer_read_content(
	struct layout *layout, const struct layer_record *record, uint32_t order, struct error *e)
{
	struct unpack_result result = {0};
	struct reader reader = {.observer = {.entry = read_entry,
					.content = read_content,
					.whiteout = read_whiteout},
		.wanted = order};
	int status = read_layer(layout, record, &reader.observer, &result, e);
	unpack_result_free(&result);
	return reader.done ? 0 : status;
}

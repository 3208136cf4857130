/*
 * Layers out of bytes, through the engine and its observer into an index each, and merged: the tree
 * must be that of a naive model, which applies one layer after the other to a list of names, and no
 * byte may get lost in the sums. Three bytes an entry:
 *
 *     type    low 4 bits; above: the mode; 255 ends the layer
 *     path    two components, 4 bits each
 *     more    one component, 4 bits; 4 bits: the size, or what a hard link leads to
 */
#include "compose/merged.h"
#include "layers/bytes.h"

#include "canaries.h"
#include "feed.h"
#include "unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ENTRY_BYTES = 3, LAYERS_MOST = 8, ENTRIES_MOST = 60, PATH_ROOM = 64, NAMES_MOST = 4096 };

static const char *const components[16] = {"", "a", "b", "c", "d", "a-", ".wh.a", ".wh.b", ".wh.c",
	".wh..wh..opq", "a", "b", "a", "e", "a.", "b"};

/* --- a layer */

struct indexer {
	struct unpack_observer observer; /* first */
	struct layer_index *index;
};

static int see_entry(struct unpack_observer *self, const struct tree_entry *entry,
	uint64_t size_bytes, struct error *e)
{
	return layer_index_add(((struct indexer *)self)->index, entry, size_bytes, e);
}

static int see_content(
	struct unpack_observer *self, const void *data, size_t size_bytes, struct error *e)
{
	(void)self, (void)data, (void)size_bytes, (void)e;
	return 0;
}

static int see_whiteout(struct unpack_observer *self, const char *path, struct error *e)
{
	return layer_index_add_whiteout(((struct indexer *)self)->index, path, e);
}

static void add_component(char path[PATH_ROOM], unsigned chosen)
{
	if (path[0] != '\0' && chosen != 0)
		strcat(path, "/");
	strcat(path, components[chosen]);
}

static void add_entry(struct bytes *tar, const uint8_t at[ENTRY_BYTES])
{
	static const char types[16] = "0001111235555556", body[16] = "body";
	char path[PATH_ROOM] = "", link[PATH_ROOM] = "";
	struct item item = {.path = path, .type = types[at[0] & 15], .mode = 0600 | at[0] >> 4};
	add_component(path, at[1] & 15);
	add_component(path, at[1] >> 4);
	add_component(path, at[2] & 15);
	if (path[0] == '\0')
		strcpy(path, "./");
	add_component(link, at[2] >> 4);
	if (item.type == '1' || item.type == '2')
		item.link = link[0] == '\0' ? "a" : link;
	if (item.type == '3')
		item.major = 1;
	if (strstr(path, ".wh.") != NULL)
		item = (struct item){.path = path, .type = '0'};
	else if (item.type == '0' && at[2] >> 4 != 0) {
		item.body = body;
		item.body_bytes = at[2] >> 4;
	}
	tar_add(tar, &item);
}

/* 0, or -1: the engine refuses it. */
static int index_tar(const struct bytes *tar, struct layer_index *index)
{
	static const struct unpack_options limits = {
		.max_unpacked_bytes = 1 << 24, .max_entries = 1000, .names_only = true};
	struct unpack_options options = limits;
	struct indexer indexer = {
		.observer = {.entry = see_entry, .content = see_content, .whiteout = see_whiteout},
		.index = index};
	const struct cut cut = {
		.size_bytes = tar->size, .run_ends = true, .run_decoded_bytes = tar->size};
	struct memory_feed feed = memory_feed(tar->data, &cut, 1);
	struct unpack_result result = {0};
	struct decoder *decoder = NULL;
	struct error e = {0};
	options.observer = &indexer.observer;
	int root_fd = canaries_destination("names");
	must(decoder_open(MEDIA_TAR, &feed.feed, &decoder, &e) == 0);
	int status = unpack_tar(decoder, root_fd, &options, &result, &e);
	decoder_close(decoder);
	memory_feed_close(&feed);
	must(close(root_fd) == 0);
	must(store_remove(canaries.work_fd, "names", &e) == 0);
	if (status == 0)
		must(layer_index_finish(index, &result, &e) == 0);
	unpack_result_free(&result);
	return status;
}

/* --- the model */

struct shown {
	const struct layer_entry *entry, *described;
	size_t layer;
};

static struct shown model[NAMES_MOST];
static size_t model_count;

static bool lies_below(const char *path, const char *above)
{
	size_t length = strlen(above);
	return strcmp(path, above) != 0 &&
	       (length == 0 || (strncmp(path, above, length) == 0 && path[length] == '/'));
}

static bool takes_away(const struct layer_index *layer, const char *path)
{
	for (size_t i = 0; i < layer->count; i++) {
		const struct layer_entry *entry = &layer->entries[i];
		bool other = entry->type != '5';
		if ((other && strcmp(entry->path, path) == 0) ||
			((other || entry->opaque) && lies_below(path, entry->path)))
			return true;
	}
	return false;
}

static struct shown *find(const char *path)
{
	for (size_t i = 0; i < model_count; i++)
		if (strcmp(model[i].entry->path, path) == 0)
			return &model[i];
	return NULL;
}

static void apply(const struct layer_index *layer, size_t number)
{
	size_t kept = 0;
	for (size_t i = 0; i < model_count; i++)
		if (!takes_away(layer, model[i].entry->path))
			model[kept++] = model[i];
	model_count = kept;
	for (size_t i = 0; i < layer->count; i++) {
		const struct layer_entry *entry = &layer->entries[i];
		struct shown *old = find(entry->path);
		bool keeps =
			old != NULL && old->entry->type == '5' && entry->implied && !entry->fresh;
		if (entry->type == LAYER_INDEX_WHITEOUT)
			continue;
		must(model_count < NAMES_MOST);
		if (old == NULL)
			old = &model[model_count++];
		*old = (struct shown){.entry = entry,
			.described = keeps ? old->described : entry,
			.layer = number};
	}
}

/* --- both */

static void compare(const struct merged *merged)
{
	must(merged->count == model_count);
	for (size_t i = 0; i < merged->count; i++) {
		const struct merged_node *node = &merged->nodes[i];
		const struct shown *shown = find(node->entry->path);
		must(shown != NULL && shown->entry == node->entry &&
			shown->described == node->described && shown->layer == node->layer);
		must(merged_find(merged, node->entry->path) == node);
		must(node->end > i && node->end <= merged->count);
		must(i == 0 || (merged->nodes[i - 1].end >= i && node->parent < i));
		must(i == 0 ||
			lies_below(node->entry->path, merged->nodes[node->parent].entry->path));
	}
}

/* Each file's bytes show, or were taken away, once. */
static void check_sums(const struct merged *merged)
{
	uint64_t bytes = 0, names = 0;
	for (size_t i = 0; i < merged->count; i++)
		bytes += merged->nodes[i].bytes;
	for (size_t layer = 0; layer < merged->layer_count; layer++) {
		const struct merged_layer *did = &merged->did[layer];
		bytes += did->removed.bytes + did->replaced.bytes;
		names += did->added.entries - did->removed.entries;
		for (size_t i = 0; i < merged->layers[layer].count; i++)
			if (merged->layers[layer].entries[i].leader == i)
				bytes -= merged->layers[layer].entries[i].size_bytes;
	}
	must(bytes == 0 && names == merged->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct layer_index layers[LAYERS_MOST] = {0};
	size_t count = 0, at = 0;
	struct error e = {0};
	canaries_open();
	model_count = 0;
	while (count < LAYERS_MOST && at < size) {
		struct bytes tar = {0};
		size_t entries = 0;
		for (; at + ENTRY_BYTES <= size && data[at] != 255 && entries < ENTRIES_MOST;
			at += ENTRY_BYTES, entries++)
			add_entry(&tar, data + at);
		at += entries < ENTRIES_MOST; /* what ended it */
		tar_end(&tar);
		if (index_tar(&tar, &layers[count]) == 0) {
			apply(&layers[count], count);
			count++;
		} else {
			layer_index_free(&layers[count]);
		}
		bytes_free(&tar);
	}
	if (count > 0) {
		struct merged merged;
		must(merged_make(layers, count, false, &merged, &e) == 0);
		compare(&merged);
		check_sums(&merged);
		merged_free(&merged);
	}
	for (size_t i = 0; i < count; i++)
		layer_index_free(&layers[i]);
	return 0;
}

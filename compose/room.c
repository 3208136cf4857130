#include "room.h"

#include <stdlib.h>
#include <string.h>

#include "../layers/scope.h"

static void add(struct room_list *list, const struct room_item *item)
{
	if (item->bytes == 0)
		return;
	size_t at = list->count;
	while (at > 0 && list->items[at - 1].bytes < item->bytes)
		at--;
	if (at == ROOM_MOST)
		return;
	size_t kept = list->count < ROOM_MOST ? list->count : ROOM_MOST - 1;
	memmove(&list->items[at + 1], &list->items[at], (kept - at) * sizeof *item);
	list->items[at] = *item;
	list->count = kept + 1;
}

static void count_node(const struct merged_node *node, struct room *out)
{
	switch (node->entry->type) {
	case '0':
		out->files += node->is_first;
		break;
	case '2':
		out->symlinks += node->is_first;
		break;
	case '3':
	case '4':
		out->devices += node->is_first;
		break;
	case '5':
		out->directories++;
		out->implied += node->described->implied;
		out->opaque += node->entry->opaque;
		break;
	case '6':
		out->fifos += node->is_first;
		break;
	default:
		out->whiteouts++;
	}
	out->links += !node->is_first;
	out->bytes += node->bytes;
}

/* `before`: the bytes of all nodes in front of each. */
static void look_at_nodes(const struct merged *merged, const uint64_t *before, struct room *out)
{
	for (size_t i = 0; i < merged->count; i++) {
		const struct merged_node *node = &merged->nodes[i];
		struct room_item item = {
			.bytes = node->bytes, .path = node->entry->path, .layer = node->layer};
		count_node(node, out);
		if (node->entry->type == '0') {
			add(&out->biggest_files, &item);
		} else if (node->entry->type == '5' && i > 0) {
			item.bytes = before[node->end] - before[i];
			add(&out->biggest_directories, &item);
		}
	}
}

static void add_hidden(const struct merged *merged, size_t layer, struct room *out)
{
	const struct layer_index *index = &merged->layers[layer];
	for (size_t i = 0; i < index->count; i++) {
		const struct merged_fate *fate = &merged->fates[layer][i];
		const struct room_item item = {.bytes = index->entries[i].size_bytes,
			.path = index->entries[i].path,
			.layer = (uint16_t)layer,
			.by = fate->by};
		if (index->entries[i].leader == i && fate->visible == 0 &&
			fate->how != MERGED_SHOWS)
			add(&out->biggest_hidden, &item);
	}
}

static void look_at_hidden(const struct merged *merged, struct room *out)
{
	for (size_t layer = 0; layer < merged->layer_count; layer++) {
		const struct merged_layer *did = &merged->did[layer];
		out->hidden.entries += did->removed.entries + did->replaced.entries;
		out->hidden.bytes += did->removed.bytes + did->replaced.bytes;
		add_hidden(merged, layer, out);
	}
}

int room_of(const struct merged *merged, struct room *out, struct error *e)
{
	SCOPED_FREE uint64_t *before = calloc(merged->count + 1, sizeof *before);
	if (before == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	*out = (struct room){0};
	for (size_t i = 0; i < merged->count; i++)
		before[i + 1] = before[i] + merged->nodes[i].bytes;
	look_at_nodes(merged, before, out);
	look_at_hidden(merged, out);
	return 0;
}

#include "merged.h"

#include <stdlib.h>
#include <string.h>

#include "path_order.h"

enum { NO_NODE = -1 };

/* A directory on the way to the current name. */
struct frame {
	const char *path;
	size_t length;
	int64_t node; /* NO_NODE: it doesn't show */
	/* The layers, in their order, that took away what those below them had in it. */
	const uint16_t *cuts;
	size_t cut_count;
	uint16_t *own; /* owned; where `cuts` points unless they are the parent's */
};

struct merging {
	struct merged *merged;
	bool show_whiteouts;
	size_t member_count;
	size_t depth, capacity;
	struct frame *frames;
};

/* One name, seen from the bottom layer up. */
struct name {
	const struct merged_member *members;
	size_t count;
	const struct frame *parent;
	const struct merged_member *top; /* what shows so far, or NULL */
	const struct layer_entry *described;
	bool was_directory; /* in some layer so far */
	uint16_t cuts[LIMIT_LAYERS];
	size_t cut_count;
};

static int no_memory(struct error *e)
{
	return error_set(e, ERROR_NOSPACE, 0, "no memory for the tree of all layers");
}

static bool is_directory(const struct layer_entry *entry)
{
	return entry->type == '5';
}

static bool is_whiteout(const struct layer_entry *entry)
{
	return entry->type == LAYER_INDEX_WHITEOUT;
}

/* --- what a layer did */

static struct merged_fate *fate_of(const struct merged *merged, const struct merged_member *member)
{
	return &merged->fates[member->layer][member->entry->leader];
}

static bool leads(const struct merged *merged, const struct merged_member *member)
{
	const struct layer_index *index = &merged->layers[member->layer];
	return &index->entries[member->entry->leader] == member->entry;
}

static void add_to(
	const struct merged *merged, struct merged_sum *sum, const struct merged_member *member)
{
	sum->entries++;
	if (leads(merged, member))
		sum->bytes += member->entry->size_bytes;
}

/* A name of a lower layer ends at layer `by`. Its file's bytes are summed up later: by then it is
 * known which name was the last. */
static void end_name(const struct merged *merged, const struct merged_member *member, uint16_t by,
	enum merged_how how)
{
	struct merged_fate *fate = fate_of(merged, member);
	merged->hides[by * merged->layer_count + member->layer].entries++;
	if (how == MERGED_REMOVED)
		merged->did[by].removed.entries++;
	else
		merged->did[by].replaced.entries++;
	if (fate->how == MERGED_SHOWS || by > fate->by) {
		fate->by = by;
		fate->how = (uint8_t)how;
	} else if (by == fate->by && how == MERGED_REPLACED) {
		fate->how = MERGED_REPLACED;
	}
}

static void sum_up_layer(const struct merged *merged, size_t layer)
{
	const struct layer_index *index = &merged->layers[layer];
	for (size_t i = 0; i < index->count; i++) {
		const struct merged_fate *fate = &merged->fates[layer][i];
		if (fate->visible > 0 || fate->how == MERGED_SHOWS || index->entries[i].leader != i)
			continue;
		struct merged_layer *did = &merged->did[fate->by];
		uint64_t bytes = index->entries[i].size_bytes;
		if (fate->how == MERGED_REMOVED)
			did->removed.bytes += bytes;
		else
			did->replaced.bytes += bytes;
		merged->hides[fate->by * merged->layer_count + layer].bytes += bytes;
	}
}

/* --- one name */

/* The first layer above `layer` that took away what is in the directory; SIZE_MAX: none. */
static size_t next_cut(const struct frame *parent, size_t layer)
{
	size_t low = 0, high = parent->cut_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (parent->cuts[middle] > layer)
			high = middle;
		else
			low = middle + 1;
	}
	return low < parent->cut_count ? parent->cuts[low] : SIZE_MAX;
}

static void end_top(const struct merged *merged, struct name *name, size_t by, enum merged_how how)
{
	end_name(merged, name->top, (uint16_t)by, how);
	name->top = NULL;
}

static void cut(struct name *name, uint16_t layer)
{
	if (name->was_directory)
		name->cuts[name->cut_count++] = layer;
}

/* `fresh`: what lies below it does not become one with it. */
static void put_directory(const struct merged *merged, struct name *name,
	const struct merged_member *member, bool fresh)
{
	const struct layer_entry *entry = member->entry;
	struct merged_layer *did = &merged->did[member->layer];
	if (name->top == NULL) {
		add_to(merged, &did->added, member);
		name->described = entry;
	} else if (!is_directory(name->top->entry)) {
		add_to(merged, &did->changed, member);
		end_top(merged, name, member->layer, MERGED_REPLACED);
		name->described = entry;
	} else if (fresh || !entry->implied || entry->fresh) {
		if (!layer_entry_same_metadata(entry, name->described))
			add_to(merged, &did->changed, member);
		name->described = entry;
	}
	name->top = member;
	if (entry->opaque)
		cut(name, member->layer);
	name->was_directory = true;
}

static void put_other(
	const struct merged *merged, struct name *name, const struct merged_member *member)
{
	struct merged_layer *did = &merged->did[member->layer];
	add_to(merged, name->top == NULL ? &did->added : &did->changed, member);
	if (name->top != NULL)
		end_top(merged, name, member->layer, MERGED_REPLACED);
	name->top = member;
	name->described = member->entry;
	cut(name, member->layer);
}

static void put(const struct merged *merged, struct name *name, const struct merged_member *member)
{
	size_t by = name->top == NULL ? SIZE_MAX : next_cut(name->parent, name->top->layer);
	if (by < member->layer)
		end_top(merged, name, by, MERGED_REMOVED);
	if (is_directory(member->entry)) {
		put_directory(merged, name, member, by == member->layer);
	} else if (is_whiteout(member->entry)) {
		if (name->top != NULL)
			end_top(merged, name, member->layer, MERGED_REMOVED);
		cut(name, member->layer);
	} else {
		put_other(merged, name, member);
	}
}

static void put_all(const struct merged *merged, struct name *name)
{
	for (size_t i = 0; i < name->count; i++)
		put(merged, name, &name->members[i]);
	size_t by = name->top == NULL ? SIZE_MAX : next_cut(name->parent, name->top->layer);
	if (by != SIZE_MAX)
		end_top(merged, name, by, MERGED_REMOVED);
}

static bool is_shared(const struct name *name)
{
	size_t others = 0;
	for (size_t i = 0; i < name->count; i++)
		others += !is_directory(name->members[i].entry) &&
			  !is_whiteout(name->members[i].entry);
	return others > 1;
}

/* --- nodes and the way to them */

static void add_node(struct merging *merging, const struct name *name,
	const struct merged_member *member, int64_t parent)
{
	struct merged *merged = merging->merged;
	struct merged_fate *fate = fate_of(merged, member);
	merged->nodes[merged->count] = (struct merged_node){.entry = member->entry,
		.described = is_whiteout(member->entry) ? member->entry : name->described,
		.bytes = fate->visible == 0 ? member->entry->size_bytes : 0,
		.is_first = fate->visible == 0,
		.parent = parent == NO_NODE ? 0 : (uint32_t)parent,
		.end = (uint32_t)merged->count + 1,
		.first_member = (uint32_t)(name->members - merged->members),
		.member_count = (uint16_t)name->count,
		.layer = member->layer};
	fate->visible++;
	merged->count++;
}

static void pop(struct merging *merging)
{
	const struct frame *frame = &merging->frames[--merging->depth];
	if (frame->node != NO_NODE)
		merging->merged->nodes[frame->node].end = (uint32_t)merging->merged->count;
}

static bool is_below(const struct frame *frame, const char *path)
{
	return frame->length == 0 ||
	       (strncmp(path, frame->path, frame->length) == 0 && path[frame->length] == '/');
}

/* Both are in the order of layers, and no layer cuts twice. */
static size_t unite(const struct frame *parent, const struct name *name, uint16_t *out)
{
	size_t count = 0, i = 0, j = 0;
	while (i < parent->cut_count || j < name->cut_count) {
		unsigned left = i < parent->cut_count ? parent->cuts[i] : UINT16_MAX;
		unsigned right = j < name->cut_count ? name->cuts[j] : UINT16_MAX;
		out[count++] = (uint16_t)(left < right ? left : right);
		i += left <= right;
		j += right <= left;
	}
	return count;
}

/* The frames move when there come to be more: the parent is below this one. */
static int push(struct merging *merging, const struct name *name, int64_t node, struct error *e)
{
	if (merging->depth == merging->capacity) {
		size_t wanted = merging->capacity * 2 + 64;
		struct frame *grown = reallocarray(merging->frames, wanted, sizeof *grown);
		if (grown == NULL)
			return no_memory(e);
		memset(grown + merging->capacity, 0, (wanted - merging->capacity) * sizeof *grown);
		merging->frames = grown;
		merging->capacity = wanted;
	}
	static const struct frame above_root;
	const struct frame *parent =
		merging->depth == 0 ? &above_root : &merging->frames[merging->depth - 1];
	struct frame *frame = &merging->frames[merging->depth];
	frame->path = name->members[0].entry->path;
	frame->length = strlen(frame->path);
	frame->node = node;
	frame->cuts = parent->cuts;
	frame->cut_count = parent->cut_count;
	if (name->cut_count > 0) {
		if (frame->own == NULL)
			frame->own = calloc(merging->merged->layer_count, sizeof *frame->own);
		if (frame->own == NULL)
			return no_memory(e);
		frame->cut_count = unite(parent, name, frame->own);
		frame->cuts = frame->own;
	}
	merging->depth++;
	return 0;
}

static int take_name(
	struct merging *merging, const struct merged_member *members, size_t count, struct error *e)
{
	static const struct frame above_root = {.node = NO_NODE};
	struct merged *merged = merging->merged;
	struct name name;
	while (merging->depth > 0 &&
		!is_below(&merging->frames[merging->depth - 1], members[0].entry->path))
		pop(merging);
	name.members = members;
	name.count = count;
	name.parent = merging->depth == 0 ? &above_root : &merging->frames[merging->depth - 1];
	name.top = NULL;
	name.described = NULL;
	name.was_directory = false;
	name.cut_count = 0; /* and the rest of it is not worth zeroing for each name */
	put_all(merged, &name);
	merged->shared_paths += is_shared(&name);

	int64_t node = NO_NODE, parent = name.parent->node;
	const struct merged_member *last = &members[count - 1];
	if (name.top == NULL && merging->show_whiteouts && is_whiteout(last->entry))
		name.top = last;
	if (name.top != NULL) {
		node = (int64_t)merged->count;
		add_node(merging, &name, name.top, parent);
	}
	return name.was_directory ? push(merging, &name, node, e) : 0;
}

/* --- all of them */

static int compare_members(const void *a, const void *b)
{
	const struct merged_member *left = a, *right = b;
	int order = path_compare(left->entry->path, right->entry->path);
	return order != 0 ? order : (int)left->layer - (int)right->layer;
}

static void collect(struct merging *merging)
{
	struct merged *merged = merging->merged;
	for (size_t layer = 0; layer < merged->layer_count; layer++)
		for (size_t i = 0; i < merged->layers[layer].count; i++)
			merged->members[merging->member_count++] =
				(struct merged_member){.entry = &merged->layers[layer].entries[i],
					.layer = (uint16_t)layer};
	if (merged->layer_count > 1)
		qsort(merged->members, merging->member_count, sizeof *merged->members,
			compare_members);
}

static int walk(struct merging *merging, struct error *e)
{
	const struct merged_member *members = merging->merged->members;
	for (size_t at = 0; at < merging->member_count;) {
		size_t end = at + 1;
		while (end < merging->member_count &&
			strcmp(members[end].entry->path, members[at].entry->path) == 0)
			end++;
		if (take_name(merging, members + at, end - at, e) != 0)
			return -1;
		at = end;
	}
	while (merging->depth > 0)
		pop(merging);
	return 0;
}

static int open_merged(struct merged *merged, struct error *e)
{
	size_t total = 0, layers = merged->layer_count;
	merged->fates = calloc(layers, sizeof *merged->fates);
	merged->did = calloc(layers, sizeof *merged->did);
	merged->hides = calloc(layers * layers, sizeof *merged->hides);
	for (size_t i = 0; i < layers && merged->fates != NULL; i++) {
		size_t count = merged->layers[i].count;
		total += count;
		merged->fates[i] = calloc(count + 1, sizeof *merged->fates[i]);
		if (merged->fates[i] == NULL)
			return no_memory(e);
	}
	merged->members = calloc(total + 1, sizeof *merged->members);
	merged->nodes = calloc(total + 1, sizeof *merged->nodes);
	if (merged->fates == NULL || merged->did == NULL || merged->hides == NULL ||
		merged->members == NULL || merged->nodes == NULL)
		return no_memory(e);
	return 0;
}

int merged_make(const struct layer_index *layers, size_t count, bool show_whiteouts,
	struct merged *out, struct error *e)
{
	struct merged merged = {.layers = layers, .layer_count = count};
	struct merging merging = {.merged = &merged, .show_whiteouts = show_whiteouts};
	int result = open_merged(&merged, e);
	if (result == 0) {
		collect(&merging);
		result = walk(&merging, e);
	}
	for (size_t i = 0; i < count && result == 0; i++)
		sum_up_layer(&merged, i);
	for (size_t i = 0; i < merging.capacity; i++)
		free(merging.frames[i].own);
	free(merging.frames);
	if (result == 0)
		*out = merged;
	else
		merged_free(&merged);
	return result;
}

void merged_free(struct merged *merged)
{
	for (size_t i = 0; i < merged->layer_count && merged->fates != NULL; i++)
		free(merged->fates[i]);
	free(merged->fates);
	free(merged->did);
	free(merged->hides);
	free(merged->members);
	free(merged->nodes);
	*merged = (struct merged){0};
}

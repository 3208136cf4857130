#include "layer_index.h"

#include <stdlib.h>
#include <string.h>

#include "../layers/scope.h"
#include "path_order.h"

/* Of a name in each order that counts: what was unpacked there last, else that it was implied, else
 * a whiteout. (An entry is never replaced by anything but an entry, and a whiteout never replaces.)
 */
enum rank { RANK_WHITEOUT, RANK_ENTRY, RANK_IMPLIED };

static int no_memory(struct error *e)
{
	return error_set(e, ERROR_NOSPACE, 0, "no memory for an index of the layer");
}

uint64_t layer_index_bytes(const struct layer_index *index)
{
	return index->hoard.bytes + index->capacity * sizeof *index->entries;
}

static int check_room(const struct layer_index *index, struct error *e)
{
	uint64_t most = index->most_bytes != 0 ? index->most_bytes : LAYER_INDEX_MOST_BYTES;
	if (layer_index_bytes(index) <= most)
		return 0;
	return error_set(e, ERROR_LIMIT, 0, "an index of all names takes more than %llu MiB",
		(unsigned long long)(most >> 20));
}

/* --- adding */

static int add(
	struct layer_index *index, const char *path, struct layer_entry **out, struct error *e)
{
	if (index->count == index->capacity) {
		size_t wanted = index->capacity + index->capacity / 2 + 64;
		struct layer_entry *grown = reallocarray(index->entries, wanted, sizeof *grown);
		if (grown == NULL)
			return no_memory(e);
		index->entries = grown;
		index->capacity = wanted;
	}
	char *copy = hoard_text(&index->hoard, path);
	if (copy == NULL)
		return no_memory(e);
	*out = &index->entries[index->count];
	**out = (struct layer_entry){.path = copy, .order = (uint32_t)index->count};
	index->count++;
	return check_room(index, e);
}

static int compare_xattrs(const void *a, const void *b)
{
	return strcmp(((const struct xattr *)a)->name, ((const struct xattr *)b)->name);
}

static int add_xattrs(struct layer_index *index, const struct xattr_list *list,
	struct layer_entry *out, struct error *e)
{
	if (list->count == 0)
		return 0;
	struct xattr *items = hoard_room(&index->hoard, list->count * sizeof *items);
	if (items == NULL)
		return no_memory(e);
	for (size_t i = 0; i < list->count; i++) {
		size_t size = list->items[i].size_bytes;
		char *name = hoard_text(&index->hoard, list->items[i].name);
		void *value = hoard_room(&index->hoard, size);
		if (name == NULL || value == NULL)
			return no_memory(e);
		if (size > 0)
			memcpy(value, list->items[i].value, size);
		items[i] = (struct xattr){.name = name, .value = value, .size_bytes = size};
	}
	qsort(items, list->count, sizeof *items, compare_xattrs);
	out->xattrs = items;
	out->xattr_count = (uint8_t)list->count;
	return 0;
}

int layer_index_add(struct layer_index *index, const struct tree_entry *entry, uint64_t size_bytes,
	struct error *e)
{
	struct layer_entry *out;
	if (add(index, entry->path, &out, e) != 0)
		return -1;
	out->type = entry->type;
	if (entry->link != NULL) {
		out->link = hoard_text(&index->hoard, entry->link);
		if (out->link == NULL)
			return no_memory(e);
	}
	if (entry->type == '1')
		return check_room(index, e); /* the rest is its first name's */
	out->mode = (uint16_t)entry->mode;
	out->uid = entry->uid;
	out->gid = entry->gid;
	out->mtime = entry->mtime;
	out->device = entry->type == '3' || entry->type == '4' ? entry->device : 0;
	out->size_bytes = entry->type == '0' ? size_bytes : 0;
	if (entry->type == '2')
		out->mode = 0777; /* that of every symlink */
	if (add_xattrs(index, &entry->xattrs, out, e) != 0)
		return -1;
	return check_room(index, e);
}

int layer_index_add_whiteout(struct layer_index *index, const char *path, struct error *e)
{
	struct layer_entry *out;
	if (add(index, path, &out, e) != 0)
		return -1;
	out->type = LAYER_INDEX_WHITEOUT;
	return 0;
}

/* --- what came of it */

static enum rank rank_of(const struct layer_entry *entry)
{
	if (entry->implied)
		return RANK_IMPLIED;
	return entry->type == LAYER_INDEX_WHITEOUT ? RANK_WHITEOUT : RANK_ENTRY;
}

/* By name; of a name, what counts comes last. */
static int compare_events(const void *a, const void *b)
{
	const struct layer_entry *left = *(const struct layer_entry *const *)a,
				 *right = *(const struct layer_entry *const *)b;
	int order = path_compare(left->path, right->path);
	if (order == 0)
		order = (int)rank_of(left) - (int)rank_of(right);
	return order != 0 ? order : (left->order > right->order) - (left->order < right->order);
}

struct sorting {
	struct layer_entry *events; /* in the order that they came */
	size_t count;
	struct layer_entry **sorted;
	uint32_t *first; /* of each event: that whose file it is, itself for most */
};

/* What was last unpacked at a path before the event `before`; NULL: nothing. */
static const struct layer_entry *find_before(
	const struct sorting *sorting, const char *path, uint32_t before)
{
	const struct layer_entry key = {.path = path, .type = '0', .order = before};
	const struct layer_entry *const key_pointer = &key;
	size_t low = 0, high = sorting->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare_events(&sorting->sorted[middle], &key_pointer) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return NULL;
	const struct layer_entry *found = sorting->sorted[low - 1];
	return strcmp(found->path, path) == 0 && rank_of(found) == RANK_ENTRY ? found : NULL;
}

static int resolve_links(struct sorting *sorting, struct error *e)
{
	for (size_t i = 0; i < sorting->count; i++) {
		const struct layer_entry *event = &sorting->events[i];
		sorting->first[i] = (uint32_t)i;
		if (event->type != '1')
			continue;
		const struct layer_entry *target = find_before(sorting, event->link, (uint32_t)i);
		if (target == NULL || target->type == '5')
			return error_set(e, ERROR_PATH, 0,
				"hard link `%.80s` to `%.80s`, which is no file of this layer",
				event->path, event->link);
		sorting->first[i] = sorting->first[target->order];
	}
	return 0;
}

static bool counts(const struct sorting *sorting, size_t i)
{
	return i + 1 == sorting->count ||
	       strcmp(sorting->sorted[i]->path, sorting->sorted[i + 1]->path) != 0;
}

/* `first` then says where in the index the first name of each file is. */
static void take(struct sorting *sorting, struct layer_entry *out, size_t *out_count)
{
	static const uint32_t none = UINT32_MAX;
	size_t count = 0;
	for (size_t i = 0; i < sorting->count; i++) {
		if (!counts(sorting, i))
			continue;
		const struct layer_entry *event = sorting->sorted[i];
		out[count] = sorting->events[sorting->first[event->order]];
		out[count++].path = event->path;
	}
	uint32_t *leaders = sorting->first;
	for (size_t i = 0; i < sorting->count; i++)
		leaders[i] = none;
	for (size_t i = 0; i < count; i++) {
		uint32_t *leader = &leaders[out[i].order];
		if (*leader == none)
			*leader = (uint32_t)i;
		out[i].leader = *leader;
		out[*leader].names++;
	}
	for (size_t i = 0; i < count; i++)
		out[i].names = out[out[i].leader].names;
	*out_count = count;
}

static int add_implied(struct layer_index *index, const struct path_list *implied, struct error *e)
{
	for (size_t i = 0; i < implied->count; i++) {
		struct layer_entry *out;
		if (implied->items[i].value == IMPLIED_NOT)
			continue; /* its whiteouts were seen, each by itself */
		if (add(index, implied->items[i].path, &out, e) != 0)
			return -1;
		out->type = '5';
		out->mode = 0755;
		out->implied = true;
		out->fresh = implied->items[i].value == IMPLIED_FRESH;
	}
	return 0;
}

static struct layer_entry *find(const struct layer_index *index, const char *path)
{
	size_t low = 0, high = index->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = path_compare(path, index->entries[middle].path);
		if (order == 0)
			return &index->entries[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static void mark_opaque(struct layer_index *index, const struct path_list *opaque)
{
	for (size_t i = 0; i < opaque->count; i++) {
		struct layer_entry *entry = find(index, opaque->items[i].path);
		if (entry != NULL)
			entry->opaque = true;
	}
}

static int sort_and_take(struct layer_index *index, struct error *e)
{
	struct sorting sorting = {.events = index->entries, .count = index->count};
	SCOPED_FREE struct layer_entry **sorted = calloc(index->count + 1, sizeof(void *));
	SCOPED_FREE uint32_t *first = calloc(index->count + 1, sizeof *first);
	SCOPED_FREE struct layer_entry *taken = calloc(index->count + 1, sizeof *taken);
	if (sorted == NULL || first == NULL || taken == NULL)
		return no_memory(e);
	for (size_t i = 0; i < index->count; i++)
		sorted[i] = &index->entries[i];
	qsort(sorted, index->count, sizeof(void *), compare_events);
	sorting.sorted = sorted;
	sorting.first = first;
	if (resolve_links(&sorting, e) != 0)
		return -1;
	size_t capacity = index->count + 1;
	take(&sorting, taken, &index->count);
	free(index->entries);
	index->entries = SCOPE_TAKE(taken);
	index->capacity = capacity;
	return 0;
}

int layer_index_finish(
	struct layer_index *index, const struct unpack_result *result, struct error *e)
{
	if (add_implied(index, &result->implied, e) != 0 || sort_and_take(index, e) != 0)
		return -1;
	mark_opaque(index, &result->opaque);
	return 0;
}

void layer_index_free(struct layer_index *index)
{
	free(index->entries);
	hoard_free(&index->hoard);
	*index = (struct layer_index){0};
}

bool layer_entry_same_metadata(const struct layer_entry *a, const struct layer_entry *b)
{
	if (a->mode != b->mode || a->uid != b->uid || a->gid != b->gid ||
		a->mtime.tv_sec != b->mtime.tv_sec || a->mtime.tv_nsec != b->mtime.tv_nsec ||
		a->xattr_count != b->xattr_count)
		return false;
	for (size_t i = 0; i < a->xattr_count; i++) {
		const struct xattr *x = &a->xattrs[i], *y = &b->xattrs[i];
		if (strcmp(x->name, y->name) != 0 || x->size_bytes != y->size_bytes ||
			memcmp(x->value, y->value, x->size_bytes) != 0)
			return false;
	}
	return true;
}

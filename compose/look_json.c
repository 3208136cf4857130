#include "look_json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "../layers/base64.h"
#include "../layers/scope.h"
#include "shown.h"

/* An object that is being filled, and whether all of it went in. */
struct object {
	json_t *json;
	bool failed;
};

static struct object object_new(void)
{
	json_t *json = json_object();
	return (struct object){.json = json, .failed = json == NULL};
}

static void put(struct object *object, const char *key, json_t *value)
{
	if (json_object_set_new(object->json, key, value) != 0)
		object->failed = true;
}

static void put_object(struct object *object, const char *key, struct object value)
{
	object->failed |= value.failed;
	put(object, key, value.json);
}

static void append(struct object *object, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) != 0)
		object->failed = true;
}

static void put_number(struct object *object, const char *key, uint64_t value)
{
	put(object, key, json_integer((json_int_t)value));
}

static json_t *base64(const void *data, size_t size_bytes)
{
	SCOPED_FREE char *text = malloc(BASE64_LENGTH(size_bytes) + 1);
	if (text == NULL)
		return NULL;
	base64_encode(data, size_bytes, text);
	return json_string(text);
}

/* Escaped as in the other output. The caller frees; NULL: no memory. */
static char *escaped(const char *text)
{
	char *out = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&out, &size);
	if (to == NULL)
		return NULL;
	shown_print(text, to);
	if (fclose(to) == 0)
		return out;
	free(out);
	return NULL;
}

/* JSON has no bytes: what is no UTF-8 comes escaped, and exactly in a second key. */
static void put_name(struct object *object, const char *key, const char *text)
{
	if (shown_is_utf8(text)) {
		put(object, key, json_string(text));
		return;
	}
	char exactly[32];
	SCOPED_FREE char *shown = escaped(text);
	(void)snprintf(exactly, sizeof exactly, "%s_base64", key);
	put(object, key, shown == NULL ? NULL : json_string(shown));
	put(object, exactly, base64(text, strlen(text)));
}

/* With the slash in front that paths in the tree have. */
static void put_path(struct object *object, const char *path)
{
	char absolute[LIMIT_PATH_BYTES + 2] = "/";
	memcpy(absolute + 1, path, strlen(path) + 1);
	put_name(object, "path", absolute);
}

/* In one line, and freed. */
static int print(struct object *object, struct error *e)
{
	int result = 0;
	if (object->failed)
		result = error_set(e, ERROR_NOSPACE, 0, "no memory");
	else if (json_dumpf(object->json, stdout, JSON_COMPACT) != 0)
		result = error_set(e, ERROR_IO, errno, "standard output can't be written");
	else
		putchar('\n');
	json_decref(object->json);
	return result;
}

/* --- a node */

static const char *type_name(char type)
{
	static const struct {
		char type;
		const char *name;
	} names[] = {{'0', "file"}, {'2', "symlink"}, {'3', "char"}, {'4', "block"},
		{'5', "directory"}, {'6', "fifo"}};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].type == type)
			return names[i].name;
	return "whiteout";
}

static void put_xattrs(struct object *object, const struct layer_entry *entry)
{
	struct object xattrs = object_new();
	for (size_t i = 0; i < entry->xattr_count; i++) {
		const struct xattr *xattr = &entry->xattrs[i];
		SCOPED_FREE char *name = escaped(xattr->name);
		if (name == NULL)
			xattrs.failed = true;
		else
			put(&xattrs, name, base64(xattr->value, xattr->size_bytes));
	}
	put_object(object, "xattrs", xattrs);
}

static void put_metadata(
	struct object *object, const struct merged *merged, const struct merged_node *node)
{
	const struct layer_entry *entry = node->described;
	char mode[8];
	(void)snprintf(mode, sizeof mode, "%04o", entry->mode);
	put(object, "mode", json_string(mode));
	put_number(object, "uid", entry->uid);
	put_number(object, "gid", entry->gid);
	put(object, "mtime", json_integer(entry->mtime.tv_sec));
	put_number(object, "mtime_ns", (uint64_t)entry->mtime.tv_nsec);
	put_number(object, "names", merged_names(merged, node));
	if (entry->implied)
		put(object, "implied", json_true());
	if (entry->xattr_count > 0)
		put_xattrs(object, entry);
}

/* Which layers have something at the path that does not show. */
static void put_hidden(
	struct object *object, const struct merged *merged, const struct merged_node *node)
{
	json_t *layers = json_array();
	for (size_t i = 0; i < node->member_count; i++) {
		const struct merged_member *member = &merged->members[node->first_member + i];
		bool joins = node->entry->type == '5' && member->entry->type == '5';
		if (member->layer < node->layer && !joins &&
			member->entry->type != LAYER_INDEX_WHITEOUT)
			append(object, layers, json_integer(member->layer + 1));
	}
	if (json_array_size(layers) > 0)
		put(object, "hides", layers);
	else
		json_decref(layers);
}

static void put_content(struct object *object, const struct layer_entry *entry)
{
	if (entry->type == '0')
		put_number(object, "size", entry->size_bytes);
	if (entry->type == '2')
		put_name(object, "target", entry->link);
	if (entry->type == '3' || entry->type == '4') {
		put_number(object, "major", major(entry->device));
		put_number(object, "minor", minor(entry->device));
	}
	if (entry->opaque)
		put(object, "opaque", json_true());
}

int look_json_node(const struct merged *merged, const struct merged_node *node, struct error *e)
{
	struct object object = object_new();
	put_path(&object, node->entry->path);
	put(&object, "type", json_string(type_name(node->entry->type)));
	put_number(&object, "layer", node->layer + 1u);
	if (node->entry->type != LAYER_INDEX_WHITEOUT) {
		put_metadata(&object, merged, node);
		put_content(&object, node->entry);
		put_hidden(&object, merged, node);
	}
	return print(&object, e);
}

/* --- layers */

static void put_digest(struct object *object, const char *key, const struct digest *digest)
{
	char text[DIGEST_TEXT_SIZE];
	digest_format(digest, text);
	put(object, key, json_string(text));
}

static void put_record(struct object *object, const struct layer_record *record)
{
	static const char *const user_xattrs[USER_XATTRS_KINDS] = {"none", "required", "optional"};
	put_digest(object, "digest", &record->digest);
	put(object, "media_type", json_string(media_name(record->media)));
	put_number(object, "stored", record->stored_bytes);
	put_number(object, "unpacked", record->unpacked_bytes);
	put_number(object, "entries", record->entries);
	put_number(object, "largest_piece", record->largest_piece_bytes);
	put(object, "user_xattrs", json_string(user_xattrs[record->user_xattrs]));
	put_digest(object, "pieces", &record->pieces);
}

static void put_sum(struct object *object, const char *key, const struct merged_sum *sum)
{
	struct object value = object_new();
	put_number(&value, "entries", sum->entries);
	put_number(&value, "bytes", sum->bytes);
	put_object(object, key, value);
}

static void put_did(struct object *object, const struct merged_layer *did)
{
	put_sum(object, "added", &did->added);
	put_sum(object, "changed", &did->changed);
	put_sum(object, "removed", &did->removed);
	put_sum(object, "replaced", &did->replaced);
}

static void put_items(
	struct object *object, const char *key, const struct room_list *list, bool hidden)
{
	json_t *items = json_array();
	for (size_t i = 0; i < list->count; i++) {
		struct object item = object_new();
		put_path(&item, list->items[i].path);
		put_number(&item, "bytes", list->items[i].bytes);
		put_number(&item, "layer", list->items[i].layer + 1u);
		if (hidden)
			put_number(&item, "hidden_by", list->items[i].by + 1u);
		object->failed |= item.failed;
		append(object, items, item.json);
	}
	put(object, key, items);
}

static void put_pairs(struct object *object, const struct merged *merged)
{
	json_t *pairs = json_array();
	size_t count = merged->layer_count;
	for (size_t i = 0; i < count * count; i++) {
		if (merged->hides[i].entries == 0)
			continue;
		struct object pair = object_new();
		put_number(&pair, "upper", i / count + 1);
		put_number(&pair, "lower", i % count + 1);
		put_number(&pair, "entries", merged->hides[i].entries);
		put_number(&pair, "bytes", merged->hides[i].bytes);
		object->failed |= pair.failed;
		append(object, pairs, pair.json);
	}
	put(object, "hides", pairs);
}

static struct object contents_of(const struct look_json_contents *contents)
{
	struct object object = object_new();
	const struct room *room = contents->room;
	put_number(&object, "files", room->files);
	put_number(&object, "links", room->links);
	put_number(&object, "directories", room->directories);
	put_number(&object, "implied", room->implied);
	put_number(&object, "symlinks", room->symlinks);
	put_number(&object, "devices", room->devices);
	put_number(&object, "fifos", room->fifos);
	put_number(&object, "whiteouts", room->whiteouts);
	put_number(&object, "opaque", room->opaque);
	put_number(&object, "bytes", room->bytes);
	put_items(&object, "biggest_files", &room->biggest_files, false);
	put_items(&object, "biggest_directories", &room->biggest_directories, false);
	put_number(&object, "shared_paths", contents->merged->shared_paths);
	put_sum(&object, "hidden", &room->hidden);
	put_pairs(&object, contents->merged);
	put_items(&object, "biggest_hidden", &room->biggest_hidden, true);
	return object;
}

static void put_stack(struct object *object, const struct stack *stack)
{
	put(object, "name", json_string(stack->name));
	put_number(object, "version", stack->version);
	put_number(object, "floor", stack->floor);
	put(object, "created", json_string(stack->created));
	put(object, "architecture", json_string(stack->architecture));
	put(object, "kernel", stack->kernel[0] != '\0' ? json_string(stack->kernel) : json_null());
	put(object, "upper", json_string(upper_name(stack->upper)));
	json_t *persist = json_array();
	for (size_t i = 0; i < stack->persist_count; i++)
		append(object, persist, json_string(stack->persist[i]));
	put(object, "persist", persist);
	put(object, "init", json_string(stack->init));
	put(object, "on_failure", json_string(on_failure_name(stack->on_failure)));
}

int look_json_layers(const struct stack *stack, const struct layer_record *records, size_t count,
	const struct look_json_contents *contents, struct error *e)
{
	struct object object = object_new();
	json_t *layers = json_array();
	put(&object, "kind", json_string(stack != NULL ? "stack" : "layer"));
	if (stack != NULL)
		put_stack(&object, stack);
	for (size_t i = 0; i < count; i++) {
		struct object layer = object_new();
		put_record(&layer, &records[i]);
		if (contents != NULL)
			put_did(&layer, &contents->merged->did[i]);
		object.failed |= layer.failed;
		append(&object, layers, layer.json);
	}
	put(&object, "layers", layers);
	if (contents != NULL)
		put_object(&object, "contents", contents_of(contents));
	return print(&object, e);
}

#include "look_json.h"

#include <string.h>
#include <sys/sysmacros.h>

#include "../layers/scope.h"
#include "json_line.h"

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

static void put_xattrs(struct json_line *object, const struct layer_entry *entry)
{
	struct json_line xattrs = json_line_new();
	for (size_t i = 0; i < entry->xattr_count; i++) {
		const struct xattr *xattr = &entry->xattrs[i];
		SCOPED_FREE char *name = json_line_escaped(xattr->name);
		if (name == NULL)
			xattrs.failed = true;
		else
			json_line_put(
				&xattrs, name, json_line_base64(xattr->value, xattr->size_bytes));
	}
	json_line_put_object(object, "xattrs", xattrs);
}

static void put_metadata(
	struct json_line *object, const struct merged *merged, const struct merged_node *node)
{
	const struct layer_entry *entry = node->described;
	char mode[8];
	(void)snprintf(mode, sizeof mode, "%04o", entry->mode);
	json_line_put(object, "mode", json_string(mode));
	json_line_put_number(object, "uid", entry->uid);
	json_line_put_number(object, "gid", entry->gid);
	json_line_put(object, "mtime", json_integer(entry->mtime.tv_sec));
	json_line_put_number(object, "mtime_ns", (uint64_t)entry->mtime.tv_nsec);
	json_line_put_number(object, "names", merged_names(merged, node));
	if (entry->implied)
		json_line_put(object, "implied", json_true());
	if (entry->xattr_count > 0)
		put_xattrs(object, entry);
}

/* Which layers have something at the path that does not show. */
static void put_hidden(
	struct json_line *object, const struct merged *merged, const struct merged_node *node)
{
	json_t *layers = json_array();
	for (size_t i = 0; i < node->member_count; i++) {
		const struct merged_member *member = &merged->members[node->first_member + i];
		bool joins = node->entry->type == '5' && member->entry->type == '5';
		if (member->layer < node->layer && !joins &&
			member->entry->type != LAYER_INDEX_WHITEOUT)
			json_line_append(object, layers, json_integer(member->layer + 1));
	}
	if (json_array_size(layers) > 0)
		json_line_put(object, "hides", layers);
	else
		json_decref(layers);
}

static void put_content(struct json_line *object, const struct layer_entry *entry)
{
	if (entry->type == '0')
		json_line_put_number(object, "size", entry->size_bytes);
	if (entry->type == '2')
		json_line_put_name(object, "target", entry->link);
	if (entry->type == '3' || entry->type == '4') {
		json_line_put_number(object, "major", major(entry->device));
		json_line_put_number(object, "minor", minor(entry->device));
	}
	if (entry->opaque)
		json_line_put(object, "opaque", json_true());
}

int look_json_node(const struct merged *merged, const struct merged_node *node, struct error *e)
{
	struct json_line object = json_line_new();
	json_line_put_path(&object, "path", node->entry->path);
	json_line_put(&object, "type", json_string(type_name(node->entry->type)));
	json_line_put_number(&object, "layer", node->layer + 1u);
	if (node->entry->type != LAYER_INDEX_WHITEOUT) {
		put_metadata(&object, merged, node);
		put_content(&object, node->entry);
		put_hidden(&object, merged, node);
	}
	return json_line_print(&object, e);
}

/* --- layers */

static void put_digest(struct json_line *object, const char *key, const struct digest *digest)
{
	char text[DIGEST_TEXT_SIZE];
	digest_format(digest, text);
	json_line_put(object, key, json_string(text));
}

static void put_record(struct json_line *object, const struct layer_record *record)
{
	static const char *const user_xattrs[USER_XATTRS_KINDS] = {"none", "required", "optional"};
	put_digest(object, "digest", &record->digest);
	json_line_put(object, "media_type", json_string(media_name(record->media)));
	json_line_put_number(object, "stored", record->stored_bytes);
	json_line_put_number(object, "unpacked", record->unpacked_bytes);
	json_line_put_number(object, "entries", record->entries);
	json_line_put_number(object, "largest_piece", record->largest_piece_bytes);
	json_line_put(object, "user_xattrs", json_string(user_xattrs[record->user_xattrs]));
	put_digest(object, "pieces", &record->pieces);
}

static void put_sum(struct json_line *object, const char *key, const struct merged_sum *sum)
{
	struct json_line value = json_line_new();
	json_line_put_number(&value, "entries", sum->entries);
	json_line_put_number(&value, "bytes", sum->bytes);
	json_line_put_object(object, key, value);
}

static void put_did(struct json_line *object, const struct merged_layer *did)
{
	put_sum(object, "added", &did->added);
	put_sum(object, "changed", &did->changed);
	put_sum(object, "removed", &did->removed);
	put_sum(object, "replaced", &did->replaced);
}

static void put_items(
	struct json_line *object, const char *key, const struct room_list *list, bool hidden)
{
	json_t *items = json_array();
	for (size_t i = 0; i < list->count; i++) {
		struct json_line item = json_line_new();
		json_line_put_path(&item, "path", list->items[i].path);
		json_line_put_number(&item, "bytes", list->items[i].bytes);
		json_line_put_number(&item, "layer", list->items[i].layer + 1u);
		if (hidden)
			json_line_put_number(&item, "hidden_by", list->items[i].by + 1u);
		object->failed |= item.failed;
		json_line_append(object, items, item.json);
	}
	json_line_put(object, key, items);
}

static void put_pairs(struct json_line *object, const struct merged *merged)
{
	json_t *pairs = json_array();
	size_t count = merged->layer_count;
	for (size_t i = 0; i < count * count; i++) {
		if (merged->hides[i].entries == 0)
			continue;
		struct json_line pair = json_line_new();
		json_line_put_number(&pair, "upper", i / count + 1);
		json_line_put_number(&pair, "lower", i % count + 1);
		json_line_put_number(&pair, "entries", merged->hides[i].entries);
		json_line_put_number(&pair, "bytes", merged->hides[i].bytes);
		object->failed |= pair.failed;
		json_line_append(object, pairs, pair.json);
	}
	json_line_put(object, "hides", pairs);
}

static struct json_line contents_of(const struct look_json_contents *contents)
{
	struct json_line object = json_line_new();
	const struct room *room = contents->room;
	json_line_put_number(&object, "files", room->files);
	json_line_put_number(&object, "links", room->links);
	json_line_put_number(&object, "directories", room->directories);
	json_line_put_number(&object, "implied", room->implied);
	json_line_put_number(&object, "symlinks", room->symlinks);
	json_line_put_number(&object, "devices", room->devices);
	json_line_put_number(&object, "fifos", room->fifos);
	json_line_put_number(&object, "whiteouts", room->whiteouts);
	json_line_put_number(&object, "opaque", room->opaque);
	json_line_put_number(&object, "bytes", room->bytes);
	put_items(&object, "biggest_files", &room->biggest_files, false);
	put_items(&object, "biggest_directories", &room->biggest_directories, false);
	json_line_put_number(&object, "shared_paths", contents->merged->shared_paths);
	put_sum(&object, "hidden", &room->hidden);
	put_pairs(&object, contents->merged);
	put_items(&object, "biggest_hidden", &room->biggest_hidden, true);
	return object;
}

static void put_stack(struct json_line *object, const struct stack *stack)
{
	json_line_put(object, "name", json_string(stack->name));
	json_line_put_number(object, "version", stack->version);
	json_line_put_number(object, "floor", stack->floor);
	json_line_put(object, "created", json_string(stack->created));
	json_line_put(object, "architecture", json_string(stack->architecture));
	json_line_put(object, "kernel",
		stack->kernel[0] != '\0' ? json_string(stack->kernel) : json_null());
	json_line_put(object, "upper", json_string(upper_name(stack->upper)));
	json_line_put(object, "upper_change", json_string(upper_change_name(stack->upper_change)));
	json_line_put(object, "upper_size",
		stack->upper_bytes != 0 ? json_integer((json_int_t)stack->upper_bytes)
					: json_null());
	json_t *persist = json_array();
	for (size_t i = 0; i < stack->persist_count; i++) {
		char text[PERSIST_TEXT_SIZE];
		persist_format(&stack->persist[i], text);
		json_line_append(object, persist, json_string(text));
	}
	json_line_put(object, "persist", persist);
	json_line_put(object, "init", json_string(stack->init));
	json_line_put(object, "on_failure", json_string(on_failure_name(stack->on_failure)));
}

int look_json_layers(const struct stack *stack, const struct layer_record *records, size_t count,
	const struct look_json_contents *contents, struct error *e)
{
	struct json_line object = json_line_new();
	json_t *layers = json_array();
	json_line_put(&object, "kind", json_string(stack != NULL ? "stack" : "layer"));
	if (stack != NULL)
		put_stack(&object, stack);
	for (size_t i = 0; i < count; i++) {
		struct json_line layer = json_line_new();
		put_record(&layer, &records[i]);
		if (contents != NULL)
			put_did(&layer, &contents->merged->did[i]);
		object.failed |= layer.failed;
		json_line_append(&object, layers, layer.json);
	}
	json_line_put(&object, "layers", layers);
	if (contents != NULL)
		json_line_put_object(&object, "contents", contents_of(contents));
	return json_line_print(&object, e);
}

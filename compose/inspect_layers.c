/* plyboot inspect, of layers and stacks: what their files say, and what is in them, as far as the
 * store has it. */
#include "inspect.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "inspect_plot.h"
#include "look_json.h"
#include "shown.h"
#include "target.h"

static const char *digest_text(const struct digest *digest)
{
	static char text[DIGEST_TEXT_SIZE];
	digest_format(digest, text);
	return text;
}

/* --- what the files say */

static void print_record(const struct layer_record *record)
{
	static const char *const user_xattrs[USER_XATTRS_KINDS] = {"none", "required", "optional"};
	printf("  digest         %s\n", digest_text(&record->digest));
	printf("  media type     %s\n", media_name(record->media));
	printf("  stored         %llu bytes, the largest piece %llu\n",
		(unsigned long long)record->stored_bytes,
		(unsigned long long)record->largest_piece_bytes);
	printf("  unpacked       %llu bytes in %llu entries\n",
		(unsigned long long)record->unpacked_bytes, (unsigned long long)record->entries);
	printf("  user.* xattrs  %s\n", user_xattrs[record->user_xattrs]);
	printf("  piece table    %s\n", digest_text(&record->pieces));
}

static void print_stack(const struct stack *stack)
{
	printf("name           %s\nversion        %llu\nfloor          %llu\n", stack->name,
		(unsigned long long)stack->version, (unsigned long long)stack->floor);
	printf("created        %s\narchitecture   %s\nkernel         %s\n", stack->created,
		stack->architecture, stack->kernel[0] != '\0' ? stack->kernel : "any");
	printf("upper          %s", upper_name(stack->upper));
	if (stack->upper == UPPER_PERSISTENT)
		printf(", of another stack: %s", upper_change_name(stack->upper_change));
	if (stack->upper_bytes != 0)
		printf(", at most %llu bytes", (unsigned long long)stack->upper_bytes);
	printf("\n");
	for (size_t i = 0; i < stack->persist_count; i++) {
		char text[PERSIST_TEXT_SIZE];
		persist_format(&stack->persist[i], text);
		printf("persist        %s\n", text);
	}
	printf("init           %s\non failure     %s\n", stack->init,
		on_failure_name(stack->on_failure));
}

/* --- what the layers hold */

static bool has_blob(const struct layout *layout, const struct digest *digest)
{
	char path[LAYOUT_BLOB_PATH_SIZE];
	layout_blob_path(digest, path);
	return faccessat(layout->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Is there a store, with all of their blobs in it? Then it is open. */
static bool open_store(const char *given, struct target *target)
{
	struct error ignored;
	const char *path = layout_path(given);
	if (target->layout.fd < 0 &&
		(access(path, F_OK) != 0 ||
			layout_open(path, false, &target->layout, &ignored) != 0))
		return false;
	for (size_t i = 0; i < target->file.count; i++)
		if (!has_blob(&target->layout, &target->file.records[i].digest) ||
			!has_blob(&target->layout, &target->file.records[i].pieces))
			return false;
	return true;
}

static void print_sum(const char *what, const struct merged_sum *sum)
{
	printf("  %-14s %" PRIu64 " %s, %" PRIu64 " bytes\n", what, sum->entries,
		sum->entries == 1 ? "entry" : "entries", sum->bytes);
}

static void print_did(const struct merged_layer *did)
{
	print_sum("added", &did->added);
	print_sum("changed", &did->changed);
	print_sum("removed", &did->removed);
	if (did->replaced.entries > 0)
		print_sum("replaced", &did->replaced);
}

static void print_items(const char *title, const struct room_list *list, bool many, bool hidden)
{
	if (list->count > 0)
		printf("%s\n", title);
	for (size_t i = 0; i < list->count; i++) {
		const struct room_item *item = &list->items[i];
		printf("  %14" PRIu64 "  /", item->bytes);
		shown_print(item->path, stdout);
		if (hidden)
			printf("  (layer %u, hidden by %u)", item->layer + 1u, item->by + 1u);
		else if (many)
			printf("  (layer %u)", item->layer + 1u);
		putchar('\n');
	}
}

static void print_count(const char *what, uint64_t count)
{
	if (count > 0)
		printf("  %-14s %" PRIu64 "\n", what, count);
}

static void print_room(const struct room *room)
{
	printf("  files          %" PRIu64 ", %" PRIu64 " bytes\n", room->files, room->bytes);
	print_count("further names", room->links);
	printf("  directories    %" PRIu64, room->directories);
	if (room->implied > 0)
		printf(", %" PRIu64 " of them only implied", room->implied);
	putchar('\n');
	print_count("symlinks", room->symlinks);
	print_count("devices", room->devices);
	print_count("FIFOs", room->fifos);
	print_count("whiteouts", room->whiteouts);
	print_count("opaque", room->opaque);
}

static void print_pairs(const struct merged *merged)
{
	size_t count = merged->layer_count;
	for (size_t i = 0; i < count * count; i++) {
		const struct merged_sum *sum = &merged->hides[i];
		if (sum->entries > 0)
			printf("  layer %zu hides of layer %zu: %" PRIu64 " %s, %" PRIu64
			       " bytes\n",
				i / count + 1, i % count + 1, sum->entries,
				sum->entries == 1 ? "entry" : "entries", sum->bytes);
	}
}

static void print_contents(const struct target *target, const struct room *room)
{
	bool many = target->file.count > 1;
	printf("%s\n", target_is_layer(target) ? "contents" : "tree of all layers");
	print_room(room);
	print_items("biggest files", &room->biggest_files, many, false);
	print_items("biggest directories, with all that is in them", &room->biggest_directories,
		many, false);
	if (!many)
		return;
	printf("hidden\n");
	print_count("shared paths", target->merged.shared_paths);
	print_sum("in all", &room->hidden);
	print_pairs(&target->merged);
	print_items("biggest hidden files", &room->biggest_hidden, true, true);
}

/* --- both */

static void print_layers(const struct target *target, bool known)
{
	for (size_t i = 0; i < target->file.count; i++) {
		if (target_is_layer(target))
			printf("layer\n");
		else
			printf("layer %zu of %zu%s\n", i + 1, target->file.count,
				i == 0 ? " (bottom)" : "");
		print_record(&target->file.records[i]);
		if (known && !target_is_layer(target))
			print_did(&target->merged.did[i]);
	}
}

static int print_text(const struct target *target, const struct room *room)
{
	if (target->is_stack) {
		printf("stack file, %s\n", target->signature_count == 0
						   ? "not signed"
						   : "UNVERIFIED: see `plyboot verify`");
		print_stack(&target->stack);
	}
	print_layers(target, room != NULL);
	for (size_t i = 0; i < target->signature_count; i++)
		printf("signature by   %s\n", digest_text(&target->signed_by[i]));
	if (room != NULL)
		print_contents(target, room);
	return 0;
}

static int print_all(const struct inspect_options *given, struct target *target, struct error *e)
{
	struct room room;
	if (given->plot != NULL)
		return inspect_plot(given, target, e);
	bool known = open_store(given->store, target);
	if (known && (target_read(target, e) != 0 || room_of(&target->merged, &room, e) != 0))
		return -1;
	if (!given->json)
		return print_text(target, known ? &room : NULL);
	const struct look_json_contents contents = {.merged = &target->merged, .room = &room};
	return look_json_layers(target->is_stack ? &target->stack : NULL, target->file.records,
		target->file.count, known ? &contents : NULL, e);
}

int inspect_layers(const struct inspect_options *given, const uint8_t *bytes, size_t size_bytes,
	struct error *e)
{
	SCOPED_TARGET target = TARGET_INIT;
	if (target_take(&target, bytes, size_bytes, NULL, e) != 0)
		return -1;
	return print_all(given, &target, e);
}

int inspect_named(const struct inspect_options *given, const char *name, struct error *e)
{
	SCOPED_TARGET target = TARGET_INIT;
	if (target_take_named(&target, name, given->store, e) != 0)
		return -1;
	return print_all(given, &target, e) == 0 ? 0 : error_wrap(e, "%s", name);
}

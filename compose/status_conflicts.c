#include "status_conflicts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../layers/scope.h"
#include "../layers/syscalls.h"
#include "conflicts.h"
#include "device.h"
#include "interrupt.h"
#include "json_line.h"
#include "live_diff.h"
#include "output.h"
#include "shown.h"

static const char *const words[] = {
	[CONFLICT_ADDED] = "added",
	[CONFLICT_CHANGED] = "changed",
	[CONFLICT_REPLACED] = "replaced",
	[CONFLICT_REMOVED] = "removed",
};

/* Of one earlier stack. */
struct lister {
	const struct owner *owner;
	bool json;
	uint64_t count;
};

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
	return NULL;
}

/* "whiteout", "opaque", or the type of what is there. */
static const char *upper_has(const struct change *change)
{
	if (change->kind != CHANGE_REMOVED)
		return change_type_name(change->is);
	return change->entry != NULL ? "whiteout" : "opaque";
}

/* --- a conflict */

static void print_upper(const struct conflict *conflict)
{
	const struct change *by = conflict->by;
	const char *at;
	if (by->kind != CHANGE_REMOVED) {
		printf("the upper has its own %s", upper_has(by));
		at = " at";
	} else {
		printf(by->entry != NULL ? "the upper has a whiteout"
					 : "the upper has an opaque directory above");
		at = by->entry != NULL ? " of" : "";
	}
	if (strcmp(by->path, conflict->path) != 0) {
		printf("%s /", at);
		shown_print(by->path, stdout);
	}
	putchar('\n');
}

static void print_text(const struct conflict *conflict)
{
	printf("  /");
	shown_print(conflict->path, stdout);
	if (conflict->did == CONFLICT_REPLACED)
		printf(": the stack made a %s of a %s; ", type_name(conflict->is),
			type_name(conflict->was));
	else
		printf(": the stack %s it; ", words[conflict->did]);
	print_upper(conflict);
}

static struct json_line begin_line(const struct owner *owner)
{
	char digest[DIGEST_TEXT_SIZE];
	struct json_line line = json_line_new();
	digest_format(&owner->text, digest);
	json_line_put(&line, "since", json_string(owner->name));
	json_line_put_number(&line, "version", owner->version);
	json_line_put(&line, "text", json_string(digest));
	return line;
}

static int print_json(const struct owner *owner, const struct conflict *conflict, struct error *e)
{
	struct json_line line = begin_line(owner);
	json_line_put_path(&line, "path", conflict->path);
	json_line_put(&line, "stack", json_string(words[conflict->did]));
	if (conflict->was != '\0')
		json_line_put(&line, "was", json_string(type_name(conflict->was)));
	if (conflict->is != '\0')
		json_line_put(&line, "is", json_string(type_name(conflict->is)));
	json_line_put(&line, "upper", json_string(upper_has(conflict->by)));
	json_line_put_path(&line, "at", conflict->by->path);
	return json_line_print(&line, e);
}

static int take(void *context, const struct conflict *conflict, struct error *e)
{
	struct lister *lister = context;
	if (lister->json)
		return print_json(lister->owner, conflict, e);
	if (lister->count++ == 0)
		printf("since %s %" PRIu64 ", the upper hides:\n", lister->owner->name,
			lister->owner->version);
	print_text(conflict);
	return 0;
}

/* --- an earlier stack */

static int print_unknown(const struct lister *lister, const struct error *why, struct error *e)
{
	const struct owner *owner = lister->owner;
	if (!lister->json) {
		printf("since %s %" PRIu64 ": it can't be known: %s\n", owner->name, owner->version,
			why->text);
		return 0;
	}
	struct json_line line = begin_line(owner);
	json_line_put(&line, "unknown", json_string(why->text));
	return json_line_print(&line, e);
}

static int list_since(struct layer_shelf *shelf, const struct stack_tree *running,
	const struct changes *changes, struct lister *lister, struct error *e)
{
	SCOPED_STACK_TREE earlier = {.layers = NULL};
	struct error why;
	if (stack_tree_open(shelf, lister->owner, &earlier, &why) != 0)
		return interrupt_check(e) != 0 ? -1 : print_unknown(lister, &why, e);
	if (conflicts_find(&earlier, running, changes, take, lister, e) != 0)
		return -1;
	if (lister->count == 0 && !lister->json)
		printf("since %s %" PRIu64 ", the upper hides nothing\n", lister->owner->name,
			lister->owner->version);
	return 0;
}

static int list_all(const struct booted *booted, const struct owners *owners,
	const struct changes *changes, struct layout *layout, bool json, struct error *e)
{
	SCOPED_LAYER_SHELF shelf = {.layout = layout};
	SCOPED_STACK_TREE running = {.layers = NULL};
	struct owner owner = {.version = booted->version, .text = booted->text};
	memcpy(owner.name, booted->name, sizeof owner.name);
	if (stack_tree_open(&shelf, &owner, &running, e) != 0)
		return error_wrap(e, "the running stack");
	for (size_t i = 0; i < owners->count; i++) {
		struct lister lister = {.owner = &owners->list[i], .json = json};
		if (!digest_equal(&lister.owner->text, &booted->text) &&
			list_since(&shelf, &running, changes, &lister, e) != 0)
			return -1;
	}
	return 0;
}

/* --- what the upper was made for */

/* Beside the lower of two uppers: the other one is the running stack's own. */
static int read_owners(const struct live_upper *upper, struct owners *out, struct error *e)
{
	const char *path = upper->below != NULL ? upper->below : upper->path;
	const char *slash = strrchr(path, '/');
	SCOPED_FREE uint8_t *text = NULL;
	size_t size_bytes;
	SCOPED_FREE char *home = slash == NULL ? NULL : strndup(path, (size_t)(slash - path));
	if (home == NULL)
		return error_set(e, ERROR_MISSING, 0, "nothing is beside the upper `%s`", path);
	SCOPED_FD dir = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	SCOPED_FD file = dir < 0 ? -1
				 : sys_openat2(dir, "made-for", O_RDONLY | O_NONBLOCK | O_NOCTTY, 0,
					   SYS_RESOLVE_STRICT);
	if (file < 0)
		return error_errno(e, errno, "open `%s/made-for`", home);
	if (input_read_fd(file, "made-for", OWNERS_TEXT_SIZE, &text, &size_bytes, e) != 0 ||
		owners_decode((const char *)text, size_bytes, out, e) != 0)
		return error_wrap(e, "`%s/made-for`", home);
	return 0;
}

static bool has_earlier(const struct owners *owners, const struct digest *text)
{
	for (size_t i = 0; i < owners->count; i++)
		if (!digest_equal(&owners->list[i].text, text))
			return true;
	return false;
}

static void say_none(const struct status_conflicts_options *given, const char *why)
{
	if (!given->json)
		printf("the upper hides nothing: %s\n", why);
}

int status_conflicts(
	const struct booted *booted, const struct status_conflicts_options *given, struct error *e)
{
	struct owners owners;
	SCOPED_LAYOUT layout = LAYOUT_INIT;
	SCOPED_LIVE_CHANGES live = LIVE_CHANGES_INIT;
	interrupt_catch();
	if (booted->upper_kind != NULL && strcmp(booted->upper_kind, "persistent") != 0) {
		say_none(given, "nothing of it was there before this boot");
		return 0;
	}
	if (live_changes_find(booted, given->run, &live, e) != 0)
		return -1;
	/* A stack on trial that wanted a fresh one: of it alone nothing is noted. */
	bool is_fresh = booted->on_trial_upper && live.upper.below == NULL;
	if (!is_fresh && read_owners(&live.upper, &owners, e) != 0)
		return -1;
	if (is_fresh || !has_earlier(&owners, &booted->text)) {
		say_none(given, "it was made for the stack that runs");
		return 0;
	}
	if ((given->store != NULL ? layout_open(given->store, false, &layout, e)
				  : device_open_layers(booted, false, &layout, e)) != 0)
		return -1;
	return list_all(booted, &owners, &live.changes, &layout, given->json, e);
}

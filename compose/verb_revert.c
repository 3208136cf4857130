/* plyboot revert: at the next boot a path is again what the signed root has there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../layers/scope.h"
#include "interrupt.h"
#include "live_diff.h"
#include "next_boot.h"
#include "path_order.h"
#include "report.h"
#include "shown.h"
#include "verbs.h"

struct revert_options {
	const char *run;
	bool cancel;
};

static const struct option_spec options[] = {
	{.name = "--cancel",
		.kind = OPTION_FLAG,
		.offset = offsetof(struct revert_options, cancel),
		.help = "take it back, for PATH or, without one, for all"},
	BOOTED_OPTION_RUN(offsetof(struct revert_options, run)),
	{0},
};

static struct asked asked;

/* --- what can be reverted; paths without the slash in front, as in a scan */

static int compare_entry(const void *key, const void *entry)
{
	return path_compare(key, ((const struct scan_entry *)entry)->path);
}

static const struct scan_entry *entry_at(const struct scan *scan, const char *path)
{
	return bsearch(path, scan->entries, scan->count, sizeof *scan->entries, compare_entry);
}

/* Why it hides what the image has below it; NULL: it does not. */
static const char *hides(const struct live_changes *live, const struct scan_entry *entry)
{
	const struct change *change = changes_at(&live->changes, entry->path);
	if (entry->whiteout)
		return "was removed as a whole";
	if (entry->opaque ||
		(change != NULL && (change->kind == CHANGE_ADDED || change->kind == CHANGE_TYPE)))
		return "was made on this device, and hides all that the image has there";
	return NULL;
}

/* What is removed from the upper must uncover what the image has. */
static int check_above(const struct live_changes *live, const char *path, struct error *e)
{
	for (const char *end = strchr(path, '/'); end != NULL; end = strchr(end + 1, '/')) {
		char above[ASKED_PATH_SIZE];
		(void)snprintf(above, sizeof above, "%.*s", (int)(end - path), path);
		const struct scan_entry *entry = entry_at(&live->scan, above);
		const char *why = entry != NULL ? hides(live, entry) : NULL;
		if (why == NULL)
			continue;
		report_hint("revert `/%s`, or mend `/%s` by hand", above, path);
		return error_set(e, ERROR_USAGE, 0, "`/%s` %s", above, why);
	}
	return 0;
}

static size_t count_changes(const struct live_changes *live, const char *path)
{
	size_t length = strlen(path), found = 0;
	for (size_t i = 0; i < live->changes.count; i++) {
		const struct change *change = &live->changes.list[i];
		if (change->kind != CHANGE_NONE && strncmp(change->path, path, length) == 0 &&
			(change->path[length] == '\0' || change->path[length] == '/'))
			found++;
	}
	return found;
}

static int check_persist(const struct booted *booted, const char *path, struct error *e)
{
	const json_t *list = json_object_get(booted->report, "persist"), *entry;
	size_t i;
	json_array_foreach(list, i, entry)
	{
		const char *persist = json_string_value(json_object_get(entry, "path"));
		if (persist != NULL && asked_is_within(path, persist)) {
			report_hint("`plyboot reset` takes such a path away as a whole");
			return error_set(e, ERROR_USAGE, 0,
				"`%s` is a persistent path, and no part of the upper", persist);
		}
	}
	return 0;
}

static int check_path(const struct booted *booted, const struct live_changes *live,
	const char *path, size_t *found, struct error *e)
{
	if (check_persist(booted, path, e) != 0 || check_above(live, path + 1, e) != 0)
		return -1;
	report_hint("`plyboot diff --live` lists what does");
	*found = count_changes(live, path + 1);
	if (*found == 0)
		return error_set(
			e, ERROR_MISSING, 0, "nothing at `%s` differs from the signed root", path);
	return 0;
}

/* An upper on trial lies over another one, which must not change below it. */
static int check_upper(const struct booted *booted, struct error *e)
{
	if (booted->upper_kind == NULL || strcmp(booted->upper_kind, "persistent") != 0)
		return error_set(e, ERROR_MISSING, 0,
			"the upper of this system is not persistent: the next boot has another");
	if (booted->on_trial_upper) {
		report_hint("`plyboot confirm`, and once it has booted again, revert");
		return error_set(e, ERROR_USAGE, 0,
			"%s %llu is on trial: without a confirm all that it wrote goes",
			booted->name, (unsigned long long)booted->version);
	}
	return 0;
}

/* --- asked for */

static int read_reverts(int home, struct error *e)
{
	bool there;
	if (next_boot_read(home, &asked, &there, e) != 0)
		return -1;
	if (!there)
		asked.count = 0;
	if (!there || !asked.reset)
		return 0;
	report_hint("`plyboot reset --cancel` takes that back");
	return error_set(e, ERROR_USAGE, 0, "the next boot resets all, which was asked for before");
}

static void say(const char *path, size_t found)
{
	shown_print(path, stdout);
	printf(": %zu difference%s, reverted by the next boot\n", found, found == 1 ? "" : "s");
}

/* A path that was given, in its normal form, and how much of it differs. */
struct wanted {
	char path[ASKED_PATH_SIZE];
	size_t found;
};

static int find_all(const struct booted *booted, const char *run, struct wanted *list, size_t count,
	struct error *e)
{
	SCOPED_LIVE_CHANGES live = LIVE_CHANGES_INIT;
	if (live_changes_find(booted, run, &live, e) != 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (check_path(booted, &live, list[i].path, &list[i].found, e) != 0)
			return -1;
	}
	return 0;
}

static int ask(const struct booted *booted, const char *run, int home,
	const struct text_list *operands, struct error *e)
{
	const size_t count = operands->count;
	if (check_upper(booted, e) != 0 || read_reverts(home, e) != 0)
		return -1;
	SCOPED_FREE struct wanted *list = calloc(count, sizeof *list);
	if (list == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	for (size_t i = 0; i < count; i++) {
		if (next_boot_add(&asked, operands->items[i], list[i].path, e) != 0)
			return -1;
	}
	if (find_all(booted, run, list, count, e) != 0 || next_boot_write(home, &asked, e) != 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		say(list[i].path, list[i].found);
	return 0;
}

static int cancel(int home, const struct text_list *operands, struct error *e)
{
	static struct asked ignored;
	char path[ASKED_PATH_SIZE];
	if (read_reverts(home, e) != 0)
		return -1;
	for (size_t i = 0; i < operands->count; i++) {
		ignored.count = 0;
		if (next_boot_add(&ignored, operands->items[i], path, e) != 0)
			return -1;
		if (!asked_remove(&asked, path))
			return error_set(e, ERROR_MISSING, 0,
				"that `%s` is reverted was not asked for", path);
	}
	if (operands->count == 0 || asked.count == 0)
		return next_boot_cancel(home, e);
	return next_boot_write(home, &asked, e);
}

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	const struct revert_options *given = opaque;
	SCOPED_BOOTED booted = {.report = NULL};
	SCOPED_FD home = -1;
	interrupt_catch();
	if (!given->cancel && operands->count == 0)
		return error_set(e, ERROR_USAGE, 0, "which PATH?");
	if (booted_read(given->run, &booted, e) != 0 ||
		next_boot_open(&booted, given->run, &home, e) != 0)
		return -1;
	return given->cancel ? cancel(home, operands, e)
			     : ask(&booted, given->run, home, operands, e);
}

const struct verb verb_revert = {
	.name = "revert",
	.summary = "on the device: at the next boot paths are what the signed root has",
	.operands = "[PATH...]",
	.operands_max = OPERANDS_ANY,
	.options = options,
	.options_bytes = sizeof(struct revert_options),
	.run = run,
	.text = "Asks the next boot to remove from the upper what it has at PATH: a changed file "
		"is then what the image has, a removed one is there again, one that the image "
		"never had is gone, and of a directory all of that below it. `plyboot diff --live` "
		"lists what there is to revert. Until then nothing changes: overlayfs allows no "
		"change of an upper that is mounted.\n\n"
		"What is below a directory that was removed, or made anew, can't be reverted "
		"alone; nor can a system that is on trial revert, and what lies in a persistent "
		"path is not in the upper. Paths add up until the next boot.\n\n"
		"It takes root.\n",
	.examples = "A file is what the image has, after the next boot:\n"
		    "  plyboot revert /etc/hosts\n",
};

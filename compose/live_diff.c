#include "live_diff.h"

#include <stdio.h>
#include <string.h>

#include "compare.h"
#include "interrupt.h"
#include "json_line.h"
#include "overlay_marks.h"
#include "report.h"
#include "shown.h"

static const struct {
	char letter;
	const char *word;
} kinds[] = {
	[CHANGE_NONE] = {'=', "copied"},
	[CHANGE_ADDED] = {'A', "added"},
	[CHANGE_MODIFIED] = {'M', "modified"},
	[CHANGE_TYPE] = {'T', "type"},
	[CHANGE_REMOVED] = {'D', "removed"},
};

/* --- what there is */

/* Nothing that plyboot's overlay shows is told by such a mark: it is the files' own damage. */
static void warn_of_marks(const struct scan *scan)
{
	for (size_t i = 0; i < scan->count; i++) {
		const struct scan_entry *entry = &scan->entries[i];
		if (entry->foreign_mark != NULL)
			report_warning("`%s/%s` has %s, which is not heeded",
				scan_root_of(scan, entry), entry->path, entry->foreign_mark);
	}
}

int live_changes_find(const struct booted *booted, const char *directory, struct live_changes *out,
	struct error *e)
{
	SCOPED_LIVE_CHANGES live = LIVE_CHANGES_INIT;
	SCOPED_LOWERS lowers = LOWERS_INIT;
	if (booted->upper_kind != NULL && strcmp(booted->upper_kind, "none") == 0) {
		*out = (struct live_changes)LIVE_CHANGES_INIT;
		return 0;
	}
	if (overlay_marks_check_readable(e) != 0 ||
		lowers_open(booted, directory, &lowers, e) != 0 ||
		live_upper_booted(booted, &live.upper, e) != 0 ||
		live_upper_scan(&live.upper, false, &live.scan, e) != 0 ||
		changes_find(&live.scan, &lowers, &live.changes, e) != 0)
		return -1;
	warn_of_marks(&live.scan);
	*out = live;
	live = (struct live_changes)LIVE_CHANGES_INIT;
	return 0;
}

void live_changes_free(struct live_changes *live)
{
	changes_free(&live->changes);
	scan_free(&live->scan);
	live_upper_free(&live->upper);
}

/* --- said */

static void print_text(const struct change *change)
{
	printf("%c /", kinds[change->kind].letter);
	shown_print(change->path, stdout);
	putchar('\n');
}

static void put_differences(struct json_line *line, unsigned differs)
{
	static const char *const words[COMPARE_DIFFERENCES] = {
		"type", "content", "mode", "owner", "time", "xattrs"};
	json_t *list = json_array();
	for (size_t i = 0; i < COMPARE_DIFFERENCES; i++)
		if ((differs & 1u << i) != 0)
			json_line_append(line, list, json_string(words[i]));
	json_line_put(line, "differs", list);
}

static int print_json(const struct change *change, struct error *e)
{
	struct json_line line = json_line_new();
	json_line_put(&line, "change", json_string(kinds[change->kind].word));
	json_line_put_path(&line, "path", change->path);
	if (change->was != 0)
		json_line_put(&line, "was", json_string(change_type_name(change->was)));
	if (change->is != 0)
		json_line_put(&line, "is", json_string(change_type_name(change->is)));
	if (change->kind == CHANGE_MODIFIED)
		put_differences(&line, change->differs);
	return json_line_print(&line, e);
}

int live_diff(const struct live_diff_options *given, struct error *e)
{
	SCOPED_BOOTED booted = {.report = NULL};
	SCOPED_LIVE_CHANGES live = LIVE_CHANGES_INIT;
	interrupt_catch();
	if (booted_read(given->run, &booted, e) != 0 ||
		live_changes_find(&booted, given->run, &live, e) != 0)
		return -1;
	for (size_t i = 0; i < live.changes.count; i++) {
		const struct change *change = &live.changes.list[i];
		if (change->kind == CHANGE_NONE && !given->all)
			continue;
		if (given->json && print_json(change, e) != 0)
			return -1;
		if (!given->json)
			print_text(change);
	}
	return 0;
}

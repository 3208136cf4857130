#include "leave_out.h"

#include <string.h>

#include "../layers/scope.h"
#include "leave_out_rules.h"
#include "path_order.h"
#include "report.h"

enum how { HOW_WHOLE, HOW_FILES, HOW_EMPTIED };

static const struct rule {
	const char *pattern;
	enum how how;
	const char *reason;
} rules[] = {
#define ROW(pattern_, how_, reason_) {pattern_, HOW_##how_, reason_},
	LEAVE_OUT_RULES(ROW)
#undef ROW
};

enum { RULES = sizeof rules / sizeof rules[0], MAX_TOLD = 16, EXCLUDED = RULES, NOTHING };

/* Stars don't reach over slashes, so that only the last one ever has to be tried again. */
static bool matches(const char *pattern, const char *path)
{
	const char *behind_star = NULL, *resume = NULL;
	for (;;) {
		if (*pattern == '\0' && (*path == '\0' || *path == '/'))
			return true;
		if (*pattern == '*') {
			behind_star = ++pattern;
			resume = path;
		} else if (*path != '\0' &&
			   (*pattern == *path || (*pattern == '?' && *path != '/'))) {
			pattern++;
			path++;
		} else if (behind_star != NULL && *resume != '\0' && *resume != '/') {
			pattern = behind_star;
			path = ++resume;
		} else {
			return false;
		}
	}
}

bool leave_out_names(const char *pattern, const char *path)
{
	char own[4097];
	while (pattern[0] == '/' || (pattern[0] == '.' && pattern[1] == '/'))
		pattern++;
	size_t length = strlen(pattern);
	if (length >= sizeof own)
		return false;
	memcpy(own, pattern, length + 1);
	while (length > 0 && own[length - 1] == '/')
		own[--length] = '\0';
	return length == 0 || matches(own, path);
}

/* --- which */

struct choice {
	const struct scan *scan;
	bool *keep;                /* for each entry */
	size_t *by;                /* the rule that leaves it out, or EXCLUDED; NOTHING */
	bool *included, *excluded; /* for each of the options: it named something */
};

static void choice_free(struct choice *choice)
{
	free(choice->keep);
	free(choice->by);
	free(choice->included);
	free(choice->excluded);
}
#define SCOPED_CHOICE __attribute__((cleanup(choice_free))) struct choice

/* Each that names it is noted. */
static bool is_named(const struct text_list *patterns, bool *used, const char *path)
{
	bool named = false;
	for (size_t i = 0; i < patterns->count; i++) {
		bool this = leave_out_names(patterns->items[i], path);
		used[i] = used[i] || this;
		named = named || this;
	}
	return named;
}

static size_t find_rule(const struct scan_entry *entry)
{
	for (size_t i = 0; i < RULES; i++) {
		if (!matches(rules[i].pattern, entry->path))
			continue;
		bool stays = (rules[i].how == HOW_FILES && S_ISDIR(entry->st.st_mode)) ||
			     (rules[i].how == HOW_EMPTIED &&
				     (!S_ISREG(entry->st.st_mode) || entry->st.st_size == 0));
		return stays ? NOTHING : i;
	}
	return NOTHING;
}

static int compare_to_path(const void *path, const void *entry)
{
	return path_compare(path, ((const struct scan_entry *)entry)->path);
}

/* A directory with something in it can't go, or it would be made again with another owner. */
static int keep_parents(struct choice *choice, const char *path, struct error *e)
{
	const struct scan *scan = choice->scan;
	SCOPED_FREE char *parent = strdup(path);
	if (parent == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	for (char *slash; (slash = strrchr(parent, '/')) != NULL;) {
		*slash = '\0';
		const struct scan_entry *found = bsearch(
			parent, scan->entries, scan->count, sizeof *scan->entries, compare_to_path);
		if (found == NULL || choice->keep[found - scan->entries])
			return 0;
		choice->keep[found - scan->entries] = true;
		choice->by[found - scan->entries] = NOTHING;
	}
	return 0;
}

static int choose(struct choice *choice, const struct text_list *include,
	const struct text_list *exclude, struct error *e)
{
	const struct scan *scan = choice->scan;
	for (size_t i = 0; i < scan->count; i++) {
		const char *path = scan->entries[i].path;
		bool included = is_named(include, choice->included, path);
		choice->keep[i] = true;
		choice->by[i] = NOTHING;
		if (path[0] == '\0')
			continue; /* the root is in every layer */
		if (is_named(exclude, choice->excluded, path))
			choice->by[i] = EXCLUDED;
		else if (!included)
			choice->by[i] = find_rule(&scan->entries[i]);
		if (choice->by[i] <= EXCLUDED)
			choice->keep[i] =
				choice->by[i] < RULES && rules[choice->by[i]].how == HOW_EMPTIED;
		else if (included && keep_parents(choice, path, e) != 0)
			return -1;
	}
	return 0;
}

/* --- saying so */

static void tell(const struct choice *choice, size_t rule)
{
	const char *reason = rule == EXCLUDED ? "--exclude" : rules[rule].reason;
	const char *verb = rule < RULES && rules[rule].how == HOW_EMPTIED ? "emptied" : "left out";
	const char *above = NULL;
	size_t count = 0;
	for (size_t i = 0; i < choice->scan->count; i++) {
		const char *path = choice->scan->entries[i].path;
		if (choice->by[i] != rule)
			continue;
		if (above != NULL && leave_out_names(above, path) && !choice->keep[i])
			continue; /* said with its directory */
		above = path;
		if (count++ < MAX_TOLD)
			report_note("%s: /%s (%s)", verb, path, reason);
	}
	if (count > MAX_TOLD)
		report_note("left out: %zu more (%s)", count - MAX_TOLD, reason);
}

static void tell_unused(const char *option, const struct text_list *patterns, const bool *used)
{
	for (size_t i = 0; i < patterns->count; i++) {
		if (!used[i])
			report_warning("%s %s names nothing", option, patterns->items[i]);
	}
}

/* --- taking it out */

/* The entries come in their order. */
struct cursor {
	const struct choice *choice;
	size_t next;
};

static bool is_kept(void *context, const struct scan_entry *entry)
{
	struct cursor *cursor = context;
	(void)entry;
	return cursor->choice->keep[cursor->next++];
}

/* Of a file that is emptied no other name may bring the contents. */
static void empty(struct scan *scan, const struct choice *choice)
{
	for (size_t i = 0; i < scan->count; i++) {
		bool emptied = choice->keep[i] && choice->by[i] != NOTHING;
		for (size_t j = 0; emptied && j < scan->count; j++)
			scan->entries[j].emptied |=
				scan->entries[j].leader == scan->entries[i].leader;
	}
}

int leave_out(struct scan *scan, const struct text_list *include, const struct text_list *exclude,
	struct error *e)
{
	SCOPED_CHOICE choice = {.scan = scan,
		.keep = calloc(scan->count, sizeof(bool)),
		.by = calloc(scan->count, sizeof(size_t)),
		.included = calloc(include->count + 1, sizeof(bool)),
		.excluded = calloc(exclude->count + 1, sizeof(bool))};
	if (choice.keep == NULL || choice.by == NULL || choice.included == NULL ||
		choice.excluded == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	if (choose(&choice, include, exclude, e) != 0)
		return -1;
	for (size_t rule = 0; rule <= EXCLUDED; rule++)
		tell(&choice, rule);
	tell_unused("--include", include, choice.included);
	tell_unused("--exclude", exclude, choice.excluded);
	empty(scan, &choice);
	struct cursor cursor = {.choice = &choice};
	return scan_filter(scan, is_kept, &cursor, e);
}

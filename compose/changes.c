#include "changes.h"

#include <stdlib.h>
#include <string.h>

#include "../layers/scope.h"
#include "compare.h"
#include "interrupt.h"
#include "path_order.h"
#include "report.h"

struct changing {
	const struct scan *upper;
	struct lowers *lowers;
	struct changes *changes;
	const char *opaque; /* the outermost opaque directory that the walk is in; NULL: none */
};

static int add(struct changes *changes, const struct change *change, struct error *e)
{
	if (changes->count == changes->capacity) {
		size_t capacity = changes->capacity * 2 + 64;
		struct change *list = reallocarray(changes->list, capacity, sizeof *list);
		if (list == NULL)
			return error_set(e, ERROR_NOSPACE, 0, "no memory for so many changes");
		changes->list = list;
		changes->capacity = capacity;
	}
	struct change *last = &changes->list[changes->count];
	*last = *change;
	last->path = strdup(change->path);
	if (last->path == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory for so many changes");
	changes->count++;
	return 0;
}

/* --- one name of the upper */

/* What writes on does so while we read. */
static int compare_or_differ(const struct changing *self, const struct scan *root,
	const struct scan_entry *lower, const struct scan_entry *entry, unsigned *differs,
	struct error *e)
{
	struct error why;
	if (compare_entries(root, lower, self->upper, entry, differs, &why) == 0)
		return 0;
	if (interrupt_check(e) != 0)
		return -1;
	report_warning("%s: it counts as changed", why.text);
	*differs = COMPARE_CONTENT;
	return 0;
}

static int compare_with(const struct changing *self, const struct scan *root,
	const struct scan_entry *lower, struct change *change, struct error *e)
{
	const struct scan_entry *entry = change->entry;
	change->was = lower->st.st_mode;
	if (entry->whiteout) {
		change->kind = CHANGE_REMOVED;
		return 0;
	}
	change->is = entry->st.st_mode;
	if (((change->was ^ change->is) & S_IFMT) != 0) {
		change->kind = CHANGE_TYPE;
		return 0;
	}
	if (compare_or_differ(self, root, lower, entry, &change->differs, e) != 0)
		return -1;
	if (S_ISDIR(change->is))
		change->differs &= ~(unsigned)COMPARE_TIME;
	change->kind = change->differs == 0 ? CHANGE_NONE : CHANGE_MODIFIED;
	return 0;
}

/* --- what an opaque directory hides */

static const struct scan_entry *in_upper(const struct changing *self, const char *path)
{
	size_t low = 0, high = self->upper->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = path_compare(path, self->upper->entries[middle].path);
		if (order == 0)
			return &self->upper->entries[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static int add_hidden_name(struct changing *self, char *path, struct error *e)
{
	struct scan_entry lower;
	const struct scan *root;
	bool found = false;
	if (in_upper(self, path) != NULL)
		return 0;
	if (lowers_find(self->lowers, path, &found, &lower, &root, e) != 0)
		return -1;
	if (!found)
		return 0;
	const struct change change = {
		.path = path, .kind = CHANGE_REMOVED, .was = lower.st.st_mode};
	scan_entry_free(&lower);
	return add(self->changes, &change, e);
}

static int add_hidden(struct changing *self, const char *path, struct error *e)
{
	char **paths;
	size_t count;
	int result = 0;
	if (lowers_list(self->lowers, path, &paths, &count, e) != 0)
		return -1;
	for (size_t i = 0; result == 0 && i < count; i++)
		result = add_hidden_name(self, paths[i], e);
	lowers_list_free(paths, count);
	return result;
}

static bool is_in(const char *path, const char *directory)
{
	size_t length = strlen(directory);
	return strncmp(path, directory, length) == 0 && path[length] == '/';
}

/* Overlayfs heeds no mark of the root. A directory in an opaque one is as opaque. */
static bool is_opaque(struct changing *self, const struct scan_entry *entry)
{
	if (self->opaque != NULL && !is_in(entry->path, self->opaque))
		self->opaque = NULL;
	if (self->opaque == NULL && entry->opaque && entry->path[0] != '\0')
		self->opaque = entry->path;
	return self->opaque != NULL && S_ISDIR(entry->st.st_mode);
}

/* --- all of it */

static int take(struct changing *self, const struct scan_entry *entry, struct error *e)
{
	struct change change = {
		.path = entry->path, .kind = CHANGE_ADDED, .is = entry->st.st_mode, .entry = entry};
	struct scan_entry lower;
	const struct scan *root;
	bool found = false;
	int result = 0;
	bool opaque = is_opaque(self, entry);
	if (lowers_find(self->lowers, entry->path, &found, &lower, &root, e) != 0)
		return -1;
	if (found) {
		change.is = 0;
		result = compare_with(self, root, &lower, &change, e);
		scan_entry_free(&lower);
	} else if (entry->whiteout) {
		return 0;
	}
	if (result == 0)
		result = add(self->changes, &change, e);
	if (result == 0 && opaque && found && S_ISDIR(change.was))
		result = add_hidden(self, entry->path, e);
	return result;
}

static int compare_changes(const void *a, const void *b)
{
	return path_compare(((const struct change *)a)->path, ((const struct change *)b)->path);
}

int changes_find(
	const struct scan *upper, struct lowers *lowers, struct changes *out, struct error *e)
{
	struct changes changes = {.count = 0};
	struct changing self = {.upper = upper, .lowers = lowers, .changes = &changes};
	for (size_t i = 0; i < upper->count; i++) {
		const struct scan_entry *entry = &upper->entries[i];
		if (interrupt_check(e) != 0 || (!entry->gone && take(&self, entry, e) != 0)) {
			changes_free(&changes);
			return -1;
		}
	}
	if (changes.count > 0)
		qsort(changes.list, changes.count, sizeof *changes.list, compare_changes);
	*out = changes;
	return 0;
}

const struct change *changes_at(const struct changes *changes, const char *path)
{
	const struct change key = {.path = (char *)(uintptr_t)path};
	return changes->count == 0 ? NULL
				   : bsearch(&key, changes->list, changes->count,
					     sizeof *changes->list, compare_changes);
}

const char *change_type_name(mode_t mode)
{
	static const struct {
		mode_t type;
		const char *name;
	} names[] = {{S_IFREG, "file"}, {S_IFDIR, "directory"}, {S_IFLNK, "symlink"},
		{S_IFCHR, "char"}, {S_IFBLK, "block"}, {S_IFIFO, "fifo"}};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].type == (mode & S_IFMT))
			return names[i].name;
	return "socket";
}

void changes_free(struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++)
		free(changes->list[i].path);
	free(changes->list);
	*changes = (struct changes){.count = 0};
}

#include <stdlib.h>
#include <string.h>

#include "../layers/scope.h"
#include "path_order.h"
#include "scan.h"

/* Two scans on their way to become one. */
struct over {
	struct scan *top, *below;
	size_t count;
	struct scan_entry *entries; /* of both, in their order */
	const char *hiding; /* an entry of the top one that hides what lies below it; NULL: none */
};

static bool is_directory(const struct scan_entry *entry)
{
	return S_ISDIR(entry->st.st_mode);
}

static bool is_hidden(const struct over *self, const char *path)
{
	size_t length = self->hiding == NULL ? 0 : strlen(self->hiding);
	return length > 0 && strncmp(path, self->hiding, length) == 0 && path[length] == '/';
}

/* Of the root itself overlayfs heeds no mark. */
static void note_hiding(struct over *self, const struct scan_entry *entry)
{
	if (entry->path[0] != '\0' && !is_hidden(self, entry->path) &&
		(!is_directory(entry) || entry->opaque))
		self->hiding = entry->path;
}

static void take_top(struct over *self, const struct scan_entry *entry)
{
	note_hiding(self, entry);
	self->entries[self->count++] = *entry;
}

static void take_below(struct over *self, struct scan_entry *entry)
{
	if (is_hidden(self, entry->path)) {
		scan_entry_free(entry);
		return;
	}
	entry->below = true;
	self->entries[self->count++] = *entry;
}

/* A directory that stands over anything else is one that nothing of the layers shows through: what
 * it stands over had hidden that. */
static void take_both(struct over *self, struct scan_entry *top, struct scan_entry *below)
{
	if (is_directory(top) && !is_hidden(self, top->path) && top->path[0] != '\0') {
		note_hiding(self, top);
		top->opaque |= !is_directory(below) || below->opaque;
		self->entries[self->count++] = *top;
	} else {
		take_top(self, top);
	}
	scan_entry_free(below);
}

static void walk(struct over *self)
{
	struct scan *top = self->top, *below = self->below;
	size_t t = 0, b = 0;
	while (t < top->count || b < below->count) {
		int order = t == top->count ? 1
			    : b == below->count
				    ? -1
				    : path_compare(top->entries[t].path, below->entries[b].path);
		if (order < 0)
			take_top(self, &top->entries[t++]);
		else if (order > 0)
			take_below(self, &below->entries[b++]);
		else
			take_both(self, &top->entries[t++], &below->entries[b++]);
	}
}

int scan_put_over(struct scan *top, struct scan *below, struct error *e)
{
	struct over self = {.top = top, .below = below};
	self.entries = calloc(top->count + below->count, sizeof *self.entries);
	if (self.entries == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory for so many files");
	walk(&self);
	free(top->entries);
	top->entries = self.entries;
	top->capacity = top->count + below->count;
	top->count = self.count;
	top->below = below->root;
	top->below_fd = scope_take_fd(&below->root_fd);
	below->count = 0;
	scan_free(below);
	return scan_find_leaders(top, e);
}

#include "compare.h"

#include <stdlib.h>
#include <string.h>

#include "path_order.h"

/* --- which is which */

/* Both are in one order: one walk finds the pairs. */
static void pair(struct compare *self)
{
	size_t o = 0, n = 0;
	while (o < self->old->count || n < self->new->count) {
		int order = o == self->old->count   ? 1
			    : n == self->new->count ? -1
						    : path_compare(self->old->entries[o].path,
							      self->new->entries[n].path);
		if (order == 0) {
			self->to_old[n] = o;
			self->to_new[o] = n;
		}
		if (order <= 0)
			o++;
		if (order >= 0)
			n++;
	}
}

static bool is_directory(const struct scan_entry *entry)
{
	return S_ISDIR(entry->st.st_mode);
}

/* --- one pair */

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_xattrs(const struct scan_entry *a, const struct scan_entry *b)
{
	if (a->xattr_count != b->xattr_count)
		return false;
	for (size_t i = 0; i < a->xattr_count; i++) {
		const struct scan_xattr *x = &a->xattrs[i], *y = &b->xattrs[i];
		if (strcmp(x->name, y->name) != 0 || x->size_bytes != y->size_bytes ||
			memcmp(x->value, y->value, x->size_bytes) != 0)
			return false;
	}
	return true;
}

/* Of a file, whether the contents can be the same. */
static bool same_content(const struct scan_entry *a, const struct scan_entry *b)
{
	const struct stat *x = &a->st, *y = &b->st;
	if (S_ISREG(x->st_mode))
		return x->st_size == y->st_size;
	if (S_ISLNK(x->st_mode))
		return strcmp(a->link, b->link) == 0;
	return (!S_ISCHR(x->st_mode) && !S_ISBLK(x->st_mode)) || x->st_rdev == y->st_rdev;
}

static unsigned compare_metadata(const struct scan_entry *a, const struct scan_entry *b)
{
	const struct stat *x = &a->st, *y = &b->st;
	unsigned differs = 0;
	if ((x->st_mode & S_IFMT) != (y->st_mode & S_IFMT))
		differs |= COMPARE_TYPE;
	else if (!same_content(a, b))
		differs |= COMPARE_CONTENT;
	if ((x->st_mode & ~(unsigned)S_IFMT) != (y->st_mode & ~(unsigned)S_IFMT))
		differs |= COMPARE_MODE;
	if (x->st_uid != y->st_uid || x->st_gid != y->st_gid)
		differs |= COMPARE_OWNER;
	if (!same_time(&x->st_mtim, &y->st_mtim))
		differs |= COMPARE_TIME;
	return same_xattrs(a, b) ? differs : differs | COMPARE_XATTRS;
}

static bool same_metadata(const struct scan_entry *a, const struct scan_entry *b)
{
	return compare_metadata(a, b) == 0;
}

int compare_entries(const struct scan *a, const struct scan_entry *x, const struct scan *b,
	const struct scan_entry *y, unsigned *differs, struct error *e)
{
	unsigned found = compare_metadata(x, y);
	bool same = true;
	/* One inode in both trees is one file. */
	if ((found & (COMPARE_TYPE | COMPARE_CONTENT)) == 0 && S_ISREG(x->st.st_mode) &&
		(x->st.st_dev != y->st.st_dev || x->st.st_ino != y->st.st_ino) &&
		compare_contents(a, x, b, y, &same, e) != 0)
		return -1;
	*differs = same ? found : found | COMPARE_CONTENT;
	return 0;
}

static int is_same(const struct compare *self, size_t old, size_t new, bool *same, struct error *e)
{
	const struct scan_entry *a = &self->old->entries[old], *b = &self->new->entries[new];
	unsigned differs = 0;
	*same = same_metadata(a, b);
	if (!*same)
		return 0;
	int result = compare_entries(self->old, a, self->new, b, &differs, e);
	*same = differs == 0;
	return result;
}

/* --- hard links. A group is known by its leader, the first of its names. */

struct groups {
	size_t *old_names; /* by old leader: names of the group that are there in new, too */
	size_t *new_names; /* by new leader */
	size_t *from; /* by new leader: the old group that all its names were in, or COMPARE_NONE */
};

static void groups_free(struct groups *groups)
{
	free(groups->old_names);
	free(groups->new_names);
	free(groups->from);
}
#define SCOPED_GROUPS __attribute__((cleanup(groups_free))) struct groups

/* The old group of a new name; none when the name is new or was a directory. */
static size_t old_group(const struct compare *self, size_t new)
{
	size_t old = self->to_old[new];
	if (old == COMPARE_NONE || is_directory(&self->old->entries[old]))
		return COMPARE_NONE;
	return self->old->entries[old].leader;
}

static int find_groups(const struct compare *self, struct groups *out, struct error *e)
{
	out->old_names = calloc(self->old->count, sizeof(size_t));
	out->new_names = calloc(self->new->count, sizeof(size_t));
	out->from = calloc(self->new->count, sizeof(size_t));
	if (out->old_names == NULL || out->new_names == NULL || out->from == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory for hard links");
	for (size_t i = 0; i < self->new->count; i++) {
		if (is_directory(&self->new->entries[i]))
			continue;
		size_t leader = self->new->entries[i].leader;
		size_t from = old_group(self, i);
		if (leader == i)
			out->from[i] = from;
		else if (out->from[leader] != from)
			out->from[leader] = COMPARE_NONE;
		out->new_names[leader]++;
		if (from != COMPARE_NONE)
			out->old_names[from]++;
	}
	return 0;
}

/* A group stays as it is when its names were one group and no other name of that is there any more,
 * and what they name is the same. */
static int decide_group(
	struct compare *self, const struct groups *groups, size_t leader, struct error *e)
{
	size_t from = groups->from[leader];
	bool same = from != COMPARE_NONE && groups->old_names[from] == groups->new_names[leader];
	if (same && is_same(self, self->to_old[leader], leader, &same, e) != 0)
		return -1;
	self->emit[leader] = !same;
	return 0;
}

static int decide_new(struct compare *self, struct error *e)
{
	SCOPED_GROUPS groups = {0};
	if (find_groups(self, &groups, e) != 0)
		return -1;
	for (size_t i = 0; i < self->new->count; i++) {
		const struct scan_entry *entry = &self->new->entries[i];
		size_t old = self->to_old[i];
		if (is_directory(entry))
			self->emit[i] = old == COMPARE_NONE ||
					!same_metadata(&self->old->entries[old], entry);
		else if (entry->leader != i)
			self->emit[i] = self->emit[entry->leader];
		else if (decide_group(self, &groups, i, e) != 0)
			return -1;
	}
	return 0;
}

/* --- what is gone */

/* Whether `path` lies below the directory `above`. */
static bool is_below(const char *path, const char *above)
{
	size_t length = strlen(above);
	return strncmp(path, above, length) == 0 && path[length] == '/';
}

/* Only the topmost: what lies below a name that is gone, or that is no directory any more, goes
 * with it. */
static void decide_old(struct compare *self)
{
	const char *gone = NULL;
	for (size_t i = 1; i < self->old->count; i++) {
		const struct scan_entry *entry = &self->old->entries[i];
		if (gone != NULL && is_below(entry->path, gone))
			continue;
		size_t new = self->to_new[i];
		self->whiteout[i] = new == COMPARE_NONE;
		bool stays = (new != COMPARE_NONE) && is_directory(&self->new->entries[new]);
		gone = stays ? NULL : entry->path;
	}
}

int compare_trees(
	const struct scan *old, const struct scan *new, struct compare *out, struct error *e)
{
	if (scan_refuse_whiteouts(old, e) != 0 || scan_refuse_whiteouts(new, e) != 0)
		return -1;
	*out = (struct compare){.old = old,
		.new = new,
		.to_old = malloc(new->count * sizeof(size_t)),
		.to_new = malloc(old->count * sizeof(size_t)),
		.emit = calloc(new->count, sizeof(bool)),
		.whiteout = calloc(old->count, sizeof(bool))};
	if (out->to_old == NULL || out->to_new == NULL || out->emit == NULL ||
		out->whiteout == NULL) {
		compare_free(out);
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	}
	memset(out->to_old, 0xff, new->count * sizeof(size_t)); /* COMPARE_NONE */
	memset(out->to_new, 0xff, old->count * sizeof(size_t));
	pair(out);
	decide_old(out);
	if (decide_new(out, e) != 0) {
		compare_free(out);
		return -1;
	}
	return 0;
}

void compare_free(struct compare *compare)
{
	free(compare->to_old);
	free(compare->to_new);
	free(compare->emit);
	free(compare->whiteout);
	*compare = (struct compare){0};
}

/* compose/layer_index.c: what counts of a layer's entries. */
#include "layers_of.h"

#include "errors.h"

/* "type path[:size][>leader]", one after the other. */
static const char *text_of(const struct layer_index *index)
{
	static char text[2000];
	text[0] = '\0';
	for (size_t i = 0; i < index->count; i++) {
		const struct layer_entry *entry = &index->entries[i];
		size_t used = strlen(text);
		(void)snprintf(text + used, sizeof text - used, "%s%c%s%s %s/%llu%s%s",
			i == 0 ? "" : " | ", entry->type, entry->implied ? "i" : "",
			entry->opaque ? "o" : "", entry->path,
			(unsigned long long)entry->size_bytes, entry->leader == i ? "" : " = ",
			entry->leader == i ? "" : index->entries[entry->leader].path);
	}
	return text;
}

static const struct {
	const char *name;
	struct event events[EVENTS];
	const char *wanted;
} rows[] = {
	{"in the order of a walk",
		{{'0', "a-", NULL, 1, 0}, {'0', "a/b", NULL, 2, 0}, {'i', "a", NULL, 0, 0},
			{'i', "", NULL, 0, 0}},
		"5i /0 | 5i a/0 | 0 a/b/2 | 0 a-/1"},
	{"the last entry of a name wins",
		{{'0', "a", NULL, 1, 0}, {'2', "a", "x", 0, 0}, {'0', "a", NULL, 3, 0}}, "0 a/3"},
	{"an entry stays where a whiteout comes later",
		{{'0', "a", NULL, 1, 0}, {'w', "a", NULL, 0, 0}}, "0 a/1"},
	{"... and comes where one was", {{'w', "a", NULL, 0, 0}, {'0', "a", NULL, 1, 0}}, "0 a/1"},
	{"so does what is implied",
		{{'w', "a", NULL, 0, 0}, {'0', "a/b", NULL, 1, 0}, {'f', "a", NULL, 0, 0},
			{'o', "a", NULL, 0, 0}},
		"5io a/0 | 0 a/b/1"},
	{"a directory with a whiteout in it is implied only where that is said too",
		{{'5', "a", NULL, 0, 0}, {'w', "a/x", NULL, 0, 0}, {'w', "b/x", NULL, 0, 0},
			{'n', "a", NULL, 0, 0}, {'i', "b", NULL, 0, 0}, {'n', "b", NULL, 0, 0}},
		"5 a/0 | w a/x/0 | 5i b/0 | w b/x/0"},
	{"a whiteout alone, twice", {{'w', "a", NULL, 0, 0}, {'w', "a", NULL, 0, 0}}, "w a/0"},
	{"hard links lead to the first name in the order of a walk",
		{{'0', "c", NULL, 5, 0}, {'1', "b", "c", 0, 0}, {'1', "d", "b", 0, 0}},
		"0 b/5 | 0 c/5 = b | 0 d/5 = b"},
	{"... and keep what the name had when they were made",
		{{'0', "a", NULL, 5, 0}, {'1', "b", "a", 0, 0}, {'0', "a", NULL, 6, 0},
			{'1', "c", "a", 0, 0}},
		"0 a/6 | 0 b/5 | 0 c/6 = a"},
	{"... of symlinks and devices too",
		{{'2', "s", "to", 0, 0}, {'1', "t", "s", 0, 0}, {'3', "x", NULL, 0, 0},
			{'1', "y", "x", 0, 0}},
		"2 s/0 | 2 t/0 = s | 3 x/0 | 3 y/0 = x"},
};

static void takes_what_counts(void)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct layer_index index = {0};
		struct error e;
		ok(index_of(rows[i].events, &index, &e) == 0, "%s", rows[i].name);
		is_str(text_of(&index), rows[i].wanted, "... is right");
		layer_index_free(&index);
	}
}

static void counts_names(void)
{
	static const struct event events[EVENTS] = {{'0', "a", NULL, 5, 0}, {'1', "b", "a", 0, 0},
		{'1', "c", "a", 0, 0}, {'0', "d", NULL, 1, 0}};
	struct layer_index index = {0};
	struct error e;
	ok(index_of(events, &index, &e) == 0 && index.entries[0].names == 3 &&
			index.entries[2].names == 3 && index.entries[3].names == 1,
		"each knows how many names its file has");
	ok(index.entries[1].uid == 7 && index.entries[1].order == 0 && index.entries[3].order == 3,
		"... and which entry it came with");
	layer_index_free(&index);
}

static void refuses(void)
{
	static const struct {
		const char *name;
		struct event events[EVENTS];
	} bad[] = {
		{"a hard link to nothing", {{'1', "a", "b", 0, 0}}},
		{"... to what comes later", {{'1', "a", "b", 0, 0}, {'0', "b", NULL, 1, 0}}},
		{"... to a directory", {{'5', "b", NULL, 0, 0}, {'1', "a", "b", 0, 0}}},
		{"... to a whiteout", {{'w', "b", NULL, 0, 0}, {'1', "a", "b", 0, 0}}},
	};
	struct error e;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct layer_index index = {0};
		error_is(index_of(bad[i].events, &index, &e), &e, ERROR_PATH, "%s", bad[i].name);
		layer_index_free(&index);
	}
	struct layer_index small = {.most_bytes = 1000};
	error_is(index_of(rows[0].events, &small, &e), &e, ERROR_LIMIT, "more memory than it may");
	layer_index_free(&small);
}

int main(void)
{
	takes_what_counts();
	counts_names();
	refuses();
	return done();
}

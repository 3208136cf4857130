/* compose/lowers.c, scan_over.c, changes.c, conflicts.c: one rule at a time; tests/cli/tree.py has
 * them all together, with the kernel's overlayfs beside them. */
#include "compose/compare.h"
#include "compose/conflicts.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "errors.h"
#include "layers/sandbox.h"
#include "layers_of.h"

enum { NAMES = 10, TREES = 4 };

/* 'd' a directory, 'o' an opaque one, 'w' a whiteout, 'W' one that is a file, 'f' a file. */
struct name {
	char type;
	const char *path;
	const char *content; /* 'f' */
};

static void make_name(const char *root, const struct name *name)
{
	static const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	char path[PATH_MAX];
	int failed = 0;
	(void)snprintf(path, sizeof path, "%s/%s", root, name->path);
	if (name->type == 'd' || name->type == 'o')
		failed |= mkdir(path, 0755) != 0;
	if (name->type == 'o')
		failed |= setxattr(path, "trusted.overlay.opaque", "y", 1, 0) != 0;
	if (name->type == 'w')
		failed |= mknod(path, S_IFCHR, makedev(0, 0)) != 0;
	if (name->type == 'f' || name->type == 'W')
		write_file(path, name->content, name->type == 'f' ? strlen(name->content) : 0);
	if (name->type == 'W')
		failed |= setxattr(path, "trusted.overlay.whiteout", "", 0, 0) != 0;
	failed |= utimensat(AT_FDCWD, path, times, 0) != 0;
	if (failed)
		abort();
}

static char *make_tree(const struct sandbox *sandbox, unsigned number, const struct name *names)
{
	char *path = NULL;
	if (asprintf(&path, "%s/%u", sandbox->root, number) < 0 || mkdir(path, 0755) != 0)
		abort();
	for (size_t i = 0; i < NAMES && names[i].path != NULL; i++)
		make_name(path, &names[i]);
	return path;
}

static const char *said(const struct changes *changes)
{
	static char text[1000];
	static const char letters[] = "=AMTD";
	text[0] = '\0';
	for (size_t i = 0; i < changes->count; i++) {
		size_t used = strlen(text);
		if (changes->list[i].kind != CHANGE_NONE || changes->list[i].path[0] != '\0')
			(void)snprintf(text + used, sizeof text - used, "%s%c%s",
				used == 0 ? "" : " ", letters[changes->list[i].kind],
				changes->list[i].path);
	}
	return text;
}

/* Two uppers, the top one first, and two layers, in the same order. */
struct rule {
	const char *name, *wanted;
	struct name trees[TREES][NAMES];
};

static void follows(const struct rule *rule)
{
	struct sandbox sandbox;
	struct error e = {0};
	char *paths[TREES];
	SCOPED_SCAN top = SCAN_INIT;
	SCOPED_SCAN below = SCAN_INIT;
	SCOPED_LOWERS lowers = LOWERS_INIT;
	SCOPED_CHANGES changes = {.count = 0};
	sandbox_open(&sandbox);
	for (unsigned i = 0; i < TREES; i++)
		paths[i] = make_tree(&sandbox, i, rule->trees[i]);
	if (scan_upper(paths[0], false, SCAN_MARKS_TRUSTED, &top, &e) != 0 ||
		scan_upper(paths[1], false, SCAN_MARKS_TRUSTED, &below, &e) != 0 ||
		scan_put_over(&top, &below, &e) != 0 ||
		lowers_open_at(paths + 2, 2, &lowers, &e) != 0 ||
		changes_find(&top, &lowers, &changes, &e) != 0)
		ok(false, "%s: %s", rule->name, e.text);
	else
		is_str(said(&changes), rule->wanted, "%s", rule->name);
	for (unsigned i = 0; i < TREES; i++)
		free(paths[i]);
	sandbox_close(&sandbox);
}

static void changes_are_told(void)
{
#define NONE                                                                                       \
	{                                                                                          \
		{                                                                                  \
			0                                                                          \
		}                                                                                  \
	}
	static const struct rule rules[] = {
		{"new ones", "Ad Ad/f", {{{'d', "d", 0}, {'f', "d/f", "1"}}}},
		{"the same is no change", "=f", {{{'f', "f", "1"}}, NONE, {{'f', "f", "1"}}}},
		{"other bytes, as many", "Mf", {{{'f', "f", "1"}}, NONE, {{'f', "f", "2"}}}},
		{"a whiteout", "Df", {{{'w', "f", 0}}, NONE, {{'f', "f", "2"}}}},
		{"a whiteout that is a file", "Df", {{{'W', "f", 0}}, NONE, {{'f', "f", "2"}}}},
		{"a whiteout of nothing", "", {{{'w', "f", 0}}}},
		{"another type", "Td",
			{{{'f', "d", "1"}}, NONE, {{'d', "d", 0}, {'f', "d/f", "2"}}}},
		{"a directory over a file", "Td Ad/f",
			{{{'d', "d", 0}, {'f', "d/f", "2"}}, NONE, {{'f', "d", "1"}}}},
		{"an opaque directory", "=d Dd/f =d/g",
			{{{'o', "d", 0}, {'f', "d/g", "1"}}, NONE,
				{{'d', "d", 0}, {'f', "d/f", "2"}},
				{{'d', "d", 0}, {'f', "d/g", "1"}}}},
		{"... and one in it", "=d =d/e Dd/e/f",
			{{{'o', "d", 0}, {'d', "d/e", 0}}, NONE,
				{{'d', "d", 0}, {'d', "d/e", 0}, {'f', "d/e/f", "2"}}}},
		{"... but not one beside it", "=d =e",
			{{{'o', "d", 0}, {'d', "e", 0}}, NONE,
				{{'d', "d", 0}, {'d', "e", 0}, {'f', "e/f", "2"}}}},
		/* of layers */
		{"a layer's whiteout", "Af",
			{{{'f', "f", "1"}}, NONE, {{'w', "f", 0}}, {{'f', "f", "1"}}}},
		{"a layer's opaque directory", "=d Ad/f",
			{{{'d', "d", 0}, {'f', "d/f", "1"}}, NONE, {{'o', "d", 0}},
				{{'d', "d", 0}, {'f', "d/f", "1"}}}},
		{"a layer's file over a directory", "Td Ad/f",
			{{{'d', "d", 0}, {'f', "d/f", "1"}}, NONE, {{'f', "d", "2"}},
				{{'d', "d", 0}, {'f', "d/f", "1"}}}},
		{"a layer's directory over a file", "=d Ad/f",
			{{{'d', "d", 0}, {'f', "d/f", "1"}}, NONE, {{'d', "d", 0}},
				{{'f', "d", "1"}}}},
		{"directories of two layers", "=d =d/f =d/g",
			{{{'d', "d", 0}, {'f', "d/f", "1"}, {'f', "d/g", "2"}}, NONE,
				{{'d', "d", 0}, {'f', "d/f", "1"}},
				{{'d', "d", 0}, {'f', "d/g", "2"}}}},
		/* of uppers */
		{"the one below", "Mf", {NONE, {{'f', "f", "1"}}, {{'f', "f", "2"}}}},
		{"the upper one counts", "=f",
			{{{'f', "f", "2"}}, {{'f', "f", "1"}}, {{'f', "f", "2"}}}},
		{"a whiteout of what only the one below has", "",
			{{{'w', "f", 0}}, {{'f', "f", "1"}}}},
		{"what the one below removed is back", "=f",
			{{{'f', "f", "2"}}, {{'w', "f", 0}}, {{'f', "f", "2"}}}},
		{"one directory", "=d Ad/f Ad/g",
			{{{'d', "d", 0}, {'f', "d/f", "1"}}, {{'d', "d", 0}, {'f', "d/g", "1"}},
				{{'d', "d", 0}}}},
		{"an opaque one over one", "=d Ad/f",
			{{{'o', "d", 0}, {'f', "d/f", "1"}}, {{'d', "d", 0}, {'f', "d/g", "1"}},
				{{'d', "d", 0}}}},
		{"a directory over an opaque one", "=d Dd/f",
			{{{'d', "d", 0}}, {{'o', "d", 0}}, {{'d', "d", 0}, {'f', "d/f", "1"}}}},
		{"a directory over a whiteout", "=d Dd/f",
			{{{'d', "d", 0}}, {{'w', "d", 0}}, {{'d', "d", 0}, {'f', "d/f", "1"}}}},
		{"a file over a directory", "Td",
			{{{'f', "d", "1"}}, {{'d', "d", 0}, {'f', "d/g", "1"}}, {{'d', "d", 0}}}},
		{"an opaque one in an opaque one", "=d =d/e",
			{{{'o', "d", 0}, {'o', "d/e", 0}},
				{{'d', "d", 0}, {'d', "d/e", 0}, {'f', "d/e/f", "1"},
					{'f', "d/g", "1"}},
				{{'d', "d", 0}, {'d', "d/e", 0}}}},
	};
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		follows(&rules[i]);
}

/* --- what is hidden of an update */

enum { LAYERS = 2 };

static void tree_make(const struct event *events, struct layer_index *index, struct stack_tree *out)
{
	static struct digest contents[EVENTS];
	static const struct digest *of_layer[] = {contents};
	struct error e;
	*index = (struct layer_index){0};
	if (index_of(events, index, &e) != 0 || merged_make(index, 1, false, &out->merged, &e) != 0)
		abort();
	out->contents = of_layer;
}

static int note(void *context, const struct conflict *conflict, struct error *e)
{
	static const char letters[] = "AMTD";
	char *text = context;
	size_t used = strlen(text);
	(void)e;
	(void)snprintf(text + used, 500 - used, "%s%c%s<%s", used == 0 ? "" : " ",
		letters[conflict->did], conflict->path, conflict->by->path);
	return 0;
}

static int note_none(void *context, const struct conflict *conflict, struct error *e)
{
	(void)context, (void)conflict;
	return error_set(e, ERROR_IO, 0, "no more");
}

static void conflicts_are_told(void)
{
	static const struct event before[EVENTS] = {{'5', "d", 0, 0, 0755},
		{'0', "d/same", 0, 1, 0}, {'0', "d/size", 0, 1, 0}, {'0', "gone", 0, 1, 0},
		{'0', "keeps", 0, 1, 0}, {'0', "type", 0, 1, 0}, {'0', "mode", 0, 1, 0}};
	static const struct event after[EVENTS] = {{'5', "d", 0, 0, 0755}, {'0', "d/new", 0, 1, 0},
		{'0', "d/same", 0, 1, 0}, {'0', "d/size", 0, 2, 0}, {'0', "keeps", 0, 1, 0},
		{'5', "type", 0, 0, 0755}, {'0', "mode", 0, 1, 0600}};
	static const struct {
		const char *name, *wanted;
		struct change change;
	} cases[] = {
		{"another file", "Md/size<d/size",
			{.path = (char *)"d/size",
				.kind = CHANGE_MODIFIED,
				.differs = COMPARE_CONTENT}},
		{"another time alone", "",
			{.path = (char *)"d/size",
				.kind = CHANGE_MODIFIED,
				.differs = COMPARE_TIME}},
		{"one that was copied up", "", {.path = (char *)"d/size", .kind = CHANGE_NONE}},
		{"another mode", "Mmode<mode",
			{.path = (char *)"mode", .kind = CHANGE_MODIFIED, .differs = COMPARE_MODE}},
		{"one that the stack left alone", "",
			{.path = (char *)"keeps",
				.kind = CHANGE_MODIFIED,
				.differs = COMPARE_CONTENT}},
		{"a whiteout above", "Ad/new<d Md/size<d",
			{.path = (char *)"d", .kind = CHANGE_REMOVED}},
		{"a file above", "Ad/new<d Md/size<d",
			{.path = (char *)"d", .kind = CHANGE_TYPE, .is = S_IFREG}},
		{"a directory above", "",
			{.path = (char *)"d",
				.kind = CHANGE_MODIFIED,
				.is = S_IFDIR,
				.differs = COMPARE_MODE}},
		{"a whiteout", "Ad/new<d/new", {.path = (char *)"d/new", .kind = CHANGE_REMOVED}},
		{"a file that the stack removed", "Dgone<gone",
			{.path = (char *)"gone", .kind = CHANGE_ADDED, .is = S_IFREG}},
		{"another type", "Ttype<type",
			{.path = (char *)"type", .kind = CHANGE_TYPE, .is = S_IFREG}},
	};
	struct layer_index indexes[LAYERS];
	struct stack_tree old = {0}, new = {0};
	struct error e = {0};
	tree_make(before, &indexes[0], &old);
	tree_make(after, &indexes[1], &new);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct change change = cases[i].change;
		const struct changes changes = {.count = 1, .list = &change};
		char text[500] = "";
		is_int(conflicts_find(&old, &new, &changes, note, text, &e), 0, "%s",
			cases[i].name);
		is_str(text, cases[i].wanted, "... hides what it hides");
	}
	struct change change = cases[0].change;
	const struct changes one = {.count = 1, .list = &change}, none = {.count = 0};
	error_is(conflicts_find(&old, &new, &one, note_none, NULL, &e), &e, ERROR_IO,
		"who takes no more ends it");
	is_int(conflicts_find(&old, &new, &none, note_none, NULL, &e), 0,
		"no changes, no conflicts");
	merged_free(&old.merged);
	merged_free(&new.merged);
	for (size_t i = 0; i < LAYERS; i++)
		layer_index_free(&indexes[i]);
}

int main(void)
{
	changes_are_told();
	conflicts_are_told();
	return done();
}

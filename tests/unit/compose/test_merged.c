/* compose/merged.c, merged_path.c: OCI's rules, one at a time; tests/cli/look_model.py has them all
 * together. */
#include "layers_of.h"

#include "errors.h"

enum { LAYERS = 4 };

struct stack_of {
	struct layer_index layers[LAYERS];
	size_t count;
	struct merged merged;
};

static void stack_make(struct stack_of *stack, const struct event layers[LAYERS][EVENTS])
{
	struct error e;
	*stack = (struct stack_of){0};
	for (; stack->count < LAYERS && layers[stack->count][0].path != NULL; stack->count++)
		if (index_of(layers[stack->count], &stack->layers[stack->count], &e) != 0)
			ok(false, "layer %zu: %s", stack->count, e.text);
	if (merged_make(stack->layers, stack->count, stack->count == 1, &stack->merged, &e) != 0)
		ok(false, "merge: %s", e.text);
}

static void stack_free_of(struct stack_of *stack)
{
	merged_free(&stack->merged);
	for (size_t i = 0; i < stack->count; i++)
		layer_index_free(&stack->layers[i]);
}

/* "path@layer" of each but the root; a directory's mode, too. */
static const char *tree_of(const struct merged *merged)
{
	static char text[2000];
	text[0] = '\0';
	for (size_t i = 1; i < merged->count; i++) {
		const struct merged_node *node = &merged->nodes[i];
		size_t used = strlen(text);
		(void)snprintf(text + used, sizeof text - used, "%s%s@%u", i == 1 ? "" : " ",
			node->entry->path, node->layer + 1u);
		used = strlen(text);
		if (node->entry->type == '5')
			(void)snprintf(
				text + used, sizeof text - used, ":%o", node->described->mode);
	}
	return text;
}

/* Entries and bytes that the top layer added, changed, removed, replaced. */
static const char *did_of(const struct stack_of *stack)
{
	static char text[200];
	const struct merged_layer *did = &stack->merged.did[stack->count - 1];
	const struct merged_sum *sums[] = {
		&did->added, &did->changed, &did->removed, &did->replaced};
	text[0] = '\0';
	for (size_t i = 0; i < 4; i++) {
		size_t used = strlen(text);
		(void)snprintf(text + used, sizeof text - used, "%s%llu/%llu", i == 0 ? "" : " ",
			(unsigned long long)sums[i]->entries, (unsigned long long)sums[i]->bytes);
	}
	return text;
}

#define ROOT                                                                                       \
	{                                                                                          \
		'i', "", NULL, 0, 0                                                                \
	}
#define FILE_(path_, size_)                                                                        \
	{                                                                                          \
		'0', path_, NULL, size_, 0                                                         \
	}
#define DIR_(path_, mode_)                                                                         \
	{                                                                                          \
		'5', path_, NULL, 0, mode_                                                         \
	}
#define IS(type_, path_)                                                                           \
	{                                                                                          \
		type_, path_, NULL, 0, 0                                                           \
	}

static const struct {
	const char *name;
	struct event layers[LAYERS][EVENTS];
	const char *tree, *did;
} rows[] = {
	{"two layers side by side", {{ROOT, FILE_("a", 1)}, {ROOT, FILE_("b", 2)}}, "a@1 b@2",
		"1/2 0/0 0/0 0/0"},
	{"a file over a file", {{ROOT, FILE_("a", 1)}, {ROOT, FILE_("a", 2)}}, "a@2",
		"0/0 1/2 0/0 1/1"},
	{"a whiteout", {{ROOT, FILE_("a", 1), FILE_("b", 2)}, {ROOT, IS('w', "a")}}, "b@1",
		"0/0 0/0 1/1 0/0"},
	{"... of nothing", {{ROOT, FILE_("b", 2)}, {ROOT, IS('w', "a")}}, "b@1", "0/0 0/0 0/0 0/0"},
	{"... of a directory, with all in it",
		{{ROOT, DIR_("d", 0700), FILE_("d/a", 1), FILE_("d-", 2)}, {ROOT, IS('w', "d")}},
		"d-@1", "0/0 0/0 2/1 0/0"},
	{"... hides no layer above",
		{{ROOT, FILE_("a", 1)}, {ROOT, IS('w', "a")}, {ROOT, FILE_("a", 3)}}, "a@3",
		"1/3 0/0 0/0 0/0"},
	{"what went with its directory and comes back is new",
		{{ROOT, DIR_("d", 0700), FILE_("d/a", 1)}, {ROOT, IS('w', "d")},
			{ROOT, DIR_("d", 0711), FILE_("d/a", 4)}},
		"d@3:711 d/a@3", "2/4 0/0 0/0 0/0"},
	{"a file over a directory",
		{{ROOT, DIR_("d", 0700), FILE_("d/a", 1)}, {ROOT, FILE_("d", 5)}}, "d@2",
		"0/0 1/5 1/1 1/0"},
	{"a directory over a file",
		{{ROOT, FILE_("d", 5)}, {ROOT, DIR_("d", 0700), FILE_("d/a", 1)}}, "d@2:700 d/a@2",
		"1/1 1/0 0/0 1/5"},
	{"... and what was a directory below does not come back",
		{{ROOT, DIR_("d", 0700), FILE_("d/old", 9)}, {ROOT, FILE_("d", 5)},
			{ROOT, DIR_("d", 0711), FILE_("d/a", 1)}},
		"d@3:711 d/a@3", "1/1 1/0 0/0 1/5"},
	{"directories become one, with the upper's metadata",
		{{ROOT, DIR_("d", 0700), FILE_("d/a", 1)},
			{ROOT, DIR_("d", 0711), FILE_("d/b", 2)}},
		"d@2:711 d/a@1 d/b@2", "1/2 1/0 0/0 0/0"},
	{"... the same is no change",
		{{ROOT, DIR_("d", 0700), FILE_("d/a", 1)},
			{ROOT, DIR_("d", 0700), FILE_("d/b", 2)}},
		"d@2:700 d/a@1 d/b@2", "1/2 0/0 0/0 0/0"},
	{"an implied one has the lower's metadata",
		{{ROOT, DIR_("d", 0700)}, {ROOT, IS('i', "d"), FILE_("d/b", 2)},
			{ROOT, IS('i', "d"), FILE_("d/c", 3)}},
		"d@3:700 d/b@2 d/c@3", "1/3 0/0 0/0 0/0"},
	{"... but none when the same layer removed it",
		{{ROOT, DIR_("d", 0700), FILE_("d/a", 1)},
			{ROOT, IS('w', "d"), IS('f', "d"), IS('o', "d"), FILE_("d/b", 2)}},
		"d@2:755 d/b@2", "1/2 1/0 1/1 0/0"},
	{"... nor when what it lies in was hidden",
		{{ROOT, DIR_("p", 0700), DIR_("p/d", 0700), FILE_("p/d/a", 1)},
			{ROOT, IS('i', "p"), IS('o', "p"), IS('i', "p/d"), FILE_("p/d/b", 2)}},
		"p@2:700 p/d@2:755 p/d/b@2", "1/2 1/0 1/1 0/0"},
	{"an opaque directory hides what lower ones have in it, and keeps their metadata",
		{{ROOT, DIR_("d", 0700), FILE_("d/a", 1), DIR_("d/e", 0700), FILE_("d/e/f", 4)},
			{ROOT, IS('i', "d"), IS('o', "d"), FILE_("d/b", 2)}},
		"d@2:700 d/b@2", "1/2 0/0 3/5 0/0"},
	{"an opaque root", {{ROOT, FILE_("a", 1)}, {ROOT, IS('o', ""), FILE_("b", 2)}}, "b@2",
		"1/2 0/0 1/1 0/0"},
	{"a file's bytes go with its last name",
		{{ROOT, FILE_("a", 7), {'1', "b", "a", 0, 0}}, {ROOT, IS('w', "a")}}, "b@1",
		"0/0 0/0 1/0 0/0"},
	{"... however many layers that takes",
		{{ROOT, FILE_("a", 7), {'1', "b", "a", 0, 0}}, {ROOT, IS('w', "a")},
			{ROOT, FILE_("b", 1)}},
		"b@3", "0/0 1/1 0/0 1/7"},
	{"one layer shows its whiteouts",
		{{ROOT, FILE_("a", 1), IS('w', "b"), IS('i', "d"), IS('w', "d/x")}},
		"a@1 b@1 d@1:755 d/x@1", "3/1 0/0 0/0 0/0"},
};

static void merges(void)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct stack_of stack;
		stack_make(&stack, rows[i].layers);
		is_str(tree_of(&stack.merged), rows[i].tree, "%s", rows[i].name);
		is_str(did_of(&stack), rows[i].did, "... what the top layer did");
		stack_free_of(&stack);
	}
}

/* --- paths */

static const struct event tree[LAYERS][EVENTS] = {{ROOT, DIR_("d", 0700), DIR_("d/e", 0700),
	FILE_("d/e/f", 1), {'2', "abs", "/d/e", 0, 0}, {'2', "d/up", "../../../d/./e/", 0, 0},
	{'2', "d/file", "e/f", 0, 0}, {'2', "loop", "loop2", 0, 0}, {'2', "loop2", "/loop", 0, 0},
	{'2', "dangling", "d/nowhere", 0, 0}, {'2', "slash", "d/e/f/", 0, 0}, IS('w', "gone")}};

static void follows(void)
{
	static const struct {
		const char *path;
		bool follow;
		const char *wanted; /* or the word of an error */
	} paths[] = {{"/", true, ""}, {"", true, ""}, {"..", true, ""}, {"d//e/./f", true, "d/e/f"},
		{"/d/../d/e/..", true, "d"}, {"abs", false, "abs"}, {"abs", true, "d/e"},
		{"abs/", false, "d/e"}, {"abs/f", false, "d/e/f"}, {"abs/..", false, "d"},
		{"d/up/f", true, "d/e/f"}, {"d/file", true, "d/e/f"}, {"d/file", false, "d/file"},
		{"loop", false, "loop"}, {"loop", true, "PATH"}, {"loop/x", false, "PATH"},
		{"dangling", false, "dangling"}, {"dangling", true, "MISSING"},
		{"slash", true, "TYPE"}, {"d/e/f/", true, "TYPE"}, {"d/e/f/x", true, "TYPE"},
		{"d/e/f/..", true, "TYPE"}, {"nowhere", true, "MISSING"},
		{"d/nowhere/x", true, "MISSING"}, {"gone", true, "gone"},
		{"gone/x", true, "MISSING"}};
	struct stack_of stack;
	struct error e;
	stack_make(&stack, tree);
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		const struct merged_node *node = NULL;
		int result =
			merged_resolve(&stack.merged, paths[i].path, paths[i].follow, &node, &e);
		is_str(result == 0 ? node->entry->path : error_code_name(e.code), paths[i].wanted,
			"`%s`%s", paths[i].path, paths[i].follow ? ", followed" : "");
	}
	static char long_path[LIMIT_PATH_BYTES + 2];
	const struct merged_node *node;
	memset(long_path, 'x', LIMIT_PATH_BYTES + 1);
	error_is(merged_resolve(&stack.merged, long_path, true, &node, &e), &e, ERROR_PATH,
		"4096 bytes");
	long_path[LIMIT_PATH_BYTES] = '\0';
	error_is(merged_resolve(&stack.merged, long_path, true, &node, &e), &e, ERROR_MISSING,
		"a name of 4095 bytes");
	stack_free_of(&stack);
}

int main(void)
{
	merges();
	follows();
	return done();
}

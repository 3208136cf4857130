/* plyboot cat: files out of a layer or a stack. */
#include "interrupt.h"
#include "target.h"
#include "verbs.h"

struct cat_options {
	const char *store;
};

static const struct option_spec options[] = {
	{.name = "--store",
		.kind = OPTION_TEXT,
		.offset = offsetof(struct cat_options, store),
		.value = "DIR",
		.help = "where the layers are; default: $PLYBOOT_STORE, else ./store"},
	{0},
};

static int check_file(const char *path, const struct merged_node *node, struct error *e)
{
	switch (node->entry->type) {
	case '0':
		return 0;
	case '5':
		return error_set(e, ERROR_TYPE, 0, "`%s` is a directory", path);
	case LAYER_INDEX_WHITEOUT:
		return error_set(
			e, ERROR_MISSING, 0, "`%s` is not there: the layer removes it", path);
	default:
		return error_set(e, ERROR_TYPE, 0, "`%s` is a device or FIFO", path);
	}
}

static int print_file(struct target *target, const char *path, struct error *e)
{
	const struct merged_node *node;
	if (merged_resolve(&target->merged, path, true, &node, e) != 0 ||
		check_file(path, node, e) != 0)
		return -1;
	if (layer_read_content(&target->layout, &target->file.records[node->layer],
		    node->entry->order, e) != 0)
		return error_wrap(e, "`%s`", path);
	return 0;
}

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	const struct cat_options *given = opaque;
	SCOPED_TARGET target = TARGET_INIT;
	interrupt_catch();
	if (target_open(operands->items[0], given->store, &target, e) != 0)
		return -1;
	if (target_read(&target, e) != 0)
		return error_wrap(e, "`%s`", operands->items[0]);
	for (size_t i = 1; i < operands->count; i++)
		if (print_file(&target, operands->items[i], e) != 0)
			return -1;
	return 0;
}

const struct verb verb_cat = {
	.name = "cat",
	.summary = "print files out of a layer or a stack",
	.operands = "TARGET PATH...",
	.operands_min = 2,
	.operands_max = OPERANDS_ANY,
	.options = options,
	.options_bytes = sizeof(struct cat_options),
	.run = run,
	.text = "TARGET is a .layer file, a stack file, or NAME-VERSION of a stack in the store, "
		"as "
		"for `plyboot ls`. PATH is a file of its tree; symlinks are followed within the "
		"tree. The contents of all PATHs come out one behind the other.\n\n"
		"All layers are read and checked as /init would, before the first byte comes out, "
		"and each byte is checked again as it does. Whether anybody signed the stack is "
		"for `plyboot verify`.\n",
	.examples = "A file as the stack has it:\n"
		    "  plyboot cat demo-1 /etc/os-release\n",
};

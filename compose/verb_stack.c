/* plyboot stack: layers become a stack file. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "../layers/scope.h"
#include "../layers/signed.h"
#include "../layers/stream.h"
#include "clock.h"
#include "layer_file.h"
#include "layout.h"
#include "report.h"
#include "stack_file.h"
#include "verbs.h"

struct stack_options {
	const char *store, *name, *architecture, *kernel, *upper, *upper_change, *init, *on_failure,
		*created;
	uint64_t version, floor, upper_bytes;
	struct text_list persist;
	bool force;
};

static const char *const uppers[] = {"persistent", "volatile", "none", NULL};
static const char *const changes[] = {"keep", "fresh", "refuse", NULL};
static const char *const failures[] = {"halt", "reboot", "shell", NULL};

#define FIELD(name_) .offset = offsetof(struct stack_options, name_)
static const struct option_spec options[] = {
	{.name = "--name",
		.kind = OPTION_TEXT,
		FIELD(name),
		.value = "N",
		.help = "of the stack: [a-z0-9][a-z0-9._-]*",
		.required = true},
	{.name = "--version",
		.kind = OPTION_NUMBER,
		FIELD(version),
		.value = "V",
		.help = "1 or more; of two stacks of a name the higher one boots",
		.min = 1,
		.max = INT64_MAX,
		.required = true},
	{.name = "--floor",
		.kind = OPTION_NUMBER,
		FIELD(floor),
		.value = "F",
		.help = "once this stack is confirmed, no version below F boots any more",
		.fallback = "0"},
	{.name = "--store",
		.kind = OPTION_TEXT,
		FIELD(store),
		.value = "DIR",
		.help = "where the blobs are; default: $PLYBOOT_STORE, else ./store"},
	{.name = "--arch",
		.kind = OPTION_TEXT,
		FIELD(architecture),
		.value = "A",
		.help = "as `uname -m` says it; default: this machine's"},
	{.name = "--kernel",
		.kind = OPTION_TEXT,
		FIELD(kernel),
		.value = "RELEASE",
		.help = "as `uname -r` says it: where the modules of that kernel are in a layer"},
	{.name = "--upper",
		.kind = OPTION_TEXT,
		FIELD(upper),
		.value = "persistent|volatile|none",
		.help = "where changes go: the state partition, memory, nowhere (read-only)",
		.choices = uppers,
		.fallback = "persistent"},
	{.name = "--upper-change",
		.kind = OPTION_TEXT,
		FIELD(upper_change),
		.value = "keep|fresh|refuse",
		.help = "an upper that was another stack's: go on with it, archive it and begin a "
			"fresh one, or don't boot",
		.choices = changes,
		.fallback = "keep"},
	{.name = "--upper-size",
		.kind = OPTION_SIZE,
		FIELD(upper_bytes),
		.value = "SIZE",
		.help = "with `--upper volatile`: at most so much memory; default: half of it"},
	{.name = "--persist",
		.kind = OPTION_LIST,
		FIELD(persist),
		.value = "PATH[:suid,dev]",
		.help = "a directory that is kept on the state partition itself, whatever the "
			"upper"},
	{.name = "--init",
		.kind = OPTION_TEXT,
		FIELD(init),
		.value = "PATH",
		.help = "the program that is started in the new root",
		.fallback = "/sbin/init"},
	{.name = "--on-failure",
		.kind = OPTION_TEXT,
		FIELD(on_failure),
		.value = "halt|reboot|shell",
		.help = "when nothing boots",
		.choices = failures,
		.fallback = "halt"},
	{.name = "--created",
		.kind = OPTION_TEXT,
		FIELD(created),
		.value = "TIME",
		.help = "such as 2026-11-23T15:06:12Z; default: SOURCE_DATE_EPOCH, else now"},
	{.name = "--force",
		.kind = OPTION_FLAG,
		FIELD(force),
		.help = "replace a signed stack file of this name and version that says otherwise"},
	{0},
};
#undef FIELD

static unsigned choice(const char *const *choices, const char *given)
{
	unsigned i = 0;
	while (strcmp(choices[i], given) != 0)
		i++;
	return i;
}

static int set_text(char *out, size_t size, const char *given, const char *what, struct error *e)
{
	if (strlen(given) >= size)
		return error_set(e, ERROR_LIMIT, 0, "%s: at most %zu bytes", what, size - 1);
	memcpy(out, given, strlen(given) + 1);
	return 0;
}

static int set_created(const char *given, struct stack *stack, struct error *e)
{
	uint64_t seconds = (uint64_t)time(NULL);
	bool set = false;
	if (given != NULL)
		return set_text(stack->created, sizeof stack->created, given, "--created", e);
	if (clock_source_date(&set, &seconds, e) != 0)
		return -1;
	return clock_format(seconds, stack->created, e);
}

static int set_fields(const struct stack_options *given, struct stack *stack, struct error *e)
{
	struct utsname machine;
	if (uname(&machine) != 0)
		return error_errno(e, errno, "uname");
	const char *architecture =
		given->architecture != NULL ? given->architecture : machine.machine;
	stack->version = given->version;
	stack->floor = given->floor;
	stack->upper = (enum upper)choice(uppers, given->upper);
	stack->upper_change = (enum upper_change)choice(changes, given->upper_change);
	stack->upper_bytes = given->upper_bytes;
	stack->on_failure = (enum on_failure)choice(failures, given->on_failure);
	if (set_text(stack->name, sizeof stack->name, given->name, "--name", e) != 0 ||
		set_text(stack->architecture, sizeof stack->architecture, architecture, "--arch",
			e) != 0 ||
		set_text(stack->init, sizeof stack->init, given->init, "--init", e) != 0 ||
		set_created(given->created, stack, e) != 0)
		return -1;
	if (given->kernel == NULL)
		return 0;
	return set_text(stack->kernel, sizeof stack->kernel, given->kernel, "--kernel", e);
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(
		((const struct persist_path *)a)->path, ((const struct persist_path *)b)->path);
}

static int set_persist(const struct stack_options *given, struct stack *stack, struct error *e)
{
	size_t count = given->persist.count;
	if (count == 0)
		return 0;
	if (count > LIMIT_PERSIST_PATHS)
		return error_set(e, ERROR_LIMIT, 0, "more than %u --persist", LIMIT_PERSIST_PATHS);
	stack->persist = calloc(count, sizeof *stack->persist);
	if (stack->persist == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	for (size_t i = 0; i < count; i++) {
		if (persist_decode(given->persist.items[i], &stack->persist[i], e) != 0)
			return error_wrap(e, "--persist");
		stack->persist_count++;
	}
	qsort(stack->persist, count, sizeof *stack->persist, compare_paths);
	return 0;
}

/* --- layers */

/* The table is small enough to be looked at whole; the blob only for its size. `verify` does the
 * rest. */
static int check_blobs(struct layout *layout, const struct layer_record *record, struct error *e)
{
	struct stream *stream;
	if (layout_check_blob(layout, &record->digest, record->stored_bytes, e) != 0)
		return -1;
	if (stream_open(layout->source, record, &stream, e) != 0)
		return -1;
	stream_close(stream);
	return 0;
}

/* Overlayfs refuses a directory that is a lower already. */
static int check_repeated(
	const struct stack *stack, const struct layer_record *record, struct error *e)
{
	char text[DIGEST_TEXT_SIZE];
	for (size_t i = 0; i < stack->layer_count; i++) {
		if (!digest_equal(&stack->layers[i].digest, &record->digest))
			continue;
		digest_format(&record->digest, text);
		report_hint("leave the lower one out: the upper one sets all of it again");
		return error_set(e, ERROR_USAGE, 0, "layer %zu is layer %zu again: %s",
			stack->layer_count + 1, i + 1, text);
	}
	return 0;
}

static int add_layers(
	struct layout *layout, const struct layer_file *file, struct stack *stack, struct error *e)
{
	size_t count = stack->layer_count + file->count;
	if (count > LIMIT_LAYERS)
		return error_set(e, ERROR_LIMIT, 0,
			"with it there are %zu layers; a stack has at most %u", count,
			LIMIT_LAYERS);
	struct layer_record *grown = reallocarray(stack->layers, count, sizeof *grown);
	if (grown == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	stack->layers = grown;
	for (size_t i = 0; i < file->count; i++) {
		const struct layer_record *record = &file->records[i];
		if (check_repeated(stack, record, e) != 0 || check_blobs(layout, record, e) != 0)
			return -1;
		stack->layers[stack->layer_count++] = *record;
	}
	return 0;
}

static int set_layers(
	struct layout *layout, const struct text_list *files, struct stack *stack, struct error *e)
{
	for (size_t i = 0; i < files->count; i++) {
		struct layer_file file;
		if (layer_file_read(files->items[i], &file, e) != 0)
			return -1;
		int result = add_layers(layout, &file, stack, e);
		layer_file_free(&file);
		if (result != 0)
			return error_wrap(e, "`%s`", files->items[i]);
	}
	return 0;
}

/* --- the file */

static int write_stack(
	struct layout *layout, const struct stack *stack, bool force, struct error *e)
{
	char name[STACK_FILE_NAME_SIZE];
	SCOPED_FREE char *text = NULL;
	size_t size_bytes;
	bool keep;
	if (stack_encode(stack, &text, &size_bytes, e) != 0)
		return -1;
	stack_file_name(stack, name);
	if (stack_file_check_existing(layout, name, text, size_bytes, force, &keep, e) != 0 ||
		(!keep &&
			stack_file_write(layout, name, (const uint8_t *)text, size_bytes, e) != 0))
		return -1;
	printf("%s/stacks/%s\n", layout->path, name);
	return 0;
}

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	const struct stack_options *given = opaque;
	SCOPED_LAYOUT layout = LAYOUT_INIT;
	struct stack stack = {0};
	if (layout_open(layout_path(given->store), false, &layout, e) != 0)
		return -1;
	int result = set_fields(given, &stack, e);
	if (result == 0)
		result = set_persist(given, &stack, e);
	if (result == 0)
		result = set_layers(&layout, operands, &stack, e);
	if (result == 0)
		result = write_stack(&layout, &stack, given->force, e);
	stack_free(&stack);
	return result;
}

const struct verb verb_stack = {
	.name = "stack",
	.summary = "write the stack file of some layers",
	.operands = "LAYER...",
	.operands_min = 1,
	.operands_max = OPERANDS_ANY,
	.options = options,
	.options_bytes = sizeof(struct stack_options),
	.run = run,
	.text = "LAYER... are .layer files, the bottom one first; that of `plyboot import` holds "
		"several layers. Their blobs must be in the store. The "
		"stack file goes to "
		"stacks/NAME-VERSION.stack of the store, and its path is printed. It boots only "
		"when it has been signed: `plyboot sign`.\n",
	.examples = "Version 2 of a stack of three layers, after which version 1 may still boot:\n"
		    "  plyboot stack --name demo --version 2 --floor 1 base.layer app.layer "
		    "site.layer\n",
};

/* plyboot install: a stack comes to where /init will look for it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../layers/scope.h"
#include "installing.h"
#include "interrupt.h"
#include "keys.h"
#include "report.h"
#include "stack_name.h"
#include "verbs.h"

struct install_options {
	const char *to, *store;
	struct text_list pub;
	uint64_t signatures;
	bool dry_run, force;
};

#define FIELD(name_) .offset = offsetof(struct install_options, name_)
static const struct option_spec options[] = {
	{.name = "--to",
		.kind = OPTION_TEXT,
		FIELD(to),
		.value = "DIR",
		.help = "a store that is mounted, or a directory that becomes one",
		.required = true},
	{.name = "--store",
		.kind = OPTION_TEXT,
		FIELD(store),
		.value = "DIR",
		.help = "where SOURCE is when it is NAME-VERSION; also a tar; default "
			"$PLYBOOT_STORE, else ./store"},
	{.name = "--pub",
		.kind = OPTION_LIST,
		FIELD(pub),
		.value = "KEY.pub",
		.help = "a trusted key"},
	{.name = "--signatures",
		.kind = OPTION_NUMBER,
		FIELD(signatures),
		.value = "N",
		.help = "with --pub: how many trusted keys must have signed",
		.fallback = "1",
		.min = 1,
		.max = LIMIT_SIGNATURES},
	{.name = "--dry-run",
		.kind = OPTION_FLAG,
		FIELD(dry_run),
		.help = "check the stack file, say what would be written and the room for it"},
	{.name = "--force",
		.kind = OPTION_FLAG,
		FIELD(force),
		.help = "replace a signed stack file of this name and version that says otherwise"},
	{0},
};
#undef FIELD

/* --- who may come in */

/* What can be told of a stack for another machine. */
static int judge_by_keys(const struct installing_judge *judge, const char *file_name,
	const uint8_t *bytes, size_t size_bytes, struct stack *out, struct error *e)
{
	struct verified *text;
	struct signed_by who;
	struct stack stack;
	if (signed_verify(bytes, size_bytes, judge->signatures, &text, &who, e) != 0)
		return -1;
	int result = stack_decode(text, &stack, e);
	verified_free(text);
	if (result != 0)
		return -1;
	if (stack_check_file_name(&stack, file_name, e) != 0 ||
		stack_check_served(&stack, e) != 0) {
		stack_free(&stack);
		return -1;
	}
	*out = stack;
	return 0;
}

/* --- what is said */

static void say_blobs(const struct installing *self, bool there, const char *what)
{
	uint64_t bytes = 0;
	size_t count = 0, rotted = 0;
	for (size_t i = 0; i < self->count; i++) {
		const struct installing_blob *blob = &self->blobs[i];
		if ((blob->state == INSTALLING_THERE) != there)
			continue;
		count++;
		bytes += blob->size_bytes;
		rotted += blob->state == INSTALLING_ROTTED;
	}
	printf("%s: %" PRIu64 " bytes in %zu blob%s", what, bytes, count, count == 1 ? "" : "s");
	if (rotted > 0)
		printf(", %zu in place of what has rotted", rotted);
	putchar('\n');
}

static void say_room(const struct installing *self)
{
	const struct installing_room *room = &self->room;
	printf("room: %" PRIu64 " bytes needed, %" PRIu64 " free", room->need_bytes,
		room->have_bytes);
	if (room->have_inodes != UINT64_MAX)
		printf("; %" PRIu64 " inodes needed, %" PRIu64 " free", room->need_inodes,
			room->have_inodes);
	putchar('\n');
}

/* --- what boots next */

struct newest {
	struct installing *installing;
	uint64_t version;
};

static int consider(void *context, const char *file_name, struct error *e)
{
	struct newest *newest = context;
	struct installing *self = newest->installing;
	struct source *source = self->to->source;
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size_bytes;
	struct stack stack;
	struct error ignored;
	(void)e;
	if (source->ops->read_stack(source, file_name, &bytes, &size_bytes, &ignored) != 0 ||
		self->judge->judge(self->judge, file_name, bytes, size_bytes, &stack, &ignored) !=
			0)
		return 0;
	if (strcmp(stack.name, self->stack.name) == 0 && stack.version > newest->version)
		newest->version = stack.version;
	stack_free(&stack);
	return 0;
}

/* As far as can be told without the machine's record: the newest that its /init accepts. */
static int say_newest(struct installing *self, struct error *e)
{
	struct newest newest = {.installing = self};
	struct source *source = self->to->source;
	if (source->ops->list_stacks(source, consider, &newest, e) != 0)
		return -1;
	printf("next boot: %s version %" PRIu64 "\n", self->stack.name, newest.version);
	return 0;
}

/* --- the steps */

static int write_it(struct installing *self, struct error *e)
{
	if (installing_write(self, e) == 0)
		return 0;
	if (e->code == ERROR_NOSPACE)
		report_hint("`plyboot gc` removes what no stack names");
	return -1;
}

static int install(struct installing *self, const struct install_options *given, struct layout *to,
	struct error *e)
{
	if (installing_plan(self, to, given->force, e) != 0)
		return -1;
	if (installing_is_done(self)) {
		layout_keep(to);
		printf("nothing to do: %s is there, whole\n", self->file_name);
		return 0;
	}
	if (given->dry_run)
		say_blobs(self, false, "to write");
	if (given->dry_run)
		say_blobs(self, true, "there already");
	if (given->dry_run)
		say_room(self);
	if (installing_check_room(self, e) != 0) {
		report_hint("`plyboot gc` removes what no stack names");
		return -1;
	}
	if (given->dry_run)
		return 0;
	if (write_it(self, e) != 0)
		return -1;
	layout_keep(to);
	say_blobs(self, false, "written");
	say_blobs(self, true, "there already");
	return say_newest(self, e);
}

static bool is_same_directory(const struct origin *from, const char *to)
{
	struct stat a, b;
	return from->layout.fd >= 0 && fstat(from->layout.fd, &a) == 0 && stat(to, &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int open_origin(const struct install_options *given, const char *operand,
	struct origin *from, char name[STACK_FILE_NAME_SIZE], struct error *e)
{
	if (origin_is_path(operand))
		return origin_open(operand, from, e) != 0 ? -1 : origin_choose(from, name, e);
	if (stack_name_file(operand, name, e) != 0)
		return -1;
	return origin_open(layout_path(given->store), from, e);
}

static int install_to(const struct install_options *given, const char *operand,
	const struct installing_judge *judge, struct error *e)
{
	char name[STACK_FILE_NAME_SIZE];
	struct origin from = ORIGIN_INIT;
	struct installing self = {0};
	SCOPED_LAYOUT to = LAYOUT_INIT;
	int result = open_origin(given, operand, &from, name, e);
	if (result == 0 && is_same_directory(&from, given->to))
		result = error_set(e, ERROR_USAGE, 0, "`%s` is where it comes from", given->to);
	if (result == 0)
		result = installing_read(&self, &from, name, judge, e);
	if (result == 0)
		result = layout_open(given->to, true, &to, e);
	if (result == 0)
		result = install(&self, given, &to, e);
	installing_close(&self);
	origin_close(&from);
	return result;
}

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	const struct install_options *given = opaque;
	struct public_key keys[LIMIT_KEYS];
	interrupt_catch();
	if (given->pub.count == 0) {
		report_hint("--pub KEY.pub: a key of the machine that it is for");
		return error_set(e, ERROR_USAGE, 0, "no trusted key is known");
	}
	if (public_keys_read(&given->pub, keys, e) != 0)
		return -1;
	const struct signature_policy policy = {
		.keys = keys, .key_count = given->pub.count, .needed = (unsigned)given->signatures};
	const struct installing_judge judge = {.judge = judge_by_keys, .signatures = &policy};
	return install_to(given, operands->items[0], &judge, e);
}

const struct verb verb_install = {
	.name = "install",
	.summary = "put a stack to where it will boot, only what is missing",
	.operands = "SOURCE",
	.operands_min = 1,
	.operands_max = 1,
	.options = options,
	.options_bytes = sizeof(struct install_options),
	.run = run,
	.text = "SOURCE is NAME-VERSION in the store (what `plyboot pull` brought), or a path, "
		"with a "
		"slash or .tar at its end: a store in a directory, or in a plain tar such as "
		"`plyboot export --with-stack` writes. Of a path it is the only stack, or the "
		"newest version of the only name. A blob that is there need not be in SOURCE.\n\n"
		"Refused before anything is written: what is not signed by trusted keys, a stack "
		"file that is damaged or for another /init. Then every blob that the stack names "
		"is looked for where it goes to and hashed; what is missing or has rotted, and "
		"the room for it in bytes and inodes, is known before anything is written, and "
		"is what --dry-run says.\n\n"
		"Each blob is hashed while it is copied. All that the stack names is flushed and "
		"read back, the layers as `plyboot verify` does, and only then the stack file "
		"gets its name, by one rename; signatures that it has there already stay. Ended "
		"at any moment, nothing is lost that was there; whole blobs stay, and a second "
		"call goes on with them. When all is there, nothing is written.\n",
};

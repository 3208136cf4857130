/* plyboot ls: what a layer or a stack holds. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "interrupt.h"
#include "look_json.h"
#include "shown.h"
#include "target.h"
#include "verbs.h"

struct ls_options {
	const char *store;
	bool in_full, recursive, json;
};

#define FIELD(name_) .offset = offsetof(struct ls_options, name_)
static const struct option_spec options[] = {
	{.name = "-l",
		.kind = OPTION_FLAG,
		FIELD(in_full),
		.help = "type and mode, names, owner, group, bytes, time (UTC), name; of several "
			"layers, in front the number of the one it is from"},
	{.name = "-R", .kind = OPTION_FLAG, FIELD(recursive), .help = "all that lies below, too"},
	{.name = "--recursive", .kind = OPTION_FLAG, FIELD(recursive), .help = "as -R"},
	{.name = "--json",
		.kind = OPTION_FLAG,
		FIELD(json),
		.help = "one JSON object a line, see below"},
	{.name = "--store",
		.kind = OPTION_TEXT,
		FIELD(store),
		.value = "DIR",
		.help = "where the layers are; default: $PLYBOOT_STORE, else ./store"},
	{0},
};
#undef FIELD

struct lister {
	const struct ls_options *given;
	const struct target *target;
	size_t skip; /* of each path: what is above the listed names */
};

/* --- a line */

static void print_mode(const struct layer_entry *entry, const struct layer_entry *described)
{
	static const char letters[] = "rwxrwxrwx";
	static const struct {
		unsigned bit;
		size_t at;
		char with, without;
	} special[] = {{04000, 3, 's', 'S'}, {02000, 6, 's', 'S'}, {01000, 9, 't', 'T'}};
	static const char types[] = "0-2l3c4b5d6pww";
	char text[11] = "----------";
	for (const char *type = types; *type != '\0'; type += 2)
		if (*type == entry->type)
			text[0] = type[1];
	for (unsigned i = 0; i < 9; i++)
		if ((described->mode & (0400u >> i)) != 0)
			text[i + 1] = letters[i];
	for (size_t i = 0; i < 3; i++)
		if ((described->mode & special[i].bit) != 0)
			text[special[i].at] =
				text[special[i].at] == 'x' ? special[i].with : special[i].without;
	printf("%s", text);
}

static void print_size(const struct layer_entry *entry)
{
	char text[32];
	if (entry->type == '3' || entry->type == '4')
		(void)snprintf(
			text, sizeof text, "%u, %u", major(entry->device), minor(entry->device));
	else
		(void)snprintf(text, sizeof text, "%" PRIu64,
			entry->type == '2' ? strlen(entry->link) : entry->size_bytes);
	printf(" %10s", text);
}

static void print_time(const struct timespec *time)
{
	struct tm tm;
	if (gmtime_r(&time->tv_sec, &tm) == NULL)
		printf(" %20lld", (long long)time->tv_sec);
	else
		printf(" %04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1,
			tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void print_facts(const struct lister *lister, const struct merged_node *node)
{
	const struct layer_entry *described = node->described;
	if (lister->target->file.count > 1)
		printf("%3u ", node->layer + 1u);
	print_mode(node->entry, described);
	printf(" %3" PRIu32 " %5" PRIu32 " %5" PRIu32, merged_names(&lister->target->merged, node),
		described->uid, described->gid);
	print_size(node->entry);
	print_time(&described->mtime);
	putchar(' ');
}

/* As OCI writes it: no other name may begin so. */
static void print_whiteout_name(const char *path, const char *name)
{
	char parent[LIMIT_PATH_BYTES + 1];
	size_t length = (size_t)(path_base(path) - path);
	memcpy(parent, path, length);
	parent[length] = '\0';
	shown_print(parent, stdout);
	fputs(".wh.", stdout);
	shown_print(name, stdout);
}

static void print_text(const struct lister *lister, const struct merged_node *node)
{
	const char *path = node->entry->path + lister->skip;
	if (lister->given->in_full)
		print_facts(lister, node);
	if (node->entry->type == LAYER_INDEX_WHITEOUT)
		print_whiteout_name(path, path_base(path));
	else
		shown_print(path[0] == '\0' ? "." : path, stdout);
	if (lister->given->in_full && node->entry->type == '2') {
		fputs(" -> ", stdout);
		shown_print(node->entry->link, stdout);
	}
	putchar('\n');
}

/* --- which of them */

static int print_node(const struct lister *lister, const struct merged_node *node, struct error *e)
{
	if (lister->given->json)
		return look_json_node(&lister->target->merged, node, e);
	print_text(lister, node);
	return 0;
}

/* In a layer the mark of an opaque directory is a name in it. */
static void print_opaque(const struct lister *lister, const struct merged_node *node)
{
	static const char mode[] = "w---------";
	if (!target_is_layer(lister->target) || !node->entry->opaque || lister->given->json)
		return;
	if (lister->given->in_full)
		printf("%s %3d %5d %5d %10d %20s ", mode, 1, 0, 0, 0, "-");
	if (strlen(node->entry->path) > lister->skip) {
		shown_print(node->entry->path + lister->skip, stdout);
		putchar('/');
	}
	fputs(".wh..wh..opq\n", stdout);
}

static int list_directory(
	struct lister *lister, const struct merged_node *directory, struct error *e)
{
	const struct merged_node *nodes = lister->target->merged.nodes;
	lister->skip = strlen(directory->entry->path);
	lister->skip += lister->skip > 0;
	print_opaque(lister, directory);
	for (const struct merged_node *node = directory + 1; node < nodes + directory->end;) {
		if (interrupt_check(e) != 0 || print_node(lister, node, e) != 0)
			return -1;
		if (lister->given->recursive)
			print_opaque(lister, node);
		node = lister->given->recursive ? node + 1 : nodes + node->end;
	}
	return 0;
}

/* As ls: without -l a symlink to a directory is that directory; any other one is itself. */
static int find(const struct lister *lister, const char *path, const struct merged_node **out,
	struct error *e)
{
	const struct merged *merged = &lister->target->merged;
	const struct merged_node *led_to;
	struct error ignored;
	if (merged_resolve(merged, path, false, out, e) != 0)
		return -1;
	if ((*out)->entry->type == '2' && !lister->given->in_full &&
		merged_resolve(merged, path, true, &led_to, &ignored) == 0 &&
		led_to->entry->type == '5')
		*out = led_to;
	return 0;
}

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	const struct merged_node *node;
	SCOPED_TARGET target = TARGET_INIT;
	struct lister lister = {.given = opaque, .target = &target};
	interrupt_catch();
	if (target_open(operands->items[0], lister.given->store, &target, e) != 0)
		return -1;
	if (target_read(&target, e) != 0)
		return error_wrap(e, "`%s`", operands->items[0]);
	if (find(&lister, operands->count > 1 ? operands->items[1] : "/", &node, e) != 0)
		return -1;
	if (node->entry->type == '5')
		return list_directory(&lister, node, e);
	lister.skip = (size_t)(path_base(node->entry->path) - node->entry->path);
	return print_node(&lister, node, e);
}

const struct verb verb_ls = {
	.name = "ls",
	.summary = "list what a layer or a stack holds",
	.operands = "TARGET [PATH]",
	.operands_min = 1,
	.operands_max = 2,
	.options = options,
	.options_bytes = sizeof(struct ls_options),
	.run = run,
	.text = "TARGET is a .layer file, a stack file (a name with a slash, or .layer or .stack "
		"at "
		"its end), or NAME-VERSION of a stack in the store. Of a stack, or of several "
		"layers in one file, it is the tree that they make together; of one layer what "
		"that layer holds: whiteouts as .wh.NAME, and .wh..wh..opq in a directory that "
		"hides what lies below. PATH is in that tree; symlinks on the way are followed, "
		"never out of it.\n\n"
		"Nothing is mounted, and no privileges are needed. All layers are read and checked "
		"as /init would, but for the stack's signature, which is for `plyboot verify`.\n\n"
		"Names are the same on a terminal and in a pipe: what is no printable UTF-8, and "
		"the backslash, comes as \\n, \\t, \\\\ or \\xHH.\n\n"
		"The keys of --json are in plyboot-formats(5).\n",
	.examples = "What /etc of a stack is, with modes and the layers it is from:\n"
		    "  plyboot ls -l demo-1 /etc\n",
};

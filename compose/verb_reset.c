/* plyboot reset: the next boot takes away what this device has kept. */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../layers/paths.h"
#include "../layers/scope.h"
#include "../layers/syscalls.h"
#include "next_boot.h"
#include "report.h"
#include "shown.h"
#include "verbs.h"

struct reset_options {
	struct text_list keep;
	const char *run;
	bool cancel;
};

static const struct option_spec options[] = {
	{.name = "--keep",
		.kind = OPTION_LIST,
		.offset = offsetof(struct reset_options, keep),
		.value = "PATH",
		.help = "what stays, with all below it"},
	{.name = "--cancel",
		.kind = OPTION_FLAG,
		.offset = offsetof(struct reset_options, cancel),
		.help = "take back what was asked for, this or `plyboot revert`"},
	BOOTED_OPTION_RUN(offsetof(struct reset_options, run)),
	{0},
};

/* --- how much there is */

static struct amount {
	unsigned long long names, bytes;
} amount;

static int count(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)path;
	(void)type;
	if (where->level > 0) {
		amount.names++;
		amount.bytes += (unsigned long long)st->st_blocks * 512;
	}
	return 0;
}

struct home {
	int fd;
	char path[4096];
};

/* In the directory `name`; false: there is none. No link is followed. */
static bool measure(const struct home *home, const char *name)
{
	char path[sizeof home->path + 300];
	struct stat st;
	amount = (struct amount){0};
	(void)snprintf(path, sizeof path, "%s/%s", home->path, name);
	if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return false;
	(void)nftw(path, count, 32, FTW_PHYS | FTW_MOUNT);
	return true;
}

static void print_amount(void)
{
	printf("%llu name%s, %llu KiB\n", amount.names, amount.names == 1 ? "" : "s",
		amount.bytes / 1024);
}

/* --- what goes, what stays */

static void print_path(const char *what, const char *path)
{
	printf("%-6s ", what);
	shown_print(path, stdout);
}

static void print_part(const struct home *home, const char *name, const char *called)
{
	if (measure(home, name) && amount.names > 0) {
		printf("goes   %s: ", called);
		print_amount();
	}
}

static bool is_kept(const struct asked *asked, const char *path)
{
	for (size_t i = 0; i < asked->count; i++) {
		if (asked_is_within(asked->paths[i], path) ||
			asked_is_within(path, asked->paths[i]))
			return true;
	}
	return false;
}

static void print_persist(
	const struct home *home, const struct booted *booted, const struct asked *asked)
{
	const json_t *list = json_object_get(booted->report, "persist"), *entry;
	size_t i;
	json_array_foreach(list, i, entry)
	{
		const char *path = json_string_value(json_object_get(entry, "path"));
		char name[STACK_PERSIST_SIZE], below[STACK_PERSIST_SIZE + 8];
		struct error ignored;
		if (path == NULL || strlen(path) >= STACK_PERSIST_SIZE ||
			persist_name(path, name, &ignored) != 0)
			continue;
		(void)snprintf(below, sizeof below, "paths/%s", name);
		if (!measure(home, below))
			continue;
		print_path(is_kept(asked, path) ? "stays" : "goes", path);
		printf(", a persistent path: ");
		print_amount();
	}
}

/* No link is followed: what is reached through one is not what the upper has at the path. */
static bool upper_has(const struct home *home, const char *path)
{
	char parent[ASKED_PATH_SIZE + 8];
	struct stat st;
	(void)snprintf(parent, sizeof parent, "upper%.*s", (int)path_parent_length(path), path);
	SCOPED_FD fd = sys_openat2(home->fd, parent, O_PATH | O_DIRECTORY, 0, SYS_RESOLVE_STRICT);
	return fd >= 0 && fstatat(fd, path_base(path), &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void print_kept(const struct home *home, const struct asked *asked)
{
	for (size_t i = 0; i < asked->count; i++) {
		const char *path = asked->paths[i];
		char below[ASKED_PATH_SIZE + 8];
		(void)snprintf(below, sizeof below, "upper%s", path);
		print_path("stays", path);
		if (!upper_has(home, path))
			printf(": the upper has nothing there\n");
		else if (measure(home, below))
			printf(": %llu name%s in it\n", amount.names, amount.names == 1 ? "" : "s");
		else
			putchar('\n');
	}
}

static void print_all(
	const struct home *home, const struct booted *booted, const struct asked *asked)
{
	printf("the next boot resets %s\n", booted->name);
	print_part(home, "upper", "the upper");
	print_part(home, "trials", "uppers of trials");
	print_part(home, "archive", "archived uppers");
	print_persist(home, booted, asked);
	print_kept(home, asked);
	if (booted->on_trial_upper)
		report_warning("this system is on trial: of what it wrote itself nothing stays "
			       "unless it is confirmed before the next boot");
}

/* --- asked for */

static int add_all(const struct text_list *given, struct asked *asked, struct error *e)
{
	char normal[ASKED_PATH_SIZE];
	for (size_t i = 0; i < given->count; i++) {
		if (next_boot_add(asked, given->items[i], normal, e) != 0)
			return -1;
	}
	return 0;
}

/* Only to be shown: the next boot takes it from the init.conf that it has. */
static void add_fixed(const struct booted *booted, struct asked *asked)
{
	const json_t *list = json_object_get(json_object_get(booted->report, "policy"), "keep");
	struct error ignored;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *path = json_string_value(json_array_get(list, i));
		if (path != NULL)
			(void)asked_add(asked, path, &ignored);
	}
}

static int ask(const struct reset_options *given, const struct home *home,
	const struct booted *booted, struct error *e)
{
	static struct asked asked;
	asked.reset = true;
	if (add_all(&given->keep, &asked, e) != 0 || next_boot_write(home->fd, &asked, e) != 0)
		return -1;
	add_fixed(booted, &asked);
	print_all(home, booted, &asked);
	return 0;
}

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	const struct reset_options *given = opaque;
	SCOPED_BOOTED booted = {.report = NULL};
	struct home home = {.fd = -1};
	(void)operands;
	if (given->cancel && given->keep.count > 0)
		return error_set(e, ERROR_USAGE, 0, "--keep does not go with --cancel");
	if (booted_read(given->run, &booted, e) != 0 ||
		next_boot_open(&booted, given->run, &home.fd, e) != 0)
		return -1;
	SCOPED_FD fd = home.fd;
	(void)snprintf(home.path, sizeof home.path, "/proc/self/fd/%d", home.fd);
	if (!given->cancel)
		return ask(given, &home, &booted, e);
	if (next_boot_cancel(fd, e) != 0)
		return -1;
	printf("the next boot leaves all as it is\n");
	return 0;
}

const struct verb verb_reset = {
	.name = "reset",
	.summary = "on the device: the next boot takes away what it has kept",
	.operands = "",
	.options = options,
	.options_bytes = sizeof(struct reset_options),
	.run = run,
	.text = "Asks the next boot to begin with a fresh upper: what was written to the root, the "
		"uppers of trials, archived ones, and the persistent paths go, files whose names "
		"begin with a dot as well. Nothing happens until then; asked again, what was asked "
		"for before does not count any more. It says what will go and what will stay.\n\n"
		"--keep PATH stays with all below it, as the upper has it: a file, a directory, a "
		"name that was removed. (If a directory above it was removed, there is nothing at "
		"PATH that could stay.) A persistent path stays whole if PATH is it, is in it, or "
		"is above it. Paths that init.conf keeps stay in any case.\n\n"
		"The reset is one step: after a power cut it is not begun, or the next boot ends "
		"it. Blocks that held what went are free, and not overwritten.\n\n"
		"It takes root.\n",
	.examples = "Begin anew at the next boot, but keep the machine's identity:\n"
		    "  plyboot reset --keep /etc/machine-id --keep /etc/ssh\n",
};

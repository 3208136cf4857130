/* plyboot gc: what no stack and no image names leaves the store. */
#include <inttypes.h>
#include <stdio.h>

#include "device_room.h"
#include "interrupt.h"
#include "report.h"
#include "sweep.h"
#include "uppers.h"
#include "verbs.h"

struct gc_options {
	const char *store, *run;
	uint64_t grace_minutes, room_bytes;
	bool device, uppers, dry_run;
};

#define FIELD(name_) .offset = offsetof(struct gc_options, name_)
static const struct option_spec options[] = {
	{.name = "--store",
		.kind = OPTION_TEXT,
		FIELD(store),
		.value = "DIR",
		.help = "default: $PLYBOOT_STORE, else ./store"},
	{.name = "--grace",
		.kind = OPTION_NUMBER,
		FIELD(grace_minutes),
		.value = "MINUTES",
		.help = "keep blobs that are younger: of layers that no stack has yet",
		.fallback = "60",
		.max = 60 * 24 * 3660},
	{.name = "--device",
		.kind = OPTION_FLAG,
		FIELD(device),
		.help = "the layers partition of this system, and stacks that can't boot any more"},
	{.name = "--room",
		.kind = OPTION_SIZE,
		FIELD(room_bytes),
		.value = "BYTES",
		.help = "with --device: and as many older stacks as it takes to have so much room"},
	{.name = "--uppers",
		.kind = OPTION_FLAG,
		FIELD(uppers),
		.help = "with --device: and archived uppers, as `plyboot upper remove --all`"},
	{.name = "--run",
		.kind = OPTION_TEXT,
		FIELD(run),
		.value = "DIR",
		.help = "with --device: where /init left its report; default: " BOOTED_DIRECTORY},
	{.name = "--dry-run",
		.kind = OPTION_FLAG,
		FIELD(dry_run),
		.help = "only say what would be removed"},
	{0},
};
#undef FIELD

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

static void say(const struct sweep *sweep)
{
	const char *removed = sweep->dry_run ? "would be removed" : "removed";
	printf("%zu blob%s %s, %" PRIu64 " bytes\n", sweep->removed.count,
		plural(sweep->removed.count), removed, sweep->removed.bytes);
	if (sweep->leftovers.count > 0)
		printf("%zu left by commands that were killed, %s\n", sweep->leftovers.count,
			removed);
	printf("%zu kept, %" PRIu64 " bytes\n", sweep->kept.count, sweep->kept.bytes);
	if (sweep->young.count > 0)
		printf("%zu kept that nothing names, %" PRIu64 " bytes: younger than %" PRIu64
		       " minutes (--grace 0 removes them, too)\n",
			sweep->young.count, sweep->young.bytes, sweep->grace_minutes);
}

static int read_names(struct layout *layout, struct named *named, struct error *e)
{
	if (layout_lock_alone(layout, e) != 0)
		return -1;
	if (named_read(layout, named, e) == 0)
		return 0;
	report_hint("nothing was removed: what it names can't be known");
	return -1;
}

static int sweep_all(const struct gc_options *given, struct layout *layout,
	const struct named *named, uint64_t grace_minutes, struct error *e)
{
	struct sweep sweep = {.layout = layout,
		.named = named,
		.grace_minutes = grace_minutes,
		.dry_run = given->dry_run};
	if (sweep_store(&sweep, e) != 0)
		return -1;
	say(&sweep);
	return 0;
}

static int collect_store(const struct gc_options *given, struct error *e)
{
	SCOPED_LAYOUT layout = LAYOUT_INIT;
	SCOPED_NAMED named = {0};
	if (layout_open(layout_path(given->store), false, &layout, e) != 0 ||
		read_names(&layout, &named, e) != 0)
		return -1;
	return sweep_all(given, &layout, &named, given->grace_minutes, e);
}

static int collect_uppers(
	const struct gc_options *given, const struct booted *booted, struct error *e)
{
	SCOPED_UPPERS uppers = UPPERS_INIT;
	return uppers_open(booted, given->run, &uppers, e) != 0
		       ? -1
		       : uppers_remove_all(&uppers, given->dry_run, e);
}

/* Whoever installs holds the lock until its stack file is there: nothing is young for long. */
static int collect_device(const struct gc_options *given, struct error *e)
{
	SCOPED_BOOTED booted = {.report = NULL};
	SCOPED_LAYOUT layout = LAYOUT_INIT;
	SCOPED_NAMED named = {0};
	if (booted_read(given->run, &booted, e) != 0 ||
		device_open_layers(&booted, true, &layout, e) != 0 ||
		read_names(&layout, &named, e) != 0 ||
		device_remove_stacks(
			&booted, &layout, given->room_bytes, given->dry_run, &named, e) != 0)
		return -1;
	if (sweep_all(given, &layout, &named, 0, e) != 0)
		return -1;
	return given->uppers ? collect_uppers(given, &booted, e) : 0;
}

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	const struct gc_options *given = opaque;
	(void)operands;
	if (!given->device && (given->room_bytes > 0 || given->uppers || given->run != NULL))
		return error_set(e, ERROR_USAGE, 0, "--room, --uppers and --run go with --device");
	if (given->device && given->store != NULL)
		return error_set(
			e, ERROR_USAGE, 0, "--device is a store: there is no --store with it");
	interrupt_catch();
	return given->device ? collect_device(given, e) : collect_store(given, e);
}

const struct verb verb_gc = {
	.name = "gc",
	.summary = "remove from the store what no stack and no image names",
	.operands = "",
	.operands_min = 0,
	.operands_max = 0,
	.options = options,
	.options_bytes = sizeof(struct gc_options),
	.run = run,
	.text = "Blobs go that no file of stacks/ names, signed or not, and no image of "
		"index.json, with all that its manifests name; and what commands that were killed "
		"left behind. A piece table stays as long as an image has a layer that it fits. "
		"Younger blobs stay, since a layer is packed before its stack is written; to make "
		"room at once after a stack was deleted: --grace 0.\n\n"
		"When a stack file, the index or a manifest can't be read or says what can't be "
		"followed, nothing is removed. It waits until no other plyboot has the store open, "
		"and others wait for it. It can be ended at any time: what was removed until then "
		"is gone, and everything that is named is there.\n\n"
		"With --device it is the layers partition of the running system, and stack files "
		"go, "
		"too: those below the floor, which never boot again; and with --room others, worn "
		"out ones first, then the oldest, until that much is free. What runs, the newest "
		"confirmed one and what boots next always stay. What the device wrote itself stays "
		"as well; with --uppers those that were archived go (`plyboot upper list`), but "
		"for "
		"one that is set aside.\n",
	.examples = "Say first what would go, then remove it:\n"
		    "  plyboot gc --dry-run\n"
		    "  plyboot gc\n"
		    "On a device, make room for an update:\n"
		    "  plyboot gc --device --room 500M\n",
};

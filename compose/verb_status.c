/* plyboot status: what runs, why nothing newer does, and what boots next. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../layers/choose.h"
#include "report.h"
#include "shown.h"
#include "status.h"
#include "status_conflicts.h"
#include "uppers.h"
#include "verbs.h"

struct status_options {
	struct status_conflicts_options with;
	bool conflicts;
};

static const struct option_spec options[] = {
	{.name = "--conflicts",
		.kind = OPTION_FLAG,
		.offset = offsetof(struct status_options, conflicts),
		.help = "list instead where the upper hides what the running stack changed"},
	{.name = "--json",
		.kind = OPTION_FLAG,
		.offset = offsetof(struct status_options, with.json),
		.help = "as JSON: one object; with --conflicts one a line"},
	{.name = "--store",
		.kind = OPTION_TEXT,
		.offset = offsetof(struct status_options, with.store),
		.value = "DIR",
		.help = "with --conflicts: where the stacks are, instead of the layers partition"},
	BOOTED_OPTION_RUN(offsetof(struct status_options, with.run)),
	{0},
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text != NULL ? text : "";
}

static const char *trial_text(const struct record_stack *known, char out[32])
{
	if (known == NULL)
		return "not tried yet";
	if (known->confirmed)
		return "confirmed";
	(void)snprintf(out, 32,
		known->tries_left == 1 ? "on trial, %u try left" : "on trial, %u tries left",
		(unsigned)known->tries_left);
	return known->tries_left == 0 ? "not confirmed, its tries are used up" : out;
}

/* --- what happened in this boot */

/* What a disk may have had a say in, such as the name of a file that was refused. */
static void print_shown(const char *text)
{
	shown_print(text, stdout);
}

static void print_running(const struct status *self)
{
	const struct booted *booted = &self->booted;
	const struct record *record = &self->record.record;
	char trial[32];
	const char *key =
		json_string_value(json_array_get(json_object_get(booted->report, "keys"), 0));
	printf("running        %s %llu, %s\n", booted->name, (unsigned long long)booted->version,
		self->has_record ? trial_text(record_find(record, &booted->text), trial)
				 : "no record");
	printf("signed by      %s\n", key != NULL ? key : "");
	status_print_layers(self, stdout);
	const json_t *upper = json_object_get(booted->report, "upper");
	const char *why = text_of(upper, "why");
	const bool on_trial = json_is_true(json_object_get(upper, "trial"));
	printf("upper          %s%s%s", text_of(upper, "kind"),
		on_trial ? ", on trial: dropped unless it is confirmed" : "",
		why[0] != '\0' ? ": " : "");
	print_shown(why);
	putchar('\n');
	status_print_room(self, stdout);
}

/* Uppers that were taken away, and how long it is until this one is. */
static void print_archive(const struct status *self, const char *run)
{
	struct error why;
	SCOPED_UPPERS uppers = UPPERS_INIT;
	const struct booted *booted = &self->booted;
	const struct record_stack *known = record_find(&self->record.record, &booted->text);
	const json_t *policy = json_object_get(booted->report, "policy");
	uint64_t most = (uint64_t)json_integer_value(json_object_get(policy, "upper_tries"));
	if (known != NULL && known->reconfirmed && known->boots_unconfirmed > 1 && most > 0)
		printf("confirm        none for %u boots: an upper is set aside after %llu\n",
			(unsigned)known->boots_unconfirmed, (unsigned long long)most);
	if (uppers_open(booted, run, &uppers, &why) != 0 || uppers.count == 0)
		return;
	for (size_t i = 0; i < uppers.count; i++) {
		unsigned long number = uppers.list[i].number;
		if (uppers.list[i].asked)
			printf("asked for      archived upper %lu, from the next boot on\n",
				number);
		else if (uppers.list[i].aside)
			printf("set aside      archived upper %lu: plyboot upper restore %lu "
			       "brings it"
			       " back\n",
				number, number);
	}
	printf("archive        %zu upper%s: plyboot upper list\n", uppers.count,
		uppers.count == 1 ? "" : "s");
}

static void print_persist(const struct booted *booted)
{
	const json_t *list = json_object_get(booted->report, "persist"), *entry;
	size_t i;
	json_array_foreach(list, i, entry)
	{
		const char *why = text_of(entry, "why");
		printf("%-14s ", i == 0 ? "persist" : "");
		print_shown(text_of(entry, "path"));
		printf(": %s%s", text_of(entry, "kind"), why[0] != '\0' ? ": " : "");
		print_shown(why);
		putchar('\n');
	}
}

static void print_watchdog(const struct booted *booted)
{
	const json_t *watchdog = json_object_get(booted->report, "watchdog");
	const char *device = text_of(watchdog, "device");
	if (device[0] == '\0')
		printf("watchdog       none: nothing resets this machine when it hangs\n");
	else
		printf("watchdog       %s, %lld s\n", device,
			(long long)json_integer_value(json_object_get(watchdog, "seconds")));
	if (json_is_true(json_object_get(watchdog, "reset")))
		printf("last reset     by the watchdog: what ran before did not feed it\n");
}

/* A step down of the ladder is a line, in the words of the console. */
static void print_steps(const struct booted *booted, const char *key, const char *what)
{
	const json_t *list = json_object_get(booted->report, key), *entry;
	size_t i;
	json_array_foreach(list, i, entry)
	{
		const char *code = text_of(entry, "code");
		printf("%-14s ", what);
		print_shown(text_of(entry, "file"));
		printf(": %s%s", code, code[0] != '\0' ? ": " : "");
		print_shown(text_of(entry, "reason"));
		putchar('\n');
	}
}

/* --- what the next boot will do */

static void print_floor(const struct status *self)
{
	struct error why;
	uint64_t floor;
	const char *whose;
	const char *name = self->booted.name;
	if (floors_highest(&self->policy.floors, name, &floor, &whose, &why) != 0)
		printf("floor          %s\n", why.text);
	else
		printf("floor          %llu%s%s\n", (unsigned long long)floor,
			whose[0] != '\0' ? " of " : "", whose);
	if (!self->has_record)
		printf("record         %s\n", self->record.state);
	else
		printf("record         %s; %u boot%s since the last confirm\n", self->record.state,
			record_boots_since_confirm(&self->record.record, name),
			record_boots_since_confirm(&self->record.record, name) == 1 ? "" : "s");
}

static void print_unseen(const struct error *why)
{
	printf("next boot      not known, the layers partition can't be read: %s: ",
		error_code_name(why->code));
	print_shown(why->text);
	putchar('\n');
}

static void print_ladder(struct status *self)
{
	struct candidates *found = &self->stacks.found;
	const struct record *record = &self->record.record;
	const char *what = "next boot";
	int next;
	while ((next = choose_next(found, record, self->record.writable)) != CHOOSE_NONE) {
		struct candidate *candidate = &found->list[next];
		char trial[32];
		candidate->tried = true;
		printf("%-14s %s %llu, %s\n", what, candidate->stack.name,
			(unsigned long long)candidate->stack.version,
			trial_text(record_find(record, &candidate->text), trial));
		what = "  or else";
	}
	if (found->count == 0)
		printf("next boot      nothing: no stack on the layers partition is accepted\n");
	for (size_t i = 0; i < self->stacks.refused_count; i++) {
		const struct device_refused *refused = &self->stacks.refused[i];
		fputs("  not          ", stdout);
		print_shown(refused->file_name);
		printf(": %s: ", error_code_name(refused->why.code));
		print_shown(refused->why.text);
		putchar('\n');
	}
}

static void hint_layers(const struct status *self)
{
	const char *device = self->booted.layers;
	if (self->layers_error.sys_errno == EPERM)
		report_hint("run it as root: the layers partition says what the next boot does");
	else if (device[0] == '\0')
		report_hint(
			"without it only what runs is known: `plyboot verify` looks at a store");
	else
		report_hint("the layers that run are in memory, but the next boot needs %s: bring "
			    "it back, then `plyboot doctor` looks at it",
			device);
}

/* What runs is in memory, and known even where the disk that it came from is gone. */
static void look(struct status *self)
{
	struct error *e = &self->layers_error;
	self->has_record = device_read_record(&self->booted, &self->record);
	self->policy = booted_policy(&self->booted, &self->record.record);
	if (device_open_layers(&self->booted, false, &self->layers, e) == 0 &&
		device_find_stacks(&self->layers, &self->policy, &self->stacks, e) == 0)
		e->code = ERROR_NONE;
}

static void print_all(struct status *self, const char *run)
{
	const struct booted *booted = &self->booted;
	if (booted->runs) {
		print_running(self);
		print_archive(self, run);
	}
	print_persist(booted);
	print_watchdog(booted);
	print_steps(booted, "failed", "did not boot");
	print_steps(booted, "refused", "refused");
	print_steps(booted, "passed_over", "passed over");
	print_floor(self);
	if (self->layers_error.code == ERROR_NONE)
		print_ladder(self);
	else
		print_unseen(&self->layers_error);
}

static int print_json(struct status *self, struct error *e)
{
	json_t *object = status_json(self, e);
	if (object == NULL)
		return -1;
	int result = json_dumpf(object, stdout, JSON_INDENT(2));
	json_decref(object);
	if (result != 0)
		return error_set(e, ERROR_NOSPACE, 0, "no memory for the status");
	puts("");
	return 0;
}

static int print_status(struct status *self, const struct status_options *given, struct error *e)
{
	int result = 0;
	look(self);
	status_measure(self, given->with.run);
	if (given->with.json)
		result = print_json(self, e);
	else
		print_all(self, given->with.run);
	if (result == 0 && self->layers_error.code != ERROR_NONE) {
		hint_layers(self);
		*e = self->layers_error;
		result = -1;
	}
	candidates_free(&self->stacks.found);
	layout_close(&self->layers);
	return result;
}

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	static struct status self;
	const struct status_options *given = opaque;
	(void)operands;
	self = (struct status){.layers = LAYOUT_INIT};
	if (!given->conflicts && given->with.store != NULL)
		return error_set(e, ERROR_USAGE, 0, "--store goes with --conflicts");
	if (booted_read(given->with.run, &self.booted, e) != 0)
		return -1;
	int result = given->conflicts ? status_conflicts(&self.booted, &given->with, e)
				      : print_status(&self, given, e);
	booted_free(&self.booted);
	return result;
}

const struct verb verb_status = {
	.name = "status",
	.summary = "on the device: what runs, why nothing newer does, what boots next",
	.operands = "",
	.options = options,
	.options_bytes = sizeof(struct status_options),
	.run = run,
	.text = "What runs and how it was reached: each stack that did not boot, was refused or "
		"was "
		"passed over in this boot, with its reason. Then what the next boot will try, in "
		"its "
		"order, by the code that /init decides by, and what it will refuse. Layers are not "
		"read: a damaged one shows when it boots, or by `plyboot verify`. Also how much "
		"memory the layers hold, and the room in the upper.\n\n"
		"Where the layers partition is gone or can't be read it says so, and all that is "
		"known without it; its exit status is then that of the error, 3 for a disk that is "
		"gone.\n\n"
		"--conflicts: an upper that was made for another stack hides what the running one "
		"brought where the upper has something itself. For each stack that it was made for "
		"before and that the layers partition still has, it lists the paths where the "
		"running "
		"stack has something else than that one (contents, type, mode, owner or "
		"attributes; "
		"times don't count) and the system shows something else again: with what the stack "
		"did, "
		"and what the upper has there or above it, a file of its own, a whiteout or an "
		"opaque "
		"directory. Nothing says when a file of the upper was written: those written after "
		"the "
		"update are listed as well. All layers of these stacks are read and checked, but "
		"not "
		"the signatures. The keys of --json, with it and without, are in "
		"plyboot-formats(5).\n\n"
		"It takes root, for the layers partition and the record.\n",
	.examples = "What boots next, and where the upper hides what an update brought:\n"
		    "  plyboot status\n"
		    "  plyboot status --conflicts\n",
};

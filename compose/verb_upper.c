/* plyboot upper: what other uppers were archived for. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../layers/record_io.h"
#include "device.h"
#include "json_line.h"
#include "report.h"
#include "uppers.h"
#include "verbs.h"

struct upper_options {
	const char *run;
	bool json, cancel, all;
};

static const struct option_spec options[] = {
	{.name = "--json",
		.kind = OPTION_FLAG,
		.offset = offsetof(struct upper_options, json),
		.help = "of list: one JSON object a line"},
	{.name = "--cancel",
		.kind = OPTION_FLAG,
		.offset = offsetof(struct upper_options, cancel),
		.help = "of restore: what was asked for is not to be done"},
	{.name = "--all",
		.kind = OPTION_FLAG,
		.offset = offsetof(struct upper_options, all),
		.help = "of remove: each one but what is set aside or asked for"},
	BOOTED_OPTION_RUN(offsetof(struct upper_options, run)),
	{0},
};

struct upper_call {
	const struct upper_options *given;
	const struct booted *booted;
	struct uppers uppers;
	size_t count; /* of the words behind the first one */
	const char *const *words;
};

static int usage(struct error *e)
{
	return error_set(e, ERROR_USAGE, 0,
		"it takes `list`, `restore N`, `restore --cancel`, `remove N...` or `remove "
		"--all`");
}

static int find(const struct upper_call *call, const char *word, struct archived_upper **out,
	struct error *e)
{
	unsigned long number;
	if (!aside_number_parse(word, &number))
		return error_set(e, ERROR_USAGE, 0, "`%s` is no number of an archived upper", word);
	*out = uppers_find(&call->uppers, number);
	if (*out != NULL)
		return 0;
	report_hint("`plyboot upper list` says which there are");
	return error_set(e, ERROR_MISSING, 0, "there is no number %s in the archive", word);
}

/* --- list */

static void print_line(const struct archived_upper *upper, const struct upper_amount *amount)
{
	char when[32];
	struct tm tm;
	(void)strftime(
		when, sizeof when, "%Y-%m-%d %H:%M:%S UTC", gmtime_r(&amount->archived, &tm));
	printf("%lu  ", upper->number);
	if (upper->owned)
		printf("%s %llu", upper->owner.name, (unsigned long long)upper->owner.version);
	else
		printf("nobody knows whose");
	printf(", archived %s, %" PRIu64 " file%s, %" PRIu64 " bytes", when, amount->files,
		amount->files == 1 ? "" : "s", amount->bytes);
	if (upper->aside && upper->mark.why == ASIDE_ASKED)
		printf("; another one was asked for: it comes back if that one is not confirmed");
	else if (upper->aside)
		printf("; set aside after %" PRIu32 " boots without a confirm", upper->mark.boots);
	printf("%s\n", upper->asked ? "; asked for: the upper from the next boot on" : "");
}

static json_t *owner_json(const struct archived_upper *upper)
{
	char text[DIGEST_TEXT_SIZE];
	if (!upper->owned)
		return json_null();
	digest_format(&upper->owner.text, text);
	return json_pack("{s:s, s:I, s:s}", "stack", upper->owner.name, "version",
		(json_int_t)upper->owner.version, "text", text);
}

static int print_json(
	const struct archived_upper *upper, const struct upper_amount *amount, struct error *e)
{
	struct json_line line = json_line_new();
	json_line_put_number(&line, "number", upper->number);
	json_line_put(&line, "owner", owner_json(upper));
	json_line_put_number(&line, "archived", (uint64_t)amount->archived);
	json_line_put_number(&line, "files", amount->files);
	json_line_put_number(&line, "bytes", amount->bytes);
	json_line_put(&line, "aside",
		upper->aside ? json_pack("{s:s, s:I}", "why", aside_why_name(upper->mark.why),
				       "boots", (json_int_t)upper->mark.boots)
			     : json_null());
	json_line_put(&line, "restore", json_boolean(upper->asked));
	return json_line_print(&line, e);
}

static int list(struct upper_call *call, struct error *e)
{
	const struct uppers *uppers = &call->uppers;
	if (call->count > 0)
		return usage(e);
	for (size_t i = 0; i < uppers->count; i++) {
		struct upper_amount amount;
		if (uppers_measure(uppers, &uppers->list[i], &amount, e) != 0)
			return -1;
		if (call->given->json && print_json(&uppers->list[i], &amount, e) != 0)
			return -1;
		if (!call->given->json)
			print_line(&uppers->list[i], &amount);
	}
	if (uppers->count == 0 && !call->given->json)
		printf("no upper is in the archive\n");
	return 0;
}

/* --- restore */

static struct archived_upper *asked_one(const struct uppers *uppers)
{
	for (size_t i = 0; i < uppers->count; i++)
		if (uppers->list[i].asked)
			return &uppers->list[i];
	return NULL;
}

/* What it wrote is to be dropped or kept first: only then is it clear which upper is the one that
 * another takes the place of. */
static int refuse_trial(const struct booted *booted, struct error *e)
{
	struct record_io record;
	bool trial = json_is_false(
		json_object_get(json_object_get(booted->report, "trial"), "confirmed"));
	if (device_read_record(booted, &record)) {
		const struct record_stack *known = record_find(&record.record, &booted->text);
		trial = known != NULL && !known->confirmed;
	}
	if (!trial)
		return 0;
	report_hint("confirm it (plyboot confirm), or let it fall back, and ask then");
	return error_set(e, ERROR_USAGE, 0, "%s %llu, which runs, is on trial", booted->name,
		(unsigned long long)booted->version);
}

static int cancel(struct upper_call *call, struct error *e)
{
	struct archived_upper *upper = asked_one(&call->uppers);
	if (call->count > 0)
		return usage(e);
	if (upper == NULL) {
		printf("nothing is asked for\n");
		return 0;
	}
	if (uppers_ask(&call->uppers, upper, false, e) != 0)
		return -1;
	printf("number %lu stays in the archive\n", upper->number);
	return 0;
}

static int restore(struct upper_call *call, struct error *e)
{
	struct archived_upper *upper;
	const struct archived_upper *other = asked_one(&call->uppers);
	if (call->given->cancel)
		return cancel(call, e);
	if (call->count != 1)
		return usage(e);
	if (find(call, call->words[0], &upper, e) != 0 || refuse_trial(call->booted, e) != 0)
		return -1;
	if (other != NULL && other != upper) {
		report_hint("`plyboot upper restore --cancel` takes that back");
		return error_set(
			e, ERROR_USAGE, 0, "number %lu is asked for already", other->number);
	}
	if (!upper->asked && uppers_ask(&call->uppers, upper, true, e) != 0)
		return -1;
	printf("number %lu is the upper from the next boot on; the one that is there then goes to"
	       " the archive\n",
		upper->number);
	return 0;
}

/* --- remove */

/* None goes when one can't. */
static int check_removable(const struct upper_call *call, struct error *e)
{
	for (size_t i = 0; i < call->count; i++) {
		struct archived_upper *upper;
		if (find(call, call->words[i], &upper, e) != 0)
			return -1;
		if (uppers_is_free(upper))
			continue;
		report_hint(upper->asked ? "`plyboot upper restore --cancel` takes that back"
					 : "once this stack is confirmed (plyboot confirm), the "
					   "next boot leaves it in the archive for good");
		return error_set(e, ERROR_USAGE, 0, "number %lu is %s", upper->number,
			upper->asked ? "asked for" : "set aside, and may come back");
	}
	return 0;
}

static int remove_some(struct upper_call *call, struct error *e)
{
	if (call->given->all ? call->count > 0 : call->count == 0)
		return usage(e);
	if (call->given->all)
		return uppers_remove_all(&call->uppers, false, e);
	if (check_removable(call, e) != 0)
		return -1;
	for (size_t i = 0; i < call->count; i++) {
		struct archived_upper *upper;
		bool again = false;
		for (size_t j = 0; j < i; j++)
			again |= strcmp(call->words[i], call->words[j]) == 0;
		if (again)
			continue;
		if (find(call, call->words[i], &upper, e) != 0 ||
			uppers_remove(&call->uppers, upper, e) != 0)
			return -1;
		printf("number %lu is removed\n", upper->number);
	}
	return 0;
}

static const struct {
	const char *word;
	int (*run)(struct upper_call *call, struct error *e);
	bool json, cancel, all; /* the options that it has */
} actions[] = {{"list", list, true, false, false}, {"restore", restore, false, true, false},
	{"remove", remove_some, false, false, true}};

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	const struct upper_options *given = opaque;
	SCOPED_BOOTED booted = {.report = NULL};
	struct upper_call call = {.given = given,
		.booted = &booted,
		.uppers = UPPERS_INIT,
		.count = operands->count - 1,
		.words = operands->items + 1};
	size_t i = 0;
	while (i < sizeof actions / sizeof actions[0] &&
		strcmp(actions[i].word, operands->items[0]) != 0)
		i++;
	if (i == sizeof actions / sizeof actions[0] || (given->json && !actions[i].json) ||
		(given->cancel && !actions[i].cancel) || (given->all && !actions[i].all))
		return usage(e);
	if (booted_read(given->run, &booted, e) != 0 ||
		uppers_open(&booted, given->run, &call.uppers, e) != 0)
		return -1;
	int result = actions[i].run(&call, e);
	uppers_close(&call.uppers);
	return result;
}

const struct verb verb_upper = {
	.name = "upper",
	.summary = "on the device: list, bring back and remove archived uppers",
	.operands = "list|restore|remove [N...]",
	.operands_min = 1,
	.operands_max = OPERANDS_ANY,
	.options = options,
	.options_bytes = sizeof(struct upper_options),
	.run = run,
	.text = "What the device wrote is never removed without being asked for: an upper that "
		"another one takes the place of goes to the archive on the state partition, with a "
		"number. That happens when a stack begins with a fresh one (`plyboot stack "
		"--upper-change fresh`); when another one is restored; and when a stack that was "
		"confirmed at two boots in a row then is not for as many as init.conf's "
		"`upper-tries` says (5): maybe its upper broke it, so it is set aside, and the "
		"stack boots with a fresh one. If that is not confirmed for as many boots either, "
		"the one that was set aside comes back, and so on, by turns; if it is confirmed, "
		"the other stays in the archive. Persistent paths stay as they are.\n\n"
		"list: whose each one was, when it was archived, the files in it and the bytes on "
		"the disk; and which one is set aside, or asked for. The keys of --json are in "
		"plyboot-formats(5).\n\n"
		"restore N: /init makes it the upper at the next boot, before anything is mounted. "
		"The one that is there then goes to the archive, and comes back by itself if boots "
		"with N are not confirmed. It is done as soon as a confirmed stack boots, and "
		"whatever that stack's policy is. Not while a stack on trial runs.\n\n"
		"remove N...: for good. Not what is set aside or asked for.\n\n"
		"It takes root.\n",
	.examples = "See what there is, and bring one back at the next boot:\n"
		    "  plyboot upper list\n"
		    "  plyboot upper restore 1\n",
};

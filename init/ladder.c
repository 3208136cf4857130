#include "boot.h"

#include <stdio.h>

#include "choose.h"
#include "console.h"
#include "handover.h"
#include "overlay.h"
#include "watchdog.h"

/* Counted before the first byte of a layer is read: whatever happens from here on is a try of it.
 * False: it could not be counted, and the order may be another now. */
static bool count_try(struct boot *boot, const struct candidate *candidate)
{
	struct error why = {0};
	struct record next = boot->record.record;
	const struct record_subject subject = {
		&candidate->text, candidate->stack.name, candidate->stack.version};
	if (!boot->record.writable)
		return true;
	choose_make_room(&boot->found, candidate, &next);
	record_count_try(&next, &subject, boot->conf.tries);
	if (record_io_write(&boot->record, &next, &why) == 0)
		return true;
	report_warn(&boot->report, "no try is counted: %s", why.text);
	return false;
}

/* What failed here is not for its upper to answer for. */
static void take_boot_back(struct boot *boot, const struct candidate *candidate)
{
	struct error why;
	struct record next = boot->record.record;
	if (boot->record.writable && record_take_boot_back(&next, &candidate->text) &&
		record_io_write(&boot->record, &next, &why) != 0)
		report_warn(&boot->report, "no try is counted: %s", why.text);
}

static void say_candidate(
	const struct boot *boot, const struct candidate *candidate, bool last_resort)
{
	const struct record *record = &boot->record.record;
	const struct record_stack *known = record_find(record, &candidate->text);
	char key[DIGEST_HEX + 1], trial[48] = "no tries counted";
	digest_format_hex(&candidate->who.key_ids[0], key);
	if (known != NULL)
		(void)snprintf(trial, sizeof trial,
			known->confirmed         ? "confirmed"
			: known->tries_left == 1 ? "%u try left"
						 : "%u tries left",
			(unsigned)known->tries_left);
	console_say("stack %s %llu, %zu layer%s, signed by %.12s, %s", candidate->stack.name,
		(unsigned long long)candidate->stack.version, candidate->stack.layer_count,
		candidate->stack.layer_count == 1 ? "" : "s", key, trial);
	if (last_resort && boot->record.writable)
		console_say("it is unconfirmed, and nothing better is left");
}

static int hand_over(struct boot *boot, const char *init, struct error *e)
{
	source_close(boot->source); /* and so the layers partition is unmounted */
	boot->source = NULL;
	record_io_close(&boot->record);
	return handover_run(OVERLAY_PATH, init, &boot->report, e);
}

/* Newer ones that are not tried first, and why. */
static void say_passed_over(struct boot *boot, const struct candidate *chosen)
{
	for (size_t i = 0; i < boot->found.count; i++) {
		const struct candidate *other = &boot->found.list[i];
		const char *why = choose_why_behind(
			&boot->found, other, &boot->record.record, boot->record.writable);
		if (!other->tried && why != NULL && other->stack.version > chosen->stack.version)
			report_passed_over(&boot->report, other->file_name, why);
	}
}

/* For the report: what the record says of it now. */
static void note_trial(struct boot *boot, const struct candidate *candidate)
{
	const struct record_stack *known = record_find(&boot->record.record, &candidate->text);
	boot->report.counted = known != NULL;
	boot->report.confirmed = known != NULL && known->confirmed;
	boot->report.tries_left = known != NULL ? known->tries_left : 0;
}

void boot_step(struct boot *boot, const char *name)
{
	report_step(&boot->report, name);
	watchdog_feed();
}

int ladder_climb(struct boot *boot, struct error *e)
{
	bool first = true;
	int next;
	while ((next = choose_next(&boot->found, &boot->record.record, boot->record.writable)) !=
		CHOOSE_NONE) {
		struct candidate *candidate = &boot->found.list[next];
		const char *init;
		if (first)
			boot->on_failure = candidate->stack.on_failure;
		first = false;
		bool last_resort = choose_why_behind(&boot->found, candidate, &boot->record.record,
					   boot->record.writable) != NULL;
		if (!count_try(boot, candidate))
			continue;
		candidate->tried = true;
		say_passed_over(boot, candidate);
		say_candidate(boot, candidate, last_resort);
		if (report_try(&boot->report, candidate, e) != 0)
			return -1;
		note_trial(boot, candidate);
		boot_step(boot, "try");
		if (rung_climb(boot, candidate, &init, e) == 0) {
			(void)hand_over(boot, init, e); /* comes back only when it failed */
			report_failed(&boot->report, e);
			return error_wrap(e, "%s", candidate->file_name);
		}
		console_error(candidate->file_name, e);
		report_failed(&boot->report, e);
		take_boot_back(boot, candidate);
	}
	return error_wrap(
		e, "no stack booted; the last one: %s", boot->report.candidate->file_name);
}

#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "console.h"
#include "files.h"
#include "jail.h"
#include "json.h"
#include "scope.h"

enum { SUMMARY_SIZE = 1100 }; /* more than the console prints of a line */

void report_start(struct report *report, const struct initconf *conf)
{
	*report = (struct report){.start_us = clock_us(), .conf = conf};
	report->mark_us = report->start_us;
}

void report_step(struct report *report, const char *name)
{
	uint64_t now = clock_us();
	if (report->step_count < REPORT_STEPS)
		report->steps[report->step_count++] =
			(struct report_step){name, now - report->mark_us};
	console_debug("step %s: %" CLOCK_MS " ms", name, CLOCK_MS_OF(now - report->mark_us));
	report->mark_us = now;
}

static void warn_va(struct report *report, enum initconf_log level, const char *word,
	const char *format, va_list args)
{
	char line[REPORT_LINE_SIZE];
	(void)vsnprintf(line, sizeof line, format, args);
	console_print_as(CONSOLE_WARNING, level, "%s: %s", word, line);
	if (report->warning_count < REPORT_WARNINGS)
		memcpy(report->warnings[report->warning_count++], line, sizeof line);
}

void report_warn_line(void *context, const char *line)
{
	report_warn(context, "%s", line);
}

void report_warn(struct report *report, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	warn_va(report, INITCONF_LOG_NORMAL, "warning", format, args);
	va_end(args);
}

void report_alarm(struct report *report, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	warn_va(report, INITCONF_LOG_QUIET, "WARNING", format, args);
	va_end(args);
}

static void note_failure(
	struct report_failure *list, size_t *count, const char *what, const struct error *why)
{
	if (*count == LIMIT_STACK_FILES)
		return;
	struct report_failure *failure = &list[(*count)++];
	failure->code = why->code;
	(void)snprintf(failure->what, sizeof failure->what, "%s", what);
	(void)snprintf(failure->reason, sizeof failure->reason, "%s", why->text);
}

/* Old stacks and those for other machines may well lie there: no error, where only errors are said.
 */
void report_refused(struct report *report, const char *file_name, const struct error *why)
{
	bool expected = why->code == ERROR_ROLLBACK || why->code == ERROR_TARGET;
	console_print(expected ? INITCONF_LOG_NORMAL : INITCONF_LOG_QUIET, "refused %s: %s: %s",
		file_name, error_code_name(why->code), why->text);
	note_failure(report->refused, &report->refused_count, file_name, why);
}

static bool is_passed_over(const struct report *report, const char *file_name)
{
	for (size_t i = 0; i < report->passed_over_count; i++) {
		if (strcmp(report->passed_over[i].what, file_name) == 0)
			return true;
	}
	return false;
}

void report_passed_over(struct report *report, const char *file_name, const char *reason)
{
	if (report->passed_over_count == LIMIT_STACK_FILES || is_passed_over(report, file_name))
		return;
	struct report_passed_over *entry = &report->passed_over[report->passed_over_count++];
	(void)snprintf(entry->what, sizeof entry->what, "%s", file_name);
	entry->reason = reason;
	console_alert("passed over %s: %s", file_name, reason);
}

int report_try(struct report *report, const struct candidate *candidate, struct error *e)
{
	if (report->layers == NULL)
		report->layers = calloc(LIMIT_LAYERS, sizeof report->layers[0]);
	if (report->layers == NULL)
		return error_errno(e, ENOMEM, "memory for the report");
	report->candidate = candidate;
	report->counted = report->confirmed = false;
	report->layer_count = 0;
	report->overlay_method = NULL;
	report->lower_count = 0;
	report->upper = NULL;
	report->upper_why[0] = '\0';
	report->upper_trial = false;
	report->aside = 0;
	report->upper_dirs[0][0] = report->upper_dirs[1][0] = '\0';
	report->persist_count = 0;
	report->init = NULL;
	return 0;
}

void report_failed(struct report *report, const struct error *why)
{
	note_failure(report->failed, &report->failed_count, report->candidate->file_name, why);
}

/* Cut, as any line is, when there are too many. */
static void append_failures(
	char line[SUMMARY_SIZE], const char *verb, const struct report_failure *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t used = strlen(line);
		(void)snprintf(line + used, SUMMARY_SIZE - used, "%s%s %s", i > 0 ? ", " : verb,
			list[i].what, error_code_name(list[i].code));
	}
}

void report_say_failures(const struct report *report)
{
	char line[SUMMARY_SIZE] = "";
	append_failures(line, "tried: ", report->failed, report->failed_count);
	append_failures(line,
		report->failed_count > 0 ? "; refused: " : "refused: ", report->refused,
		report->refused_count);
	if (line[0] != '\0')
		console_alert("  stacks %s", line);
}

/* --- boot.json */

static void put_digest(struct json_text *json, const char *key, const struct digest *digest)
{
	char text[DIGEST_TEXT_SIZE];
	digest_format(digest, text);
	json_text_string(json, key, text);
}

static void put_failures(
	struct json_text *json, const char *key, const struct report_failure *list, size_t count)
{
	json_text_open(json, key, '[');
	for (size_t i = 0; i < count; i++) {
		json_text_open(json, NULL, '{');
		json_text_string(json, "file", list[i].what);
		json_text_string(json, "code", error_code_name(list[i].code));
		json_text_string(json, "reason", list[i].reason);
		json_text_close(json, '}');
	}
	json_text_close(json, ']');
}

static void put_passed_over(struct json_text *json, const struct report *report)
{
	json_text_open(json, "passed_over", '[');
	for (size_t i = 0; i < report->passed_over_count; i++) {
		json_text_open(json, NULL, '{');
		json_text_string(json, "file", report->passed_over[i].what);
		json_text_string(json, "reason", report->passed_over[i].reason);
		json_text_close(json, '}');
	}
	json_text_close(json, ']');
}

static void put_devices(struct json_text *json, const struct report *report)
{
	json_text_open(json, "devices", '{');
	for (unsigned i = 0; i < INITCONF_DEVICES; i++)
		json_text_string(json, initconf_device_name((enum initconf_device)i),
			report->device[i][0] != '\0' ? report->device[i] : NULL);
	json_text_close(json, '}');
}

static void put_fsck(struct json_text *json, const struct report_fsck *fsck)
{
	if (fsck->result == NULL) {
		json_text_string(json, "fsck", NULL);
		return;
	}
	json_text_open(json, "fsck", '{');
	json_text_string(json, "result", fsck->result);
	if (fsck->status >= 0)
		json_text_number(json, "status", (uint64_t)fsck->status);
	else
		json_text_string(json, "status", NULL);
	json_text_ms(json, "ms", fsck->us);
	json_text_close(json, '}');
}

/* What a command on the running system needs in order to judge a stack as /init will. */
static void put_policy(struct json_text *json, const struct initconf *conf)
{
	json_text_open(json, "policy", '{');
	json_text_number(json, "floor", conf->floor);
	json_text_number(json, "signatures", conf->signatures);
	json_text_open(json, "revoked", '[');
	for (size_t i = 0; i < conf->revoked_count; i++)
		put_digest(json, NULL, &conf->revoked[i]);
	json_text_close(json, ']');
	json_text_number(json, "tries", conf->tries);
	json_text_number(json, "upper_tries", conf->upper_tries);
	json_text_open(json, "keep", '[');
	for (size_t i = 0; i < conf->keep_count; i++)
		json_text_string(json, NULL, conf->keep[i]);
	json_text_close(json, ']');
	json_text_close(json, '}');
}

static void put_watchdog(struct json_text *json, const struct report *report)
{
	json_text_open(json, "watchdog", '{');
	json_text_string(json, "device", report->watchdog);
	json_text_number(json, "seconds", report->watchdog_s);
	json_text_bool(json, "reset", report->watchdog_reset);
	json_text_close(json, '}');
}

static void put_trial(struct json_text *json, const struct report *report)
{
	if (!report->counted) {
		json_text_string(json, "trial", NULL);
		return;
	}
	json_text_open(json, "trial", '{');
	json_text_bool(json, "confirmed", report->confirmed);
	json_text_number(json, "tries_left", report->tries_left);
	json_text_close(json, '}');
}

static void put_layers(struct json_text *json, const struct report *report)
{
	json_text_open(json, "layers", '[');
	for (size_t i = 0; i < report->layer_count; i++) {
		const struct report_layer *layer = &report->layers[i];
		json_text_open(json, NULL, '{');
		put_digest(json, "digest", &layer->record.digest);
		put_digest(json, "id", &layer->id);
		json_text_string(json, "from", layer->reused ? "reused" : "unpacked");
		json_text_number(json, "stored_bytes", layer->record.stored_bytes);
		json_text_number(json, "unpacked_bytes", layer->record.unpacked_bytes);
		json_text_number(json, "entries", layer->record.entries);
		json_text_ms(json, "start_ms", layer->start_us);
		json_text_ms(json, "ms", layer->us);
		json_text_close(json, '}');
	}
	json_text_close(json, ']');
}

static void put_jail(struct json_text *json, const struct report *report)
{
	json_text_open(json, "jail", '{');
	json_text_open(json, "missing", '[');
	for (unsigned i = 0; i < JAIL_PARTS; i++)
		if ((report->jail_missing & 1u << i) != 0)
			json_text_string(json, NULL, jail_part_name((enum jail_part)(1u << i)));
	json_text_close(json, ']');
	json_text_close(json, '}');
}

static void put_aside(struct json_text *json, const struct report *report)
{
	if (report->aside == 0) {
		json_text_string(json, "aside", NULL);
		return;
	}
	json_text_open(json, "aside", '{');
	json_text_number(json, "archive", report->aside);
	json_text_string(json, "why", report->aside_why);
	json_text_close(json, '}');
}

static void put_stack(struct json_text *json, const struct report *report)
{
	const struct candidate *candidate = report->candidate;
	if (candidate == NULL)
		return;
	json_text_string(json, "stack", candidate->stack.name);
	json_text_number(json, "version", candidate->stack.version);
	json_text_number(json, "floor", candidate->stack.floor);
	put_digest(json, "text", &candidate->text);
	put_trial(json, report);
	json_text_open(json, "keys", '[');
	for (size_t i = 0; i < candidate->who.count; i++)
		put_digest(json, NULL, &candidate->who.key_ids[i]);
	json_text_close(json, ']');
	put_layers(json, report);
	put_jail(json, report);
	json_text_open(json, "overlay", '{');
	json_text_string(json, "method", report->overlay_method);
	json_text_number(json, "lowers", report->lower_count);
	json_text_close(json, '}');
	json_text_open(json, "upper", '{');
	json_text_string(json, "kind", report->upper);
	json_text_string(json, "why", report->upper_why[0] != '\0' ? report->upper_why : NULL);
	json_text_bool(json, "trial", report->upper_trial);
	json_text_open(json, "dirs", '[');
	for (size_t i = 0; i < 2; i++) {
		if (report->upper_dirs[i][0] != '\0')
			json_text_string(json, NULL, report->upper_dirs[i]);
	}
	json_text_close(json, ']');
	put_aside(json, report);
	json_text_close(json, '}');
	json_text_string(json, "init", report->init);
}

static void put_persist(struct json_text *json, const struct report *report)
{
	json_text_open(json, "persist", '[');
	for (size_t i = 0; i < report->persist_count; i++) {
		const struct report_persist *persist = &report->persist[i];
		json_text_open(json, NULL, '{');
		json_text_string(json, "path", persist->path);
		json_text_string(json, "kind", persist->kept ? "persistent" : "volatile");
		json_text_string(json, "why", persist->why[0] != '\0' ? persist->why : NULL);
		json_text_bool(json, "seeded", persist->seeded);
		json_text_close(json, '}');
	}
	json_text_close(json, ']');
}

static void put_times(struct json_text *json, const struct report *report, uint64_t now_us)
{
	json_text_open(json, "steps", '[');
	for (size_t i = 0; i < report->step_count; i++) {
		json_text_open(json, NULL, '{');
		json_text_string(json, "step", report->steps[i].name);
		json_text_ms(json, "ms", report->steps[i].us);
		json_text_close(json, '}');
	}
	json_text_close(json, ']');
	json_text_ms(json, "init_ms", now_us - report->start_us);
	json_text_ms(json, "uptime_ms", now_us);
}

void report_json(const struct report *report, uint64_t now_us, struct json_text *json)
{
	json_text_open(json, NULL, '{');
	json_text_number(json, "plyboot_boot", 1);
	put_stack(json, report);
	put_persist(json, report);
	json_text_string(json, "record", report->record);
	put_failures(json, "refused", report->refused, report->refused_count);
	put_failures(json, "failed", report->failed, report->failed_count);
	put_passed_over(json, report);
	put_devices(json, report);
	put_fsck(json, &report->fsck);
	put_policy(json, report->conf);
	put_watchdog(json, report);
	json_text_open(json, "warnings", '[');
	for (size_t i = 0; i < report->warning_count; i++)
		json_text_string(json, NULL, report->warnings[i]);
	json_text_close(json, ']');
	put_times(json, report, now_us);
	json_text_close(json, '}');
}

int report_write(const struct report *report, struct error *e)
{
	struct json_text json = {0};
	report_json(report, clock_us(), &json);
	SCOPED_FREE char *text = json.text;
	if (json.failed)
		return error_errno(e, ENOMEM, "memory for boot.json");
	text[json.length] = '\n'; /* in place of its NUL */
	SCOPED_FD dir = open("/run/plyboot", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_errno(e, errno, "open /run/plyboot");
	return files_write(dir, "boot.json", text, json.length + 1, e);
}

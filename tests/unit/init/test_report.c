/* boot.json byte by byte, as tests/data/reports/ has it, from where tests/cli/words.t holds it
 * against init/BOOT.md; and the line that sums up what did not boot. */
#include "init/console.h"
#include "init/json.h"
#include "init/report.h"
#include "layers/jail.h"
#include "said.h"
#include "tap.h"

#include <stdlib.h>

/* Prints what there is instead, to be looked at and put into the file. */
static void is_file(const struct report *report, uint64_t now_us, const char *name)
{
	static char expected[1 << 20];
	char path[128];
	struct json_text json = {0};
	(void)snprintf(path, sizeof path, "tests/data/reports/%s.json", name);
	report_json(report, now_us, &json);
	FILE *file = fopen(path, "r");
	size_t length = file != NULL ? fread(expected, 1, sizeof expected - 1, file) : 0;
	if (file != NULL)
		(void)fclose(file);
	expected[length] = '\0';
	bool same = !json.failed && length == json.length + 1 && expected[length - 1] == '\n' &&
		    memcmp(json.text, expected, json.length) == 0;
	ok(same, "%s: every byte", path);
	if (!same)
		printf("%s\n", json.text); /* no '#', which would be in the way of a copy */
	free(json.text);
}

static struct digest digest_of_byte(uint8_t byte)
{
	struct digest digest;
	memset(&digest, byte, sizeof digest);
	return digest;
}

static struct report *new_report(uint64_t start_us)
{
	static struct report report;
	static struct initconf conf;
	free(report.layers);
	initconf_defaults(&conf);
	conf.revoked[0] = digest_of_byte(0xb1);
	report_start(&report, &conf);
	report.start_us = start_us;
	return &report;
}

static struct candidate *new_candidate(void)
{
	static struct candidate candidate;
	candidate = (struct candidate){
		.file_name = "demo-3.stack",
		.text = digest_of_byte(0x33),
		.stack = {.name = "demo", .version = 3, .layer_count = 2},
		.who = {.count = 2, .key_ids = {digest_of_byte(0xa1), digest_of_byte(0xa2)}},
	};
	return &candidate;
}

static void add_layer(struct report *report, uint8_t number, bool reused)
{
	report->layers[report->layer_count++] = (struct report_layer){
		.record =
			{
				.digest = digest_of_byte(number),
				.stored_bytes = 1000u * number,
				.unpacked_bytes = UINT64_C(1) << 36,
				.entries = number,
			},
		.id = digest_of_byte((uint8_t)(0x80 + number)),
		.reused = reused,
		.start_us = reused ? 0 : 61650123,
		.us = reused ? 7 : 1234567,
	};
}

static void refuse(struct report *report, const char *name, enum error_code code, const char *why)
{
	struct error e = {0};
	(void)error_set(&e, code, 0, "%s", why);
	report_refused(report, name, &e);
}

static void fail(struct report *report, const char *name, enum error_code code, const char *why)
{
	struct candidate candidate = {0};
	struct error e = {0};
	(void)snprintf(candidate.file_name, sizeof candidate.file_name, "%s", name);
	(void)error_set(&e, code, 0, "%s", why);
	(void)report_try(report, &candidate, &e);
	report_failed(report, &e);
}

static void test_booted(void)
{
	struct report *report = new_report(987654);
	struct error e;
	refuse(report, "demo-5.stack", ERROR_SIGNATURE,
		"signature 1 by key a1a1a1a1a1a1: the "
		"signature does not verify");
	report->jail_missing = JAIL_SECCOMP; /* of a layer that is reused later on, maybe */
	fail(report, "demo-4.stack", ERROR_DIGEST, "layer 1/1: piece 1 of 8 differs");
	(void)snprintf(report->device[INITCONF_LAYERS], REPORT_DEVICE_SIZE, "/dev/vda1");
	(void)snprintf(report->device[INITCONF_RECORD], REPORT_DEVICE_SIZE, "/dev/vda2");
	(void)snprintf(report->device[INITCONF_STATE], REPORT_DEVICE_SIZE, "/dev/vda3");
	report->fsck = (struct report_fsck){.result = "corrected", .status = 1, .us = 45678};
	report->watchdog = "/dev/watchdog";
	report->watchdog_s = 60;
	report->watchdog_reset = true;
	report_passed_over(
		report, "demo-6.stack", "its tries are used up, and it was never confirmed");
	struct initconf conf = *report->conf;
	conf.revoked_count = 1;
	conf.keep_count = 1;
	conf.keep[0] = "/etc/machine-id";
	report->conf = &conf;
	(void)report_try(report, new_candidate(), &e);
	report->counted = true;
	report->tries_left = 2;
	add_layer(report, 1, true);
	add_layer(report, 2, false);
	report->overlay_method = "lowerdir+";
	report->lower_count = 3;
	report->upper = "volatile";
	report->upper_trial = true;
	strcpy(report->upper_dirs[0], "/run/plyboot/trial");
	strcpy(report->upper_dirs[1], "/run/plyboot/base");
	report->aside = 4;
	report->aside_why = "unconfirmed";
	(void)snprintf(report->upper_why, sizeof report->upper_why, "mount: /dev/vda3: busy");
	report->persist[report->persist_count++] =
		(struct report_persist){.path = "/srv", .kept = true, .seeded = true};
	report->persist[report->persist_count++] =
		(struct report_persist){.path = "/var/lib/x", .why = "it is a link"};
	report->init = "/sbin/init";
	(void)snprintf(report->record, sizeof report->record, "good");
	report_warn(
		report, "command line: %s is not followed: %s", "plyboot.wait", "no such value");
	report->steps[report->step_count++] = (struct report_step){"modules", 0};
	report->steps[report->step_count++] = (struct report_step){"layers", 61234567};
	is_file(report, 62987654, "booted");
}

static void test_not_booted(void)
{
	is_file(new_report(1), 2001, "nothing-read");
	struct report *report = new_report(0);
	struct error e;
	(void)report_try(report, new_candidate(), &e);
	(void)error_set(
		&e, ERROR_NOSPACE, 0, "the layers need 9 MiB of memory, 8 MiB are available");
	report_failed(report, &e);
	is_file(report, 30000000, "not-booted");
}

/* Nothing that a disk or a command line holds may break the JSON. */
static void test_hostile(void)
{
	struct report *report = new_report(0);
	struct error e;
	char longest[ERROR_TEXT_SIZE * 2];
	memset(longest, '"', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	struct candidate *candidate = new_candidate();
	(void)snprintf(candidate->stack.name, sizeof candidate->stack.name, "a\"b\\c");
	(void)report_try(report, candidate, &e);
	report->persist[report->persist_count++] =
		(struct report_persist){.path = "/\"", .why = "\xc3\n\"},{"};
	report->fsck = (struct report_fsck){.result = "failed", .status = -1};
	report->init = "/\xff\xfe/\xc3\xa9\xf0\x9f";
	report->upper = "\",\"x\":[{";
	(void)snprintf(report->upper_why, sizeof report->upper_why, "\x01\x1b[2J\x7f\r\n\t");
	(void)snprintf(report->record, sizeof report->record, "\xed\xa0\x80 \xc0\xaf </script>");
	refuse(report, longest, ERROR_FORMAT, longest);
	report_warn(report, "%s", longest);
	is_file(report, UINT64_MAX, "hostile");
}

static void test_room(void)
{
	struct report *report = new_report(0);
	for (unsigned i = 0; i < 2 * REPORT_WARNINGS; i++)
		report_warn(report, "%u", i);
	for (unsigned i = 0; i < 2 * LIMIT_STACK_FILES; i++) {
		char name[16];
		(void)snprintf(name, sizeof name, "s-%u.stack", i);
		refuse(report, name, (enum error_code)(i % ERROR_CODES), "");
	}
	for (unsigned i = 0; i < 2 * REPORT_STEPS; i++)
		report_step(report, "step");
	is_int((long long)report->warning_count, REPORT_WARNINGS,
		"warnings: as many as there is room for");
	is_int((long long)report->refused_count, LIMIT_STACK_FILES, "refused files, too");
	is_int((long long)report->step_count, REPORT_STEPS, "steps, too");
}

static void test_warnings(void)
{
	struct report *report = new_report(0);
	console_set_level(INITCONF_LOG_NORMAL);
	report_warn(report, "a %s", "b");
	report_warn_line(report, "100 % of c %s");
	report_alarm(report, "d");
	said_is("plyboot: warning: a b\nplyboot: warning: 100 % of c %s\nplyboot: WARNING: d\n",
		"warnings are said");
	is_str(report->warnings[0], "a b", "and noted");
	is_str(report->warnings[1], "100 % of c %s", "a whole line is no format");
	console_set_level(INITCONF_LOG_QUIET);
	report_warn(report, "e");
	report_alarm(report, "f");
	said_is("plyboot: WARNING: f\n", "quiet: those that cost something");
	is_str(report->warnings[3], "e", "the others are noted all the same");

	refuse(report, "a-1.stack", ERROR_ROLLBACK, "old");
	refuse(report, "b-1.stack", ERROR_TARGET, "another machine's");
	refuse(report, "c-1.stack", ERROR_KEY, "stranger");
	said_is("plyboot: refused c-1.stack: KEY: stranger\n",
		"quiet: old stacks and those for other machines may well lie there");
	console_set_level(INITCONF_LOG_NORMAL);
	refuse(report, "a-1.stack", ERROR_ROLLBACK, "old");
	said_is("plyboot: refused a-1.stack: ROLLBACK: old\n", "normal: said");
	console_set_level(INITCONF_LOG_QUIET);
}

static void test_passed_over(void)
{
	struct report *report = new_report(0);
	report_passed_over(report, "a-3.stack", "its tries are used up");
	said_is("plyboot: passed over a-3.stack: its tries are used up\n",
		"passed over: always said");
	report_passed_over(report, "a-3.stack", "its tries are used up");
	report_passed_over(report, "a-2.stack", "no try can be counted");
	said_is("plyboot: passed over a-2.stack: no try can be counted\n", "and once for each");
	for (unsigned i = 0; i < 2 * LIMIT_STACK_FILES; i++) {
		char name[16];
		(void)snprintf(name, sizeof name, "s-%u.stack", i);
		report_passed_over(report, name, "");
	}
	(void)said();
	is_int((long long)report->passed_over_count, LIMIT_STACK_FILES,
		"as many as there is room for");
}

static void test_summary(void)
{
	struct report *report = new_report(0);
	report_say_failures(report);
	said_is("", "summary: of nothing, none");
	refuse(report, "a-1.stack", ERROR_ROLLBACK, "");
	report_say_failures(report);
	said_is("plyboot:   stacks refused: a-1.stack ROLLBACK\n", "summary: refused alone");
	fail(report, "a-3.stack", ERROR_DIGEST, "");
	fail(report, "a-2.stack", ERROR_MISSING, "");
	report_say_failures(report);
	said_is("plyboot:   stacks tried: a-3.stack DIGEST, a-2.stack MISSING; refused: a-1.stack "
		"ROLLBACK\n",
		"summary: both, in their order");
	for (unsigned i = 0; i < LIMIT_STACK_FILES; i++)
		fail(report, "a-name-that-is-as-long-as-a-name-may-be-1.stack", ERROR_SIGNATURE,
			"");
	report_say_failures(report);
	const char *line = said();
	ok(strlen(line) == CONSOLE_LINE_BYTES &&
			strcmp(line + CONSOLE_LINE_BYTES - 4, "...\n") == 0,
		"summary: too many are cut");
}

int main(void)
{
	said_start();
	test_booted();
	test_not_booted();
	test_hostile();
	test_room();
	(void)said();
	test_warnings();
	test_passed_over();
	test_summary();
	free(new_report(0)->layers);
	said_stop();
	return done();
}

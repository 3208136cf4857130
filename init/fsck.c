#include "fsck.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "console.h"
#include "devices.h"
#include "files.h"
#include "jail.h"
#include "meminfo.h"
#include "patience.h"
#include "scope.h"
#include "watchdog.h"

enum { CORRECTED = 1, REBOOT = 2, UNCORRECTED = 4 }; /* fsck(8) */

enum { SILENT_US = 2000000, DESCRIPTION_SIZE = 300 };

/* Of what is made by whom has no clock yet, the times say nothing. */
static const char conf[] = "[options]\nbroken_system_clock = true\n";

/* --- what it means */

enum fsck_result fsck_judge(const struct checker_ending *ending)
{
	if (!ending->in_time || !WIFEXITED(ending->status))
		return FSCK_FAILED;
	int bits = WEXITSTATUS(ending->status);
	if ((bits & UNCORRECTED) != 0)
		return FSCK_UNCORRECTED;
	/* A reboot is for who has it mounted. */
	if ((bits & ~(CORRECTED | REBOOT)) != 0)
		return FSCK_FAILED;
	return bits == 0 ? FSCK_CLEAN : FSCK_CORRECTED;
}

const char *fsck_result_name(enum fsck_result result)
{
	static const char *const names[FSCK_RESULTS] = {
		"clean", "corrected", "uncorrected", "failed"};
	return names[result];
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* From the end backwards, so that what is cut is what came first. */
void fsck_last_words(const struct checker_ending *ending, char out[FSCK_WORDS_SIZE])
{
	size_t at = FSCK_WORDS_SIZE - 1;
	bool blank = false;
	out[at] = '\0';
	for (size_t i = ending->words_length; i > 0 && at > 0; i--) {
		char c = ending->words[i - 1];
		if (is_blank(c)) {
			blank = out[at] != '\0';
			continue;
		}
		if (blank && at == 1)
			break;
		if (blank)
			out[--at] = ' ';
		blank = false;
		out[--at] = c == '\0' ? '?' : c;
	}
	memmove(out, out + at, FSCK_WORDS_SIZE - at);
}

static void describe(
	const struct checker_request *request, const struct checker_ending *ending, char *out)
{
	char words[FSCK_WORDS_SIZE];
	const int status = ending->status;
	fsck_last_words(ending, words);
	if (!ending->in_time)
		(void)snprintf(
			out, DESCRIPTION_SIZE, "not done after %u s", request->limit_ms / 1000);
	else if (WIFSIGNALED(status))
		(void)snprintf(out, DESCRIPTION_SIZE, "killed by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) == CHECKER_NOT_RUN)
		(void)snprintf(out, DESCRIPTION_SIZE, "not run");
	else
		(void)snprintf(out, DESCRIPTION_SIZE, "status %d", WEXITSTATUS(status));
	size_t used = strlen(out);
	if (words[0] != '\0')
		(void)snprintf(out + used, DESCRIPTION_SIZE - used, ": %s", words);
}

/* --- running it */

struct waiting {
	const char *device;
	uint64_t start_us, said_us; /* said_us: 0 as long as nothing was said */
	unsigned limit_s;
};

/* Its time is limited, so that a check that hangs is over before the watchdog would be needed. */
static void stay_alive(void *context)
{
	struct waiting *waiting = context;
	watchdog_feed();
	uint64_t now = clock_us();
	if (now - waiting->start_us < SILENT_US)
		return;
	if (waiting->said_us == 0) {
		waiting->said_us = now;
		console_say("%s is being checked, which may take %u s", waiting->device,
			waiting->limit_s);
	} else if (patience_is_over(&waiting->said_us, now)) {
		console_say("%s is being checked: %llu s so far, of %u s at most", waiting->device,
			(unsigned long long)((now - waiting->start_us) / 1000000),
			waiting->limit_s);
	}
}

/* Most of what is left, so that it is the check that fails and not the boot. */
static uint64_t memory_to_use(void)
{
	SCOPED_FREE char *text = NULL;
	size_t size_bytes;
	uint64_t available;
	if (files_read(AT_FDCWD, "/proc/meminfo", 65536, &text, &size_bytes, NULL) != 0 ||
		!meminfo_bytes(text, "MemAvailable", &available))
		return UINT64_MAX;
	return available / 4 * 3;
}

static int run(const char *device, const struct initconf *given, struct checker_request *request,
	struct checker_ending *ending, struct error *e)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	struct waiting waiting = {
		.device = device, .start_us = clock_us(), .limit_s = given->fsck_s};
	*request = (struct checker_request){
		.program = FSCK_PROGRAM,
		.device = device,
		.conf = conf,
		.limit_ms = given->fsck_s * 1000,
		.memory_bytes = memory_to_use(),
		.threads = cpus > 0 ? (unsigned)cpus : 1,
		.demand = given->jail_whole ? JAIL_ALL : 0,
		.alive = stay_alive,
		.context = &waiting,
	};
	return checker_run(request, ending, e);
}

/* --- what becomes of it */

static void say_words(const struct checker_ending *ending)
{
	const char *at = ending->words, *end = at + ending->words_length;
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *line_end = newline != NULL ? newline : end;
		if (line_end > at)
			console_debug("e2fsck: %.*s", (int)(line_end - at), at);
		at = line_end + 1;
	}
}

/* A check that failed is no reason to lose what is kept: where nothing speaks of damage it is
 * mounted, as it would be without a check. */
static int go_without(const char *device, const char *why, struct report *report, struct error *e)
{
	struct ext4_identity identity;
	if (devices_identify_ext4(device, &identity, e) != 0)
		return -1;
	if (identity.damaged)
		return error_set(e, ERROR_IO, 0,
			"%s has errors, as its superblock says, and can't be checked, so it is not "
			"mounted: e2fsck: %s",
			device, why);
	report_alarm(report, "%s is mounted unchecked: e2fsck: %s", device, why);
	return 0;
}

static int conclude(const char *device, enum fsck_result result, const char *why,
	struct report *report, struct error *e)
{
	switch (result) {
	case FSCK_CLEAN:
		return 0;
	case FSCK_CORRECTED:
		report_warn(report, "%s was damaged, and is corrected: e2fsck: %s", device, why);
		return 0;
	case FSCK_UNCORRECTED:
		return error_set(e, ERROR_IO, 0,
			"%s has damage that nobody mends unasked, so it is not mounted; `e2fsck -y "
			"%s` does, and removes what can't be saved: e2fsck: %s",
			device, device, why);
	default:
		return go_without(device, why, report, e);
	}
}

static int check(const char *device, struct report *report, struct error *e)
{
	struct checker_request request;
	struct checker_ending ending;
	struct error failure = {0};
	char why[DESCRIPTION_SIZE];
	enum fsck_result result = FSCK_FAILED;
	report->fsck.status = -1;
	if (run(device, report->conf, &request, &ending, &failure) != 0) {
		(void)snprintf(
			why, sizeof why, "not run: %.*s", DESCRIPTION_SIZE - 16, failure.text);
	} else {
		result = fsck_judge(&ending);
		describe(&request, &ending, why);
		say_words(&ending);
		report->fsck.us = ending.took_us;
		if (ending.in_time && WIFEXITED(ending.status) &&
			WEXITSTATUS(ending.status) != CHECKER_NOT_RUN)
			report->fsck.status = WEXITSTATUS(ending.status);
	}
	report->fsck.result = fsck_result_name(result);
	return conclude(device, result, why, report, e);
}

int fsck_check(const char *device, struct report *report, struct error *e)
{
	static struct error refused; /* ERROR_NONE: nothing speaks against it */
	struct ext4_identity identity;
	struct error ignored;
	if (report->fsck.result != NULL) {
		*e = refused;
		return refused.code == ERROR_NONE ? 0 : -1;
	}
	if (report->conf->fsck_s == 0 || access(FSCK_PROGRAM, X_OK) != 0 ||
		devices_identify_ext4(device, &identity, &ignored) != 0)
		return 0; /* what is no ext4 can't be mounted, either */
	report_step(report, "state device");
	int result = check(device, report, &refused);
	report_step(report, "fsck");
	if (result != 0)
		*e = refused;
	return result;
}

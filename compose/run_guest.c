#include "run_guest.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "../layers/scope.h"
#include "../qemu/ending.h"
#include "interrupt.h"

/* A signal that came before is noted, one that comes from here on is qemu_boot()'s: none falls in
 * between. */
static int boot(const struct qemu_request *request, struct qemu_outcome *outcome, struct error *e)
{
	sigset_t held, before;
	ending_signals(&held);
	(void)sigprocmask(SIG_BLOCK, &held, &before);
	int result = interrupt_check(e) != 0 ? -1 : qemu_boot(request, outcome, e);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return result;
}

static bool console_says(const struct qemu_outcome *outcome, const char *what)
{
	const char *line;
	for (size_t i = 0; (line = console_tail(&outcome->console, i)) != NULL; i++) {
		if (strstr(line, what) != NULL)
			return true;
	}
	return false;
}

bool run_guest_doubts_root(const struct qemu_outcome *outcome)
{
	const char *panic = outcome->console.panic;
	switch (outcome->end) {
	case QEMU_END_NOT_BOOTED:
		return !console_says(outcome, "NOSPACE: ");
	case QEMU_END_PANIC:
		/* "No working init found", "Unable to mount root fs": there was no initramfs. */
		return outcome->ready_ms == 0 &&
		       (strstr(panic, "init") != NULL || strstr(panic, "root fs") != NULL);
	default:
		return false;
	}
}

int run_guest(const struct qemu_request *request, FILE *explain, bool *doubtful, struct error *e)
{
	/* Large: it holds the console's last lines. */
	SCOPED_FREE struct qemu_outcome *outcome = calloc(1, sizeof *outcome);
	if (outcome == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	int status = run_guest_outcome(request, explain, outcome, e);
	if (status >= 0)
		*doubtful = run_guest_doubts_root(outcome);
	return status;
}

int run_guest_outcome(const struct qemu_request *request, FILE *explain,
	struct qemu_outcome *outcome, struct error *e)
{
	char sentence[512];
	if (boot(request, outcome, e) != 0)
		return -1;
	qemu_outcome_explain(outcome, explain);
	if (outcome->end == QEMU_END_INTERRUPTED) {
		qemu_outcome_sentence(outcome, sentence, sizeof sentence);
		fprintf(explain, "plyboot run: %s\n", sentence);
	}
	fflush(explain);
	return qemu_outcome_status(outcome);
}

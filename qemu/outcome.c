#include "boot.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

int qemu_outcome_status(const struct qemu_outcome *outcome)
{
	switch (outcome->end) {
	case QEMU_END_VERDICT:
		return outcome->verdict;
	case QEMU_END_OFF:
	case QEMU_END_LEFT:
		return 0;
	case QEMU_END_COMMAND:
	case QEMU_END_NOT_STARTED:
		return outcome->command_status;
	case QEMU_END_NOT_BOOTED:
	case QEMU_END_GARBLED:
		return QEMU_STATUS_NOT_RUN;
	case QEMU_END_NO_VERDICT:
	case QEMU_END_NO_STATUS:
		return QEMU_STATUS_NO_VERDICT;
	case QEMU_END_PANIC:
		return QEMU_STATUS_PANIC;
	case QEMU_END_LIMIT:
		return QEMU_STATUS_LIMIT;
	case QEMU_END_INTERRUPTED:
		return QEMU_STATUS_SIGNAL + outcome->signal_number;
	case QEMU_END_FAILED:
		break;
	}
	return QEMU_STATUS_FAILED;
}

static void failed_sentence(const struct qemu_outcome *outcome, char *text, size_t size)
{
	const char *complaint =
		outcome->complaint[0] != '\0' ? outcome->complaint : "it printed nothing";

	if (outcome->wait_status != -1 && WIFSIGNALED(outcome->wait_status) &&
		WTERMSIG(outcome->wait_status) == SIGSYS)
		(void)snprintf(text, size,
			"%s (%s) made a system call that its sandbox denies: `--qemu-arg -sandbox "
			"--qemu-arg off` takes it away",
			outcome->program, outcome->accel);
	else if (outcome->wait_status != -1 && WIFSIGNALED(outcome->wait_status))
		(void)snprintf(text, size, "%s (%s) was ended by signal %d: %s", outcome->program,
			outcome->accel, WTERMSIG(outcome->wait_status), complaint);
	else
		(void)snprintf(text, size,
			"%s (%s) failed with status %d: %s; try PLYBOOT_ACCEL=tcg if it is about "
			"KVM",
			outcome->program, outcome->accel,
			outcome->wait_status == -1 ? -1 : WEXITSTATUS(outcome->wait_status),
			complaint);
}

static void command_sentence(const struct qemu_outcome *outcome, char *text, size_t size)
{
	unsigned s = outcome->elapsed_ms / 1000;
	unsigned ds = outcome->elapsed_ms / 100 % 10;

	switch (outcome->end) {
	case QEMU_END_COMMAND:
		(void)snprintf(text, size, "the command %s %d after %u.%u s (%s)",
			outcome->command_signal ? "was killed by signal" : "ended with status",
			outcome->command_signal ? outcome->command_signal : outcome->command_status,
			s, ds, outcome->accel);
		return;
	case QEMU_END_NOT_STARTED:
		(void)snprintf(text, size, "the command was not started: %s", outcome->refusal);
		return;
	case QEMU_END_NOT_BOOTED:
		(void)snprintf(text, size,
			"the guest ended after %u.%u s (%s) before a command could be started in "
			"it; the console says how far it came",
			s, ds, outcome->accel);
		return;
	case QEMU_END_NO_STATUS:
		(void)snprintf(text, size,
			"the guest ended after %u.%u s before the command did: was it powered off "
			"or rebooted?",
			s, ds);
		return;
	default:
		(void)snprintf(text, size,
			"the guest was ended after %u.%u s: %s; is its /.plyboot/run of another "
			"version of plyboot, or did something else write to the port?",
			s, ds, outcome->refusal);
	}
}

void qemu_outcome_sentence(const struct qemu_outcome *outcome, char *text, size_t size)
{
	unsigned s = outcome->elapsed_ms / 1000;
	unsigned ds = outcome->elapsed_ms / 100 % 10;

	switch (outcome->end) {
	case QEMU_END_VERDICT:
		(void)snprintf(text, size, "the guest's verdict after %u.%u s (%s): %d", s, ds,
			outcome->accel, outcome->verdict);
		return;
	case QEMU_END_OFF:
		(void)snprintf(text, size, "the guest powered off after %u.%u s (%s)", s, ds,
			outcome->accel);
		return;
	case QEMU_END_LEFT:
		(void)snprintf(text, size, "left after %u.%u s; the guest was ended", s, ds);
		return;
	case QEMU_END_NO_VERDICT:
		(void)snprintf(text, size,
			"the guest powered off after %u.%u s without a verdict: its payload did "
			"not run to its end; the console says how far it came",
			s, ds);
		return;
	case QEMU_END_PANIC:
		(void)snprintf(text, size,
			"the guest's kernel panicked: `%s`; the cause is in the lines before it",
			outcome->console.panic);
		return;
	case QEMU_END_LIMIT:
		(void)snprintf(text, size,
			"the guest was ended at its time limit of %u s (%s): it hangs where the "
			"console stops, or needs a longer limit",
			outcome->limit_s, outcome->accel);
		return;
	case QEMU_END_INTERRUPTED:
		(void)snprintf(text, size, "interrupted by signal %d; the guest was ended",
			outcome->signal_number);
		return;
	case QEMU_END_FAILED:
		failed_sentence(outcome, text, size);
		return;
	case QEMU_END_COMMAND:
	case QEMU_END_NOT_STARTED:
	case QEMU_END_NOT_BOOTED:
	case QEMU_END_NO_STATUS:
	case QEMU_END_GARBLED:
		command_sentence(outcome, text, size);
		return;
	}
}

static bool is_explained(enum qemu_end end)
{
	return end != QEMU_END_VERDICT && end != QEMU_END_OFF && end != QEMU_END_LEFT &&
	       end != QEMU_END_INTERRUPTED && end != QEMU_END_COMMAND;
}

void qemu_outcome_print_console(const struct qemu_outcome *outcome, FILE *to)
{
	const char *line;

	if (outcome->console.line_count == 0)
		return;
	(void)fprintf(to, "--- the end of the guest's console\n");
	for (size_t i = 0; (line = console_tail(&outcome->console, i)); i++)
		(void)fprintf(to, "%s\n", line);
	(void)fprintf(to, "---\n");
}

void qemu_outcome_explain(const struct qemu_outcome *outcome, FILE *to)
{
	char sentence[CONSOLE_LINE_SIZE + 768] = "";

	if (!is_explained(outcome->end))
		return;
	if (outcome->end != QEMU_END_NOT_STARTED)
		qemu_outcome_print_console(outcome, to);
	qemu_outcome_sentence(outcome, sentence, sizeof(sentence));
	(void)fprintf(to, "plyboot %s: %s\n", outcome->commanded ? "run" : "boot", sentence);
}

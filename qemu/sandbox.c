#include "sandbox.h"

#include <string.h>
#include <sys/wait.h>

#include "process.h"

enum { PATIENCE_MS = 10000 };

/* As vl.c and qemu-seccomp.c of QEMU have it. */
static bool speaks_of_it(const struct qemu_outcome *outcome)
{
	return outcome->end == QEMU_END_FAILED && outcome->console.line_count == 0 &&
	       (strstr(outcome->complaint, "sandbox") || strstr(outcome->complaint, "seccomp"));
}

/* Of what makes QEMU end by itself, this comes after the filter is loaded. */
static bool works(const struct machine *machine, const char *path)
{
	static const char *const words[] = {"-sandbox", MACHINE_SANDBOX, "-M", "none",
		"-nodefaults", "-display", "none", "-chardev", "help", NULL};
	struct machine_arguments arguments = {0};
	struct process process;
	bool started;
	int status;

	machine_argument(&arguments, "%s", machine->program);
	machine_argument_list(&arguments, words);
	started = !arguments.failed &&
		  process_start(path, arguments.items, NULL, 0, &process, NULL) == 0;
	machine_arguments_free(&arguments);
	if (!started)
		return true;
	status = process_end(&process, PATIENCE_MS);
	return status == -1 || !WIFEXITED(status) || WEXITSTATUS(status) == 0;
}

bool sandbox_is_missing(
	const struct machine *machine, const char *path, const struct qemu_outcome *outcome)
{
	return speaks_of_it(outcome) && !works(machine, path);
}

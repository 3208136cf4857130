/* systemd's times, of the system that runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../layers/scope.h"
#include "program.h"
#include "times.h"

enum { ANSWER_LIMIT_S = 10 };

/* Where systemd says that it is the init (sd_booted(3)). */
#define SYSTEMD_RUNS "/run/systemd/system"

struct answer {
	uint8_t *bytes; /* owned */
	size_t size;
};

static int listen(void *context, const void *data, size_t size_bytes, struct error *e)
{
	struct answer *answer = context;
	if (size_bytes > TIMES_MAX_BYTES - answer->size)
		return error_set(
			e, ERROR_LIMIT, 0, "systemctl says more than %d bytes", TIMES_MAX_BYTES);
	uint8_t *bytes = realloc(answer->bytes, answer->size + size_bytes);
	if (bytes == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	memcpy(bytes + answer->size, data, size_bytes);
	answer->bytes = bytes;
	answer->size += size_bytes;
	return 0;
}

static int ask(const char *const *arguments, struct answer *answer, struct error *e)
{
	char path[PATH_MAX];
	if (program_find("systemctl", "systemd", path, e) != 0)
		return -1;
	const struct program_run run = {.path = path,
		.arguments = arguments,
		.keep_fd = -1,
		.directory_fd = -1,
		.limit_s = ANSWER_LIMIT_S,
		.sink = listen,
		.context = answer};
	return program_run(&run, e);
}

int times_systemd_ask(struct times_systemd *out, struct error *e)
{
	static const char *const manager[] = {
		"systemctl", "show", "--no-pager", "--no-ask-password", NULL};
	static const char *const units[] = {"systemctl", "show", "--no-pager", "--no-ask-password",
		"--property=Id,InactiveExitTimestampMonotonic,ActiveEnterTimestampMonotonic,"
		"InactiveEnterTimestampMonotonic",
		"--", "*", NULL};
	struct answer answer = {0};
	if (access(SYSTEMD_RUNS, F_OK) != 0)
		return error_set(
			e, ERROR_MISSING, 0, "%s is not there: no systemd runs", SYSTEMD_RUNS);
	int result = ask(manager, &answer, e);
	if (result == 0)
		result = listen(&answer, "\n", 1, e);
	if (result == 0)
		result = ask(units, &answer, e);
	if (result == 0)
		result = times_systemd_parse(answer.bytes, answer.size, out, e);
	free(answer.bytes);
	return result;
}

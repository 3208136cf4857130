/* The first process of a guest of `plyboot run`: runs the host's one command, with the host's
 * streams, and says how it ended. init/RUN.md describes it from outside. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../entry/identify.h"
#include "job.h"
#include "network.h"
#include "port.h"
#include "pump.h"
#include "../entry/say.h"
#include "scope.h"
#include "share.h"
#include "../entry/shutdown.h"
#include "../entry/surroundings.h"
#include "then.h"

enum { REST_MS = 2000, STATUS_NOT_RUN = 125, STATUS_NOT_EXECUTABLE = 126, STATUS_NOT_FOUND = 127 };

/* 0, 1 and 2 are nobody's streams. Those that read from a closed pipe are not to kill us. */
static void prepare(void)
{
	sigset_t pipes;
	int fd;
	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd < 2);
	if (fd > 2)
		(void)close(fd);
	supervise_prepare();
	(void)sigemptyset(&pipes);
	(void)sigaddset(&pipes, SIGPIPE);
	(void)sigprocmask(SIG_BLOCK, &pipes, NULL);
	(void)reboot(RB_DISABLE_CAD);
}

static int get_job(struct port *port, struct job *job, struct error *e)
{
	const uint8_t version = RUNPORT_VERSION;
	int result = port_open(port, e) != 0 || runport_put(&port->outbox, RUNPORT_HELLO, &version,
							1, NULL, 0, e) != 0
			     ? -1
			     : 0;
	while (result == 0) {
		struct runport_frame frame;
		result = port_wait(port, &frame, e) != 0 ? -1 : job_take(job, &frame, e);
	}
	return result < 0 ? -1 : 0;
}

/* `*tried`: the program itself was found wanting, not what is around it. */
static int start(
	struct job *job, struct streams *streams, pid_t *program, bool *tried, struct error *e)
{
	static struct identity who;
	if (share_mount_all(job, e) != 0 || identify(job->conf.user, &who, e) != 0 ||
		streams_open(streams, job, e) != 0)
		return -1;
	*tried = true;
	int result = launch(&job->conf, &who, &streams->theirs, program, e);
	streams_close_theirs(streams);
	return result;
}

static int run(struct port *port, struct job *job, int *status, bool *tried, struct error *e)
{
	struct streams streams = {
		.theirs.fds = {-1, -1, -1}, .input_fd = -1, .output_fds = {-1, -1}};
	pid_t program;
	SCOPED_FD signal_fd = supervise_descriptor();
	if (signal_fd < 0)
		return error_set(e, ERROR_KERNEL, errno, "signalfd");
	int result = start(job, &streams, &program, tried, e);
	if (result == 0)
		result = runport_put(&port->outbox, RUNPORT_STARTED, NULL, 0, NULL, 0, e) != 0 ||
					 pump(port, &streams, signal_fd, program, status, e) != 0
				 ? -1
				 : 0;
	streams_close(&streams);
	return result;
}

static uint8_t status_of(const struct error *why, bool tried)
{
	if (tried && why->code == ERROR_MISSING)
		return STATUS_NOT_FOUND;
	return tried && why->code == ERROR_TYPE ? STATUS_NOT_EXECUTABLE : STATUS_NOT_RUN;
}

/* The last word, when all is on the disks; and wait until the host has it. */
static void report(
	struct port *port, int result, int status, uint8_t refused, const struct error *why)
{
	struct error e;
	struct runport_frame frame;
	uint8_t ended[2] = {0, (uint8_t)WEXITSTATUS(status)};
	if (result == 0 && WIFSIGNALED(status)) {
		ended[0] = 1;
		ended[1] = (uint8_t)WTERMSIG(status);
	}
	if (result == 0)
		result = runport_put(
			&port->outbox, RUNPORT_EXITED, ended, sizeof ended, NULL, 0, &e);
	else
		result = runport_put(&port->outbox, RUNPORT_REFUSED, &refused, 1, why->text,
			strnlen(why->text, RUNPORT_MAX_REASON), &e);
	do {
		if (result == 0)
			result = port_wait(port, &frame, &e);
	} while (result == 0 && frame.type != RUNPORT_BYE);
	if (result != 0)
		say_error("the host did not take the end in", &e);
}

int main(void)
{
	static struct port port;
	static struct job job;
	struct error e = {.code = ERROR_NONE};
	int status = 0;
	bool tried = false;
	if (getpid() != 1) {
		(void)fputs("plyboot: /.plyboot/run is the first process of a guest, not a "
			    "command\n",
			stderr);
		return 1;
	}
	prepare();
	surroundings_make();
	network_raise();
	int result = get_job(&port, &job, &e);
	if (result == 0)
		result = run(&port, &job, &status, &tried, &e);
	if (result == 0)
		result = then_run(&port, &job, REST_MS, &e);
	if (result != 0)
		say_error("the command does not run", &e);
	shutdown_settle(REST_MS);
	report(&port, result, status, status_of(&e, tried), &e);
	shutdown_off(MACHINE_OFF);
}

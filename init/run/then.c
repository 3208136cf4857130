#include "then.h"

#include <errno.h>
#include <poll.h>
#include <sys/wait.h>

#include "../entry/identify.h"
#include "../entry/launch.h"
#include "../entry/say.h"
#include "../entry/supervise.h"
#include "network.h"
#include "share.h"

/* Nobody is to wait for the command's last words until this has ended. */
static int pass_on(struct port *port, struct error *e)
{
	int result = port_flush(port, e);
	while (result == 0 && runport_waiting(&port->outbox) > 0) {
		struct pollfd polled = {.fd = port->fd, .events = POLLOUT};
		(void)poll(&polled, 1, -1);
		if ((polled.revents & (POLLHUP | POLLERR)) != 0)
			return error_set(e, ERROR_IO, 0, "the host has closed the port");
		result = port_flush(port, e);
	}
	return result;
}

static int start(const struct job *job, pid_t *program, struct error *e)
{
	static struct identity who;
	const char *variables[] = {"TMPDIR=/run", NULL};
	const struct entryconf conf = {.arguments = job->then.arguments,
		.argument_count = job->then.argument_count,
		.variables = variables,
		.variable_count = 1,
		.directory = "/",
		.user = "0:0"};
	if (identify(conf.user, &who, e) != 0)
		return -1;
	return launch(&conf, &who, NULL, program, e);
}

int then_run(struct port *port, const struct job *job, unsigned patience_ms, struct error *e)
{
	struct error why;
	pid_t program;
	if (job->then.argument_count == 0)
		return 0;
	if (pass_on(port, e) != 0)
		return -1;
	supervise_end_rest(patience_ms);
	share_withdraw_all(job);
	network_withdraw();
	if (start(job, &program, &why) != 0) {
		say_error("what follows the command does not run", &why);
		return 0;
	}
	while (waitpid(program, NULL, 0) < 0 && errno == EINTR)
		continue;
	return 0;
}

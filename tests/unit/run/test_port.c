/* init/run/port.c: frames of a host that speaks in parts, hears late, or goes. */
#include "init/run/port.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

static struct port port;
static int host_fd = -1;

static void begin(void)
{
	int ends[2];
	if (host_fd >= 0)
		(void)close(host_fd);
	if (port.fd > 0)
		(void)close(port.fd);
	runport_outbox_free(&port.outbox);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0 ||
		fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0)
		abort();
	port = (struct port){.fd = ends[0], .reader = {.from = RUNPORT_HOST}};
	host_fd = ends[1];
}

static void say(const char *bytes, size_t length)
{
	if (write(host_fd, bytes, length) != (ssize_t)length)
		abort();
}

static void pause_ms(long ms)
{
	const struct timespec span = {0, ms * 1000000L};
	(void)nanosleep(&span, NULL);
}

/* Another process is the host; -1: it could not be. */
static pid_t in_background(void (*host)(void))
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	(void)close(port.fd);
	host();
	_exit(0);
}

static void says_in_parts(void)
{
	static const char frame[] = "D\2\0\0\0/d";
	for (size_t i = 0; i < sizeof frame - 1; i++) {
		say(frame + i, 1);
		pause_ms(5);
	}
}

static void hears_late(void)
{
	static char bytes[65536];
	pause_ms(100);
	for (size_t got = 0; got < 200005;) {
		ssize_t now = read(host_fd, bytes, sizeof bytes);
		if (now <= 0)
			_exit(1);
		got += (size_t)now;
	}
	say("B\0\0\0\0", 5);
	pause_ms(100);
}

static void frames(void)
{
	struct runport_frame frame;
	struct error e = {.code = ERROR_NONE};
	begin();
	ok(port_fill(&port, &e) == 0 && port_next(&port, &frame, &e) == 0, "nothing is there");
	say("A\1\0\0\0xA\0\0\0\0G", 12);
	ok(port_fill(&port, &e) == 0 && port_next(&port, &frame, &e) == 1 && frame.type == 'A' &&
			frame.length == 1,
		"the first frame of two and a part");
	say("\0\0\0\0", 4);
	ok(port_fill(&port, &e) == 0 && port.end == 12, "no more is read before all is looked at");
	ok(port_next(&port, &frame, &e) == 1 && frame.length == 0, "the second");
	ok(port_next(&port, &frame, &e) == 0, "a part is none");
	ok(port_wait(&port, &frame, &e) == 0 && frame.type == 'G', "with the rest it is one");
	pid_t pid = in_background(says_in_parts);
	ok(port_wait(&port, &frame, &e) == 0 && frame.type == 'D' &&
			strcmp((const char *)frame.payload, "/d") == 0,
		"one that comes byte by byte");
	(void)waitpid(pid, NULL, 0);
	say("o\1\0\0\0x", 6);
	ok(port_wait(&port, &frame, &e) == -1 && e.code == ERROR_FORMAT, "one that is none");
	say("G\0\0\0\0", 5);
	ok(port_wait(&port, &frame, &e) == -1 && e.code == ERROR_FORMAT, "and all behind it");
}

static void writing(void)
{
	static uint8_t bytes[200000];
	struct runport_frame frame;
	struct error e = {.code = ERROR_NONE};
	int size = 4096;
	begin();
	if (setsockopt(port.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size) != 0 ||
		runport_put(&port.outbox, RUNPORT_OUTPUT, bytes, sizeof bytes, NULL, 0, &e) != 0)
		abort();
	ok(port_flush(&port, &e) == 0 && runport_waiting(&port.outbox) > 0,
		"a host that hears nothing is not waited for");
	pid_t pid = in_background(hears_late);
	ok(port_wait(&port, &frame, &e) == 0 && frame.type == 'B' &&
			runport_waiting(&port.outbox) == 0,
		"unless its answer is: it gets all meanwhile");
	(void)waitpid(pid, NULL, 0);
}

static void host_goes(void)
{
	struct runport_frame frame;
	struct error e = {.code = ERROR_NONE};
	begin();
	say("A\0\0\0", 4);
	(void)close(host_fd);
	host_fd = -1;
	ok(port_wait(&port, &frame, &e) == -1 && e.code == ERROR_IO, "a host that goes");
	if (runport_put(&port.outbox, RUNPORT_STARTED, NULL, 0, NULL, 0, &e) != 0)
		abort();
	e.code = ERROR_NONE;
	ok(port_flush(&port, &e) == -1 && e.code == ERROR_IO, "is not written to");
	e.code = ERROR_NONE;
	ok(port_wait(&port, &frame, &e) == -1 && e.code == ERROR_IO, "nor waited for");
	(void)close(port.fd);
	port.fd = open("/", O_RDONLY | O_CLOEXEC);
	port.start = port.end = 0;
	e.code = ERROR_NONE;
	ok(port_fill(&port, &e) == -1 && e.code == ERROR_IO && e.sys_errno != 0,
		"what can't be read");
}

int main(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	frames();
	writing();
	host_goes();
	runport_outbox_free(&port.outbox);
	return done();
}

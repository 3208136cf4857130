/* qemu/relay.c: no memory for what the guest is to be told, and signals in between. */
#include "faults.h"

#include <signal.h>

#include "relay_room.h"

enum { PORT, INPUT, OUTPUT };

static void fail(unsigned kinds, int error_number)
{
	faults = (struct faults){.kinds = kinds, .left = 1, .error_number = error_number};
	faults_begin();
}

static int begins(struct error *e)
{
	static const char *const arguments[] = {"cat", NULL};
	struct relay *one = NULL;
	int result;

	end_room();
	command.arguments = arguments;
	faults_begin();
	result = relay_new(&command, &one, e);
	faults_end();
	relay_free(&one);
	return result;
}

/* So that the next frame finds no room: as when all has been sent. */
static void no_memory(void)
{
	runport_outbox_free(&relay->session.outbox);
	fail(FAULTS_MEMORY, ENOMEM);
}

static void has_failed(const char *name)
{
	faults_end();
	ok(relay->failed && relay_over(relay) && relay->error.code == ERROR_NOSPACE &&
			!relay_holds(relay),
		"%s", name);
}

static void without_memory(void)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) || write(ends[1], "x", 1) != 1)
		abort();
	end_room();
	command.input_fd = ends[0];
	begin_room();
	say('h', "\1", 1);
	turn(PORT, POLLIN);
	no_memory();
	turn(INPUT, POLLIN);
	has_failed("no memory for input");
	end_room();
	command.input_fd = ends[0];
	begin_room();
	say('h', "\1", 1);
	turn(PORT, POLLIN);
	(void)close(ends[1]);
	no_memory();
	turn(INPUT, POLLIN);
	has_failed("no memory for its end");
	(void)close(ends[0]);

	int full_fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	end_room();
	command.output_fd = full_fd;
	begin_room();
	get_running();
	say('o', "x", 1);
	turn(PORT, POLLIN);
	no_memory();
	turn(OUTPUT, POLLOUT);
	has_failed("no memory for a stream that is closed");
	(void)close(full_fd);

	end_room();
	begin_room();
	get_running();
	relay->terminal = true;
	relay->input_fd = 999;
	no_memory();
	relay_resize(relay);
	has_failed("no memory for another size");
}

static void interrupted(void)
{
	int ends[2];
	int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) || write(ends[1], "abc", 3) != 3)
		abort();
	end_room();
	command.input_fd = ends[0];
	command.output_fd = null_fd;
	begin_room();
	say('h', "\1", 1);
	say('s', "", 0);
	turn(PORT, POLLIN);
	fail(FAULTS_TRANSFER, EINTR);
	turn(INPUT, POLLIN);
	faults_end();
	ok(faults.fired && relay->input_fd == ends[0] && relay->lost_errno == 0,
		"a signal while input is read");
	fail(FAULTS_TRANSFER, EIO);
	turn(INPUT, POLLIN);
	faults_end();
	ok(relay->input_fd == -1 && relay->lost_errno == EIO, "a terminal that hung up");
	relay->input_fd = ends[0];
	fail(FAULTS_TRANSFER, EACCES);
	turn(INPUT, POLLIN);
	faults_end();
	ok(relay->input_fd == -1 && relay->lost_errno == EIO, "the first reason counts");
	(void)hears();
	say('o', "out", 3);
	turn(PORT, POLLIN);
	fail(FAULTS_TRANSFER, EINTR);
	turn(OUTPUT, POLLOUT);
	faults_end();
	ok(faults.fired && relay->output_fds[0] == null_fd && relay->written == 0,
		"a signal while output is written");
	fail(FAULTS_SHORT, 0);
	turn(OUTPUT, POLLOUT);
	faults_end();
	ok(relay->session.output && relay->written == 1, "a byte of it goes");
	turn(OUTPUT, POLLOUT);
	ok(!relay->session.output && !relay->failed && strcmp(hears(), "") == 0, "then the rest");
	(void)close(ends[0]);
	(void)close(ends[1]);
	(void)close(null_fd);
}

/* What recv(2), send(2) and the like say next, instead of happening. */
static int socket_says;

ssize_t __real_recv(int fd, void *buffer, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *buffer, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *buffer, size_t size, int flags)
{
	if (socket_says == 0)
		return __real_recv(fd, buffer, size, flags);
	errno = socket_says;
	return -1;
}

ssize_t __real_send(int fd, const void *bytes, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags)
{
	if (socket_says == 0)
		return __real_send(fd, bytes, size, flags);
	errno = socket_says;
	return -1;
}

static void sockets(void)
{
	static const int soon[] = {EAGAIN, EINTR};

	end_room();
	begin_room();
	for (size_t i = 0; i < 2; i++) {
		socket_says = soon[i];
		turn(PORT, POLLIN);
		ok(relay->port_fd >= 0 && relay->session.state == SESSION_BOOTING,
			"nothing is read now: errno %d", soon[i]);
	}
	socket_says = 0;
	say('h', "\1", 1);
	turn(PORT, POLLIN);
	(void)hears();
	say('s', "", 0);
	turn(PORT, POLLIN);
	for (size_t i = 0; i < 2; i++) {
		if (session_close(&relay->session, 1, NULL))
			abort();
		socket_says = soon[i];
		turn(PORT, POLLOUT);
		ok(runport_waiting(&relay->session.outbox) == (i + 1) * 6,
			"nothing is sent now: errno %d", soon[i]);
	}
	socket_says = 0;
	turn(PORT, POLLOUT);
	is_str(hears(), "CC", "later all of it");
	socket_says = ECONNRESET;
	turn(PORT, POLLIN);
	ok(relay->port_fd == -1 && !relay->failed, "a port that is reset is one that has ended");
	socket_says = 0;
}

int main(void)
{
	static const struct faults_case beginning = {"a relay", begins, 0};

	(void)signal(SIGPIPE, SIG_IGN);
	faults_try(&beginning, FAULTS_MEMORY, ENOMEM, "no memory");
	without_memory();
	interrupted();
	sockets();
	end_room();
	return done();
}

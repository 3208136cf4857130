/* init/run/pump.c: a program's streams through a port whose host reads late, feeds, and goes. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "init/entry/supervise.h"
#include "init/run/job.h"
#include "init/run/pump.h"
#include "little_endian.h"
#include "tap.h"

/* What the other processes of a test tell. */
static struct told {
	size_t written;      /* by the program */
	size_t output;       /* in OUTPUT frames */
	unsigned output_sum; /* of their bytes */
	size_t errors;
	size_t credit;
	bool broken;
} * told;

static void pause_ms(long ms)
{
	const struct timespec span = {ms / 1000, ms % 1000 * 1000000L};
	(void)nanosleep(&span, NULL);
}

/* --- programs, with their streams as 0, 1 and 2 */

/* Writes until nothing more goes, and ends when that has been so for a while. */
static int fills_up(void)
{
	static uint8_t bytes[1000];
	memset(bytes, 1, sizeof bytes);
	(void)fcntl(1, F_SETFL, O_NONBLOCK);
	for (int stuck = 0; stuck < 6;) {
		ssize_t wrote = write(1, bytes, sizeof bytes);
		if (wrote > 0) {
			told->written += (size_t)wrote;
			stuck = 0;
		} else {
			stuck++;
			pause_ms(50);
		}
	}
	return 3;
}

static int copies(void)
{
	static uint8_t bytes[4096];
	for (ssize_t got; (got = read(0, bytes, sizeof bytes)) > 0;) {
		if (write(1, bytes, (size_t)got) != got)
			return 1;
		told->written += (size_t)got;
	}
	return 0;
}

static int leaves_a_child(void)
{
	if (fork() == 0) {
		pause_ms(5000);
		_exit(0);
	}
	return write(2, "bye", 3) == 3 ? 0 : 1;
}

static int ends_by_signal(void)
{
	(void)raise(SIGKILL);
	return 0;
}

static int writes_on(void)
{
	for (;;) {
		if (write(1, "x", 1) != 1)
			return 1;
	}
}

static int writes_errors_late(void)
{
	pause_ms(500);
	return write(2, "x", 1) == 1 ? 0 : 1;
}

static int closes_input(void)
{
	(void)close(0);
	pause_ms(1000);
	return write(1, "x", 1) == 1 ? 0 : 1;
}

/* The size of its terminal, once that has changed. */
static int tells_size(void)
{
	struct winsize size = {0};
	for (int i = 0; i < 500 && size.ws_row != 7; i++) {
		if (ioctl(0, TIOCGWINSZ, &size) != 0)
			return 1;
		pause_ms(10);
	}
	return size.ws_col == 9 && write(1, "sized", 5) == 5 ? 4 : 1;
}

static int waits(void)
{
	pause_ms(60000);
	return 0;
}

/* --- hosts */

static void host_reads(int fd)
{
	static struct runport_reader reader;
	static uint8_t bytes[65536];
	reader.from = RUNPORT_GUEST;
	for (ssize_t got; (got = read(fd, bytes, sizeof bytes)) > 0;) {
		for (size_t at = 0, used; at < (size_t)got; at += used) {
			struct runport_frame frame;
			int result = runport_read(
				&reader, bytes + at, (size_t)got - at, &used, &frame, NULL);
			told->broken = told->broken || result < 0;
			if (result < 0)
				return;
			if (result == 0)
				continue;
			if (frame.type == RUNPORT_OUTPUT)
				told->output += frame.length;
			for (size_t i = 0; frame.type == RUNPORT_OUTPUT && i < frame.length; i++)
				told->output_sum += frame.payload[i];
			if (frame.type == RUNPORT_ERROR)
				told->errors += frame.length;
			if (frame.type == RUNPORT_CREDIT)
				told->credit += get_u32(frame.payload);
		}
	}
	told->broken = told->broken || reader.filled > 0;
}

static void send_frame(int fd, enum runport_type type, const void *payload, size_t length)
{
	struct runport_outbox outbox = {0};
	if (runport_put(&outbox, type, payload, length, NULL, 0, NULL) != 0 ||
		write(fd, outbox.bytes, outbox.end) != (ssize_t)outbox.end)
		told->broken = true;
	runport_outbox_free(&outbox);
}

static void host_is_late(int fd)
{
	pause_ms(1500);
	host_reads(fd);
}

static void host_feeds(int fd)
{
	static uint8_t bytes[RUNPORT_MAX_DATA];
	memset(bytes, 1, sizeof bytes);
	send_frame(fd, RUNPORT_INPUT, bytes, sizeof bytes);
	send_frame(fd, RUNPORT_INPUT, bytes, sizeof bytes);
	send_frame(fd, RUNPORT_INPUT_END, NULL, 0);
	host_reads(fd);
}

static void host_overfeeds(int fd)
{
	static uint8_t bytes[RUNPORT_MAX_DATA];
	for (int i = 0; i < 5; i++)
		send_frame(fd, RUNPORT_INPUT, bytes, sizeof bytes);
	host_reads(fd);
}

static void host_closes_output(int fd)
{
	pause_ms(100);
	send_frame(fd, RUNPORT_CLOSE, "\1", 1);
	host_reads(fd);
}

static void host_closes_errors(int fd)
{
	send_frame(fd, RUNPORT_CLOSE, "\2", 1);
	host_reads(fd);
}

static void host_sends_argument(int fd)
{
	send_frame(fd, RUNPORT_ARGUMENT, "x", 1);
	host_reads(fd);
}

static void host_sends_nonsense(int fd)
{
	if (write(fd, "I\0\0\0\0", 5) != 5)
		told->broken = true;
	host_reads(fd);
}

/* A size for a command without a terminal means nothing. */
static void host_resizes(int fd)
{
	uint8_t size[4];
	runport_store_size(size, 7, 9);
	send_frame(fd, RUNPORT_WINDOW_SIZE, size, sizeof size);
	host_reads(fd);
}

static void host_feeds_late(int fd)
{
	pause_ms(500);
	send_frame(fd, RUNPORT_INPUT, "x", 1);
	send_frame(fd, RUNPORT_INPUT_END, NULL, 0);
	host_reads(fd);
}

/* Somebody in the guest stops it. */
static void host_is_stopped(int fd)
{
	pause_ms(100);
	(void)kill(getppid(), SIGTERM);
	host_reads(fd);
}

static void host_goes(int fd)
{
	pause_ms(100);
	(void)close(fd);
}

/* --- both */

static struct port port;

static struct job job;

static int run(int (*program)(void), void (*host)(int), int *status, struct error *e)
{
	struct streams streams;
	int ends[2], signal_fd = supervise_descriptor();
	memset(told, 0, sizeof *told);
	if (signal_fd < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0 ||
		streams_open(&streams, &job, e) != 0)
		abort();
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
	pid_t host_pid = fork();
	if (host_pid == 0) {
		streams_close(&streams);
		(void)close(ends[0]);
		host(ends[1]);
		_exit(0);
	}
	pid_t pid = fork();
	if (pid == 0) {
		sigset_t none;
		(void)sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		for (int i = 0; i < 3; i++)
			(void)dup2(streams.theirs.fds[i], i);
		streams_close(&streams);
		(void)close(ends[0]);
		(void)close(ends[1]);
		_exit(program());
	}
	(void)close(ends[1]);
	streams_close_theirs(&streams);
	port = (struct port){.fd = ends[0], .reader = {.from = RUNPORT_HOST}};
	int result = pump(&port, &streams, signal_fd, pid, status, e);
	streams_close(&streams);
	/* As process 1 does when it waits for the last word to be taken in. */
	(void)fcntl(ends[0], F_SETFL, 0);
	(void)port_flush(&port, NULL);
	(void)kill(pid, SIGKILL);
	(void)close(ends[0]);
	while (waitpid(host_pid, NULL, 0) < 0 && errno == EINTR)
		;
	(void)waitpid(pid, NULL, 0);
	(void)close(signal_fd);
	runport_outbox_free(&port.outbox);
	return result;
}

static void refuses(void (*host)(int), const char *name)
{
	struct error e = {.code = ERROR_NONE};
	int status = -1;
	ok(run(waits, host, &status, &e) == -1 && e.code == ERROR_FORMAT && status == -1, "%s",
		name);
}

int main(void)
{
	struct error e = {.code = ERROR_NONE};
	struct timespec before, after;
	sigset_t pipes;
	int status = -1;
	told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (told == MAP_FAILED)
		abort();
	supervise_prepare();
	(void)sigemptyset(&pipes);
	(void)sigaddset(&pipes, SIGPIPE);
	(void)sigprocmask(SIG_BLOCK, &pipes, NULL);

	ok(run(fills_up, host_is_late, &status, &e) == 0 && WEXITSTATUS(status) == 3,
		"a program ends with full pipes, long before the host reads");
	ok(told->written > PUMP_OUTBOX_HIGH && !told->broken, "... with more than is held back");
	is_int((long long)told->output, (long long)told->written, "every byte arrives");
	is_int(told->output_sum, (long long)told->written, "... as it was");

	ok(run(copies, host_feeds, &status, &e) == 0 && status == 0, "input, and its end");
	is_int((long long)told->output, RUNPORT_WINDOW, "a window of it comes back");
	ok(told->credit > 0 && told->credit <= RUNPORT_WINDOW && !told->broken,
		"and no more credit than that: %zu", told->credit);

	(void)clock_gettime(CLOCK_MONOTONIC, &before);
	ok(run(leaves_a_child, host_reads, &status, &e) == 0 && status == 0 && told->errors == 3,
		"a child that holds the streams open");
	(void)clock_gettime(CLOCK_MONOTONIC, &after);
	ok(after.tv_sec - before.tv_sec < 4, "... is not waited for");

	ok(run(ends_by_signal, host_reads, &status, &e) == 0 && WIFSIGNALED(status) &&
			WTERMSIG(status) == SIGKILL,
		"the end by a signal");
	ok(run(writes_on, host_closes_output, &status, &e) == 0 && WIFSIGNALED(status) &&
			WTERMSIG(status) == SIGPIPE,
		"an output that the host closes: SIGPIPE");

	e.code = ERROR_NONE;
	ok(run(waits, host_overfeeds, &status, &e) == -1 && e.code == ERROR_FORMAT,
		"input over the window is refused");
	refuses(host_sends_argument, "a frame of the job while the program runs");
	refuses(host_sends_nonsense, "a frame that is none");
	ok(run(writes_errors_late, host_closes_errors, &status, &e) == 0 && WIFSIGNALED(status) &&
			WTERMSIG(status) == SIGPIPE && told->errors == 0,
		"errors that the host does not want: SIGPIPE");
	ok(run(writes_errors_late, host_resizes, &status, &e) == 0 && status == 0 &&
			told->errors == 1 && !told->broken,
		"a size without a terminal");
	ok(run(closes_input, host_feeds_late, &status, &e) == 0 && status == 0 &&
			told->output == 1 && told->credit == 0,
		"input for a program that has closed it");
	ok(run(waits, host_is_stopped, &status, &e) == 0 && WIFSIGNALED(status) &&
			WTERMSIG(status) == SIGTERM,
		"a guest that is stopped stops its program");
	job = (struct job){.terminal = true, .rows = 3, .columns = 5};
	ok(run(tells_size, host_resizes, &status, &e) == 0 && WEXITSTATUS(status) == 4 &&
			told->output == 5,
		"a terminal, and another size of it");
	ok(run(copies, host_closes_output, &status, &e) == 0 && !told->broken,
		"a terminal that the host hangs up");
	job = (struct job){0};
	e.code = ERROR_NONE;
	ok(run(waits, host_goes, &status, &e) == -1 && e.code == ERROR_IO, "a host that goes");
	return done();
}

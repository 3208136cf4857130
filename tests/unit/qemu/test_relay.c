/* qemu/relay.c: the caller's streams, and a guest that says anything, reads late or goes. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>

#include "relay_room.h"

enum { PORT, INPUT, OUTPUT, ERRORS };

static int pipe_ends[2] = {-1, -1};

/* The end of a new pipe to read from is [0]; neither end blocks. */
static void open_pipe(void)
{
	if (pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK))
		abort();
}

static void close_end(int which)
{
	if (pipe_ends[which] >= 0)
		(void)close(pipe_ends[which]);
	pipe_ends[which] = -1;
}

static void close_pipe(void)
{
	close_end(0);
	close_end(1);
}

static void whole_run(void)
{
	char got[16] = "";

	end_room();
	open_pipe();
	command.output_fd = pipe_ends[1];
	begin_room();
	settle();
	is_str(hears(), "", "nothing is said to a guest that says nothing");
	ok(!relay_over(relay) && relay_holds(relay), "it may still say something");
	say('h', "\1", 1);
	settle();
	is_str(hears(), "AGE", "hello is answered by the job, and there is no input");
	say('s', "", 0);
	say('o', "out", 3);
	say('e', "err", 3); /* nobody reads that */
	say('o', "put", 3);
	say('x', "\0\5", 2);
	settle();
	ok(read(pipe_ends[0], got, sizeof(got)) == 6 && memcmp(got, "output", 6) == 0,
		"the output");
	ok(relay_over(relay) && !relay->failed && relay->session.status == 5, "the end");
	is_str(hears(), "B", "and bye");
	ok(!relay_holds(relay) && relay->lost_errno == 0, "nothing is left");
	close_pipe();
}

static void keep(void *context, const void *bytes, size_t length)
{
	strncat(context, bytes, length);
}

/* Both streams, as one, to a function. */
static void sink(void)
{
	static char got[16];

	end_room();
	command.output_fd = 999; /* not looked at */
	command.sink = keep;
	command.sink_context = got;
	begin_room();
	say('h', "\1", 1);
	settle();
	is_str(hears(), "A1GE", "a guest of a sink has one output");
	say('s', "", 0);
	say('o', "out", 3);
	say('e', "err", 3);
	say('o', "put", 3);
	say('x', "\0\5", 2);
	settle();
	is_str(got, "outerrput", "the sink got all of it, in order");
	ok(relay_over(relay) && !relay->failed && relay->lost_errno == 0, "and the end");
}

static void bad_guest(void)
{
	struct pollfd polled[RELAY_POLLS];

	end_room();
	begin_room();
	get_running();
	say('x', "\2\0", 2);
	settle();
	ok(relay->failed && relay_over(relay) && !relay_holds(relay) &&
			relay->error.code == ERROR_FORMAT && !session_over(&relay->session),
		"an end that is none");
	say('x', "\0\0", 2);
	settle();
	ok(!session_over(&relay->session), "an end behind it does not count");
	relay_polls(relay, polled);
	for (int i = 0; i < RELAY_POLLS; i++)
		ok(polled[i].fd == -1, "nothing is waited for any more");
	turn(PORT, POLLIN | POLLOUT);
	ok(relay->failed && strcmp(hears(), "") == 0, "nothing is said any more");
	end_room();
	begin_room();
	get_running();
	say('x', "\0\0", 2);
	say('o', "x", 1);
	settle();
	ok(relay->failed, "output behind the end");
}

static void guest_goes(void)
{
	end_room();
	begin_room();
	get_running();
	say('o', "x", 1);
	(void)close(guest_fd);
	guest_fd = -1;
	settle();
	ok(relay->port_fd == -1 && !relay->failed && !relay_over(relay) && !relay_holds(relay),
		"a guest that goes has not ended, and has nothing more to say");
	turn(PORT, POLLIN | POLLOUT);
	ok(relay->port_fd == -1, "its port is not asked again");
	end_room();
	begin_room();
	get_running();
	say('x', "\0\7", 2);
	(void)shutdown(guest_fd, SHUT_RD);
	settle();
	ok(relay_over(relay) && relay->session.status == 7 && !relay->failed,
		"who reads nothing more can still end");
	is_int((long long)runport_waiting(&relay->session.outbox), 0, "and bye is for nobody");
}

static void reader_goes(void)
{
	end_room();
	open_pipe();
	command.output_fd = pipe_ends[1];
	command.error_fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	begin_room();
	get_running();
	close_end(0);
	say('o', "x", 1);
	say('o', "y", 1);
	settle();
	ok(relay->output_fds[0] == -1 && relay->lost_errno == 0 && strcmp(hears(), "C") == 0,
		"nobody reads: the guest is told so, once");
	ok(!relay->session.output && !relay_over(relay), "and goes on");
	say('e', "x", 1);
	settle();
	ok(relay->output_fds[1] == -1 && relay->lost_errno == ENOSPC && strcmp(hears(), "C") == 0,
		"a full disk is no reader that went");
	(void)close(command.error_fd);
	close_pipe();
	end_room();
	command.output_fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	command.error_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	begin_room();
	get_running();
	say('o', "x", 1);
	say('e', "x", 1);
	settle();
	ok(relay->lost_errno == ENOSPC && relay->output_fds[1] == -1, "the first reason counts");
	(void)close(command.output_fd);
	(void)close(command.error_fd);
}

/* More than a pipe takes at once: the guest waits until somebody has read. */
static void slow_reader(void)
{
	static uint8_t bytes[RUNPORT_MAX_DATA];
	struct pollfd polled[RELAY_POLLS];
	size_t got = 0;
	ssize_t now;

	end_room();
	open_pipe();
	if (fcntl(pipe_ends[1], F_SETPIPE_SZ, 4096) < 0)
		abort();
	command.output_fd = pipe_ends[1];
	begin_room();
	get_running();
	say('o', bytes, sizeof(bytes));
	settle();
	is_int((long long)relay->written, 4096, "a pipe is filled");
	say('x', "\0\0", 2);
	relay_polls(relay, polled);
	ok(polled[PORT].fd == -1 && polled[OUTPUT].events == POLLOUT && relay_holds(relay) &&
			!relay_over(relay),
		"and nothing more is taken of the guest");
	turn(OUTPUT, POLLOUT);
	ok(relay->written == 4096 && relay->output_fds[0] >= 0, "a full pipe takes nothing");
	turn(PORT, POLLIN);
	ok(relay->session.output && !relay_over(relay), "what is held is not read over");
	while ((now = read(pipe_ends[0], bytes, sizeof(bytes))) > 0) {
		got += (size_t)now;
		settle();
	}
	is_int((long long)got, sizeof(bytes), "in the end all of it is there");
	ok(relay_over(relay), "and the end behind it");
	close_pipe();
}

static void whole_file(void)
{
	static uint8_t bytes[RUNPORT_MAX_DATA];
	char path[] = "/tmp/plyboot-relay.XXXXXX";
	struct stat st;
	int fd = mkstemp(path);

	end_room();
	command.output_fd = fd;
	command.error_fd = fd;
	begin_room();
	say('h', "\1", 1);
	settle();
	is_str(hears(), "A1GE", "two streams into one file are one");
	say('s', "", 0);
	say('o', bytes, sizeof(bytes));
	turn(PORT, POLLIN);
	ok(relay->session.output != NULL, "output for a file");
	turn(OUTPUT, POLLOUT);
	ok(!relay->session.output && fstat(fd, &st) == 0 && st.st_size == sizeof(bytes),
		"goes there at once, all of it");
	(void)close(fd);
	(void)unlink(path);
}

/* One output: the same file, whichever way it was opened. */
static void one_output(int first, int second, const char *want, const char *name)
{
	end_room();
	command.output_fd = first;
	command.error_fd = second;
	begin_room();
	say('h', "\1", 1);
	settle();
	is_str(hears(), want, "%s", name);
}

static void same_files(void)
{
	int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int again_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int zero_fd = open("/dev/zero", O_WRONLY | O_CLOEXEC);
	int root_fd = open("/", O_RDONLY | O_CLOEXEC);

	one_output(null_fd, again_fd, "A1GE", "one file, opened twice");
	one_output(null_fd, zero_fd, "AGE", "two files");
	one_output(null_fd, root_fd, "AGE", "on two file systems");
	one_output(null_fd, -1, "AGE", "one, and none");
	one_output(-1, null_fd, "AGE", "none, and one");
	one_output(999, null_fd, "AGE", "one that is not open, and one");
	one_output(null_fd, 999, "AGE", "one, and one that is not open");
	(void)close(null_fd);
	(void)close(again_fd);
	(void)close(zero_fd);
	(void)close(root_fd);
}

static void input(void)
{
	static const uint8_t bytes[RUNPORT_MAX_DATA];
	struct pollfd polled[RELAY_POLLS];

	end_room();
	open_pipe();
	command.input_fd = pipe_ends[0];
	begin_room();
	relay_polls(relay, polled);
	ok(polled[INPUT].fd == -1, "no input for a guest that has said nothing");
	get_running();
	if (write(pipe_ends[1], "abc", 3) != 3)
		abort();
	settle();
	ok(strcmp(hears(), "I") == 0 && heard_input == 3, "three bytes");
	turn(INPUT, POLLIN);
	ok(relay->input_fd >= 0 && strcmp(hears(), "") == 0, "none, and more may come");
	for (int i = 0; i < 3; i++) {
		if (write(pipe_ends[1], bytes, sizeof(bytes)) < 0)
			break;
		settle();
	}
	(void)hears();
	is_int((long long)heard_input, RUNPORT_WINDOW, "a window, and no more");
	relay_polls(relay, polled);
	ok(polled[INPUT].fd == -1, "without room nothing is read");
	say('c', "\0\0\1\0", 4);
	close_end(1);
	settle();
	(void)hears();
	ok(heard_input == 3 * sizeof(bytes) + 3 && relay->input_fd == -1,
		"with room again all the rest, and the end");
	turn(INPUT, POLLIN);
	ok(relay->lost_errno == 0 && strcmp(hears(), "") == 0, "which is told once");
	close_pipe();
}

/* What can't be read. */
static void no_input(int fd, int want, const char *name)
{
	end_room();
	command.input_fd = fd;
	begin_room();
	say('h', "\1", 1);
	settle();
	ok(relay->input_fd == -1 && relay->lost_errno == want && !relay->failed, "%s", name);
	is_str(hears(), "AGE", "... is the end of the input");
}

/* What the guest hears is held back by its port, not by us. */
static void guest_is_slow(void)
{
	static const uint8_t bytes[RUNPORT_MAX_DATA];
	struct pollfd polled[RELAY_POLLS];
	int size = 4096;

	end_room();
	open_pipe();
	command.input_fd = pipe_ends[0];
	begin_room();
	get_running();
	if (setsockopt(relay->port_fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)))
		abort();
	for (int i = 0; i < 2; i++) {
		if (write(pipe_ends[1], bytes, sizeof(bytes)) != sizeof(bytes))
			abort();
		settle();
	}
	ok(runport_waiting(&relay->session.outbox) > 0, "a guest that hears nothing");
	size_t waiting = runport_waiting(&relay->session.outbox);
	turn(PORT, POLLOUT);
	is_int((long long)runport_waiting(&relay->session.outbox), (long long)waiting,
		"loses nothing");
	say('o', "x", 1);
	turn(PORT, POLLIN);
	relay->output_fds[0] = pipe_ends[1];
	say('o', "y", 1);
	turn(PORT, POLLIN);
	relay_polls(relay, polled);
	ok(polled[PORT].fd >= 0 && polled[PORT].events == POLLOUT,
		"and while its output is held it is still told");
	relay->output_fds[0] = -1;
	for (int i = 0; i < 100 && runport_waiting(&relay->session.outbox) > 0; i++) {
		(void)hears();
		settle();
	}
	(void)hears();
	is_int((long long)heard_input, RUNPORT_WINDOW, "in the end it hears all");
	close_pipe();
}

/* A job that the guest is slow to read: input waits for it. */
static void long_job(void)
{
	static char word[100001];
	static const char *const arguments[] = {word, word, word, NULL};
	struct pollfd polled[RELAY_POLLS];
	struct error e;
	int size = 4096;

	memset(word, 'a', sizeof(word) - 1);
	end_room();
	open_pipe();
	command.input_fd = pipe_ends[0];
	command.arguments = arguments;
	if (relay_new(&command, &relay, &e))
		abort();
	connect_guest();
	if (setsockopt(relay->port_fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) ||
		write(pipe_ends[1], "abc", 3) != 3)
		abort();
	say('h', "\1", 1);
	settle();
	relay_polls(relay, polled);
	ok(session_input_room(&relay->session) > 0 && polled[INPUT].fd == -1 &&
			polled[PORT].events == (POLLIN | POLLOUT),
		"input waits behind a long job");
	for (int i = 0; i < 1000 && heard_input < 3; i++) {
		if (strcmp(hears(), "damaged") == 0)
			break;
		settle();
	}
	is_int((long long)heard_input, 3, "and comes behind it");
	close_pipe();
}

int main(void)
{
	struct relay *none = NULL;

	(void)signal(SIGPIPE, SIG_IGN);
	whole_run();
	sink();
	bad_guest();
	guest_goes();
	reader_goes();
	slow_reader();
	whole_file();
	same_files();
	input();
	int directory_fd = open("/", O_RDONLY | O_CLOEXEC);
	int output_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	no_input(directory_fd, EISDIR, "a directory");
	no_input(output_fd, 0, "what is open for writing alone");
	(void)close(directory_fd);
	(void)close(output_fd);
	guest_is_slow();
	long_job();
	end_room();
	relay_free(&none);
	ok(!none, "no relay is freed");
	return done();
}

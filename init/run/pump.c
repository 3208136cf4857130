#include "pump.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../entry/supervise.h"
#include "little_endian.h"

enum { OWED_MS = 50 }; /* what lies in a pipe comes at once */

struct pump {
	struct port *port;
	struct streams *streams;
	int signal_fd;
	pid_t program;
	struct feed feed;
	bool over;
	int status;
	size_t owed[2];        /* bytes that lay in the streams when the program ended */
	long long deadline_ms; /* for others' output, or for the program after SIGTERM */
};

static const long long never = LLONG_MAX;

static long long now_ms(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void give_up(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* --- output */

static int take_output(struct pump *pump, int which, struct error *e)
{
	static uint8_t bytes[RUNPORT_MAX_DATA];
	int *fd = &pump->streams->output_fds[which];
	size_t *owed = &pump->owed[which];
	ssize_t got = read(*fd, bytes, sizeof bytes);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got <= 0) { /* of a terminal that nobody has open: EIO */
		*owed = 0;
		give_up(fd);
		if (pump->streams->theirs.terminal)
			give_up(&pump->streams->input_fd);
		return 0;
	}
	*owed -= (size_t)got < *owed ? (size_t)got : *owed;
	return runport_put(&pump->port->outbox, which == 0 ? RUNPORT_OUTPUT : RUNPORT_ERROR, bytes,
		(size_t)got, NULL, 0, e);
}

/* --- input */

static int give_input(struct pump *pump, struct error *e)
{
	int *fd = &pump->streams->input_fd;
	uint8_t payload[4];
	if (*fd < 0)
		return 0; /* without credit the host sends no more than is on its way */
	if (!feed_give(&pump->feed, *fd, pump->streams->theirs.terminal))
		give_up(fd);
	size_t credit = *fd >= 0 ? feed_credit(&pump->feed) : 0;
	if (credit == 0)
		return 0;
	put_u32(payload, (uint32_t)credit);
	return runport_put(
		&pump->port->outbox, RUNPORT_CREDIT, payload, sizeof payload, NULL, 0, e);
}

static int take_input(struct pump *pump, const struct runport_frame *frame, struct error *e)
{
	if (pump->streams->input_fd < 0)
		return 0;
	if (frame->type == RUNPORT_INPUT_END)
		pump->feed.ended = true;
	else if (feed_add(&pump->feed, frame->payload, frame->length, e) != 0)
		return -1;
	return give_input(pump, e);
}

/* The reader of a stream is gone: whoever writes to it gets EPIPE; a terminal hangs up. */
static void close_stream(struct pump *pump, uint8_t number)
{
	give_up(&pump->streams->output_fds[number - 1]);
	pump->owed[number - 1] = 0;
	if (pump->streams->theirs.terminal)
		give_up(&pump->streams->input_fd);
}

static void set_size(struct pump *pump, const uint8_t *payload)
{
	struct winsize size = {0};
	runport_load_size(payload, &size.ws_row, &size.ws_col);
	if (pump->streams->theirs.terminal && pump->streams->output_fds[0] >= 0)
		(void)ioctl(pump->streams->output_fds[0], TIOCSWINSZ, &size);
}

static int take_frame(struct pump *pump, const struct runport_frame *frame, struct error *e)
{
	switch (frame->type) {
	case RUNPORT_INPUT:
	case RUNPORT_INPUT_END:
		return take_input(pump, frame, e);
	case RUNPORT_CLOSE:
		close_stream(pump, frame->payload[0]);
		return 0;
	case RUNPORT_WINDOW_SIZE:
		set_size(pump, frame->payload);
		return 0;
	default:
		return error_set(e, ERROR_FORMAT, 0,
			"a frame of type 0x%02x while the program runs", frame->type);
	}
}

static int take_frames(struct pump *pump, struct error *e)
{
	struct runport_frame frame;
	int result = port_fill(pump->port, e) != 0 ? -1 : 1;
	while (result > 0) {
		result = port_next(pump->port, &frame, e);
		if (result > 0 && take_frame(pump, &frame, e) != 0)
			return -1;
	}
	return result;
}

/* --- signals */

static void program_ended(struct pump *pump, int status)
{
	pump->over = true;
	pump->status = status;
	pump->deadline_ms = now_ms() + PUMP_GRACE_MS;
	for (int i = 0; i < 2; i++) {
		int count = 0;
		int fd = pump->streams->output_fds[i];
		if (fd >= 0 && ioctl(fd, FIONREAD, &count) == 0 && count > 0)
			pump->owed[i] = (size_t)count;
	}
}

static void reap(struct pump *pump)
{
	int status;
	for (pid_t ended; (ended = waitpid(-1, &status, WNOHANG)) > 0;) {
		if (ended == pump->program)
			program_ended(pump, status);
	}
}

static void take_signals(struct pump *pump)
{
	struct signalfd_siginfo info;
	while (read(pump->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
		if (info.ssi_signo == SIGCHLD) {
			reap(pump);
		} else if (!pump->over && supervise_meaning((int)info.ssi_signo) != STOP_NONE) {
			(void)kill(pump->program, SIGTERM);
			pump->deadline_ms = now_ms() + PUMP_STOP_MS;
		}
	}
}

/* --- all of it */

static bool is_done(const struct pump *pump)
{
	const int *fds = pump->streams->output_fds;
	if (!pump->over)
		return false;
	if (fds[0] < 0 && fds[1] < 0)
		return true;
	return pump->owed[0] == 0 && pump->owed[1] == 0 && now_ms() >= pump->deadline_ms;
}

static int wait_ms(const struct pump *pump, bool room)
{
	long long left_ms = pump->deadline_ms - now_ms();
	if (pump->deadline_ms == never)
		return -1;
	if (left_ms > 0)
		return (int)left_ms;
	if (!pump->over)
		return 0;
	return room ? OWED_MS : -1; /* without room the host has to read first */
}

/* Nothing has come; without room nothing could. */
static void time_is_up(struct pump *pump, bool room)
{
	if (now_ms() < pump->deadline_ms)
		return;
	if (pump->over) {
		/* Of a terminal: the count was one of before its line was edited. */
		if (room)
			pump->owed[0] = pump->owed[1] = 0;
		return;
	}
	(void)kill(pump->program, SIGKILL);
	pump->deadline_ms = never;
}

/* Wait for whatever comes next and take it in. */
static int step(struct pump *pump, struct error *e)
{
	const struct streams *streams = pump->streams;
	size_t waiting = runport_waiting(&pump->port->outbox);
	bool room = waiting < PUMP_OUTBOX_HIGH;
	bool fed = pump->feed.start < pump->feed.end;
	struct pollfd polled[] = {
		{.fd = pump->port->fd, .events = (short)(POLLIN | (waiting > 0 ? POLLOUT : 0))},
		{.fd = pump->signal_fd, .events = POLLIN},
		{.fd = room ? streams->output_fds[0] : -1, .events = POLLIN},
		{.fd = room ? streams->output_fds[1] : -1, .events = POLLIN},
		{.fd = streams->theirs.terminal && !fed ? -1 : streams->input_fd,
			.events = fed ? POLLOUT : 0},
	};
	int ready = poll(polled, sizeof polled / sizeof polled[0], wait_ms(pump, room));
	if (ready < 0 && errno != EINTR)
		return error_set(e, ERROR_KERNEL, errno, "poll");
	if (ready == 0)
		time_is_up(pump, room);
	if (ready <= 0)
		return 0;
	if (polled[2].revents && take_output(pump, 0, e) != 0)
		return -1;
	if (polled[3].revents && take_output(pump, 1, e) != 0)
		return -1;
	if ((polled[0].revents & ~POLLOUT) && take_frames(pump, e) != 0)
		return -1;
	if (polled[1].revents)
		take_signals(pump);
	/* Nothing to write, and an error: nobody will read. */
	if (polled[4].revents && !fed)
		give_up(&pump->streams->input_fd);
	else if (polled[4].revents && give_input(pump, e) != 0)
		return -1;
	return port_flush(pump->port, e);
}

int pump(struct port *port, struct streams *streams, int signal_fd, pid_t program, int *status,
	struct error *e)
{
	static struct pump pump;
	pump = (struct pump){.port = port,
		.streams = streams,
		.signal_fd = signal_fd,
		.program = program,
		.deadline_ms = never};
	/* What came together with the end of the job. */
	if (take_frames(&pump, e) != 0)
		return -1;
	reap(&pump);
	while (!is_done(&pump)) {
		if (step(&pump, e) != 0)
			return -1;
	}
	*status = pump.status;
	return 0;
}

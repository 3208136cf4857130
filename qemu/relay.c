#include "relay.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PORT, INPUT, OUTPUT };

/* --- the beginning and the end */

static bool same_file(int a, int b)
{
	struct stat first;
	struct stat second;

	return a >= 0 && b >= 0 && fstat(a, &first) == 0 && fstat(b, &second) == 0 &&
	       first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

static bool is_regular(int fd)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* A terminal that does not say its size is taken for one of the usual. */
static struct session_terminal terminal_size(int fd)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) || size.ws_row == 0 || size.ws_col == 0)
		return (struct session_terminal){24, 80};
	return (struct session_terminal){size.ws_row, size.ws_col};
}

int relay_new(const struct qemu_command *command, struct relay **out, struct error *e)
{
	struct relay *relay = calloc(1, sizeof(*relay));
	struct session_terminal size;

	if (!relay)
		return error_set(e, ERROR_NOSPACE, 0, "no memory for the guest's port");
	*out = relay;
	relay->port_fd = -1;
	relay->input_fd = command->input_fd;
	relay->output_fds[0] = command->sink ? -1 : command->output_fd;
	relay->output_fds[1] = command->sink ? -1 : command->error_fd;
	relay->sink = command->sink;
	relay->sink_context = command->sink_context;
	relay->whole[0] = is_regular(relay->output_fds[0]);
	relay->whole[1] = is_regular(relay->output_fds[1]);
	relay->terminal = command->terminal;
	if (command->terminal)
		size = terminal_size(command->input_fd);
	return session_begin(&relay->session, command,
		!command->terminal &&
			(command->sink || same_file(command->output_fd, command->error_fd)),
		command->terminal ? &size : NULL, e);
}

void relay_free(struct relay **relay)
{
	if (!*relay)
		return;
	if ((*relay)->port_fd >= 0)
		(void)close((*relay)->port_fd);
	session_free(&(*relay)->session);
	free(*relay);
	*relay = NULL;
}

bool relay_over(const struct relay *relay)
{
	return relay->failed || session_over(&relay->session);
}

bool relay_holds(const struct relay *relay)
{
	return !relay->failed &&
	       (relay->session.output || (relay->port_fd >= 0 && !relay_over(relay)));
}

/* --- from the guest */

static void take(struct relay *relay)
{
	size_t used;

	relay->written = 0;
	if (session_take(&relay->session, relay->bytes + relay->start, relay->end - relay->start,
		    &used, &relay->error))
		relay->failed = true;
	relay->start += used;
}

static void give_up_port(struct relay *relay)
{
	(void)close(relay->port_fd);
	relay->port_fd = -1;
}

static void read_port(struct relay *relay)
{
	ssize_t got = recv(relay->port_fd, relay->bytes, sizeof(relay->bytes), MSG_DONTWAIT);

	if (got > 0) {
		relay->start = 0;
		relay->end = (size_t)got;
		take(relay);
	} else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
		give_up_port(relay);
	}
}

static void write_port(struct relay *relay)
{
	struct runport_outbox *outbox = &relay->session.outbox;
	ssize_t sent = send(relay->port_fd, outbox->bytes + outbox->start, runport_waiting(outbox),
		MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent > 0)
		runport_written(outbox, (size_t)sent);
	else if (sent < 0 && errno != EAGAIN && errno != EINTR)
		runport_written(
			outbox, runport_waiting(outbox)); /* what it sent can still be read */
}

/* --- the caller's streams */

static void output_done(struct relay *relay)
{
	relay->session.output = NULL;
	take(relay);
}

/* Nobody reads any more: the command is to learn it as a program on this machine would. */
static void output_lost(struct relay *relay)
{
	int stream = relay->session.output_stream;

	relay->output_fds[stream - 1] = -1;
	if (session_close(&relay->session, stream, &relay->error))
		relay->failed = true;
	output_done(relay);
}

static void write_output(struct relay *relay)
{
	int which = relay->session.output_stream - 1;
	size_t left = relay->session.output_length - relay->written;
	ssize_t wrote;

	/* So much never blocks once poll says POLLOUT. */
	if (!relay->whole[which] && left > PIPE_BUF)
		left = PIPE_BUF;
	wrote = write(relay->output_fds[which], relay->session.output + relay->written, left);
	if (wrote < 0 && errno != EAGAIN && errno != EINTR) {
		if (errno != EPIPE && relay->lost_errno == 0)
			relay->lost_errno = errno; /* a full disk: no success */
		output_lost(relay);
	} else if (wrote > 0) {
		relay->written += (size_t)wrote;
	}
	if (relay->session.output && relay->written == relay->session.output_length)
		output_done(relay);
}

static void read_input(struct relay *relay)
{
	uint8_t in[RUNPORT_MAX_DATA];
	uint8_t out[RUNPORT_MAX_DATA];
	size_t room = session_input_room(&relay->session);
	/* Who sits at a terminal can leave while the guest takes nothing; other keys are lost. */
	ssize_t got = read(relay->input_fd, in, relay->terminal ? sizeof(in) : room);
	const uint8_t *bytes = in;
	size_t length;

	if (got <= 0) {
		if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
			if (got < 0 && errno != EBADF && relay->lost_errno == 0)
				relay->lost_errno = errno; /* what came was not all of it */
			relay->input_fd = -1;
		}
		return;
	}
	length = (size_t)got;
	if (relay->terminal) {
		length = terminal_keys_pass(
			&relay->keys, (const char *)in, (size_t)got, (char *)out);
		bytes = out;
	}
	if (length > room)
		length = room;
	if (session_input(&relay->session, bytes, length, &relay->error))
		relay->failed = true;
}

void relay_resize(struct relay *relay)
{
	const struct session_terminal size = terminal_size(relay->input_fd);

	if (relay->terminal && relay->input_fd >= 0 &&
		session_resize(&relay->session, &size, &relay->error))
		relay->failed = true;
}

/* --- turn by turn */

void relay_polls(const struct relay *relay, struct pollfd polled[RELAY_POLLS])
{
	const struct session *session = &relay->session;
	bool held = session->output;
	bool waiting = runport_waiting(&session->outbox) > 0;
	bool room = session_input_room(session) > 0 &&
		    runport_waiting(&session->outbox) < RUNPORT_WINDOW;

	for (int i = 0; i < RELAY_POLLS; i++)
		polled[i] = (struct pollfd){.fd = -1};
	if (relay->failed)
		return;
	if (!held || waiting)
		polled[PORT].fd = relay->port_fd;
	polled[PORT].events = (short)((held ? 0 : POLLIN) | (waiting ? POLLOUT : 0));
	if (room || (relay->terminal && !session_over(session)))
		polled[INPUT] = (struct pollfd){.fd = relay->input_fd, .events = POLLIN};
	if (session->output) {
		int which = session->output_stream - 1;

		polled[OUTPUT + which] =
			(struct pollfd){.fd = relay->output_fds[which], .events = POLLOUT};
	}
}

void relay_turn(struct relay *relay, const struct pollfd polled[RELAY_POLLS])
{
	struct session *session = &relay->session;

	if ((polled[PORT].revents & POLLOUT) && relay->port_fd >= 0)
		write_port(relay);
	if ((polled[PORT].revents & ~POLLOUT) && relay->port_fd >= 0 && !session->output) {
		bool booting = session->state == SESSION_BOOTING;

		read_port(relay);
		if (booting && session->state != SESSION_BOOTING)
			relay_resize(relay); /* it may have another size since the start */
	}
	if (polled[INPUT].revents && relay->input_fd >= 0)
		read_input(relay);
	if (polled[OUTPUT].revents || polled[OUTPUT + 1].revents)
		write_output(relay);
	while (!relay->failed && session->output &&
		relay->output_fds[session->output_stream - 1] < 0) {
		if (relay->sink)
			relay->sink(relay->sink_context, session->output, session->output_length);
		output_done(relay);
	}
	if (!relay->failed && relay->input_fd < 0 && session_input_end(session, &relay->error))
		relay->failed = true;
	/* Most often it goes at once. */
	if (!relay->failed && relay->port_fd >= 0 && runport_waiting(&session->outbox) > 0)
		write_port(relay);
}

/* A relay, with the test as its guest at the other end of a socket. */
#ifndef PLYBOOT_TEST_RELAY_ROOM_H
#define PLYBOOT_TEST_RELAY_ROOM_H

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../qemu/relay.h"
#include "tap.h"

static struct relay *relay;
static int guest_fd = -1;
static struct runport_reader heard;
static size_t heard_input; /* bytes of INPUT */
static struct qemu_command command = QEMU_COMMAND_INIT;

/* Away with the relay and its guest; the next command has no streams. */
static inline void end_room(void)
{
	relay_free(&relay);
	if (guest_fd >= 0)
		(void)close(guest_fd);
	guest_fd = -1;
	command = (struct qemu_command)QEMU_COMMAND_INIT;
	command.output_fd = -1;
	command.error_fd = -1;
}

static inline void connect_guest(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) ||
		fcntl(ends[1], F_SETFL, O_NONBLOCK))
		abort();
	relay->port_fd = ends[0];
	guest_fd = ends[1];
	memset(&heard, 0, sizeof(heard));
	heard.from = RUNPORT_HOST;
	heard_input = 0;
}

/* Of `command`, whose streams are set. */
static inline void begin_room(void)
{
	static const char *const arguments[] = {"cat", NULL};
	struct error e;

	command.arguments = arguments;
	if (relay_new(&command, &relay, &e))
		abort();
	connect_guest();
}

static inline void say(uint8_t type, const void *payload, size_t length)
{
	struct runport_outbox outbox = {0};

	if (runport_put(&outbox, (enum runport_type)type, payload, length, NULL, 0, NULL) ||
		write(guest_fd, outbox.bytes, outbox.end) != (ssize_t)outbox.end)
		abort();
	runport_outbox_free(&outbox);
}

/* The types of the frames that the guest got since the last time. */
static inline const char *hears(void)
{
	static uint8_t bytes[65536];
	static char types[200];
	size_t count = 0;
	ssize_t got;

	while ((got = read(guest_fd, bytes, sizeof(bytes))) > 0) {
		for (size_t at = 0, used; at < (size_t)got; at += used) {
			struct runport_frame frame;
			int result = runport_read(
				&heard, bytes + at, (size_t)got - at, &used, &frame, NULL);

			if (result < 0 || count == sizeof(types) - 1)
				return "damaged";
			if (result == 0)
				continue;
			types[count++] = (char)frame.type;
			heard_input += frame.type == RUNPORT_INPUT ? frame.length : 0;
		}
	}
	types[count] = '\0';
	return types;
}

/* Until there is nothing to do. */
static inline void settle(void)
{
	struct pollfd polled[RELAY_POLLS];

	for (int i = 0; i < 1000; i++) {
		relay_polls(relay, polled);
		if (poll(polled, RELAY_POLLS, 0) <= 0)
			return;
		relay_turn(relay, polled);
	}
	abort();
}

/* As if poll(2) had said so. */
static inline void turn(int which, short revents)
{
	struct pollfd polled[RELAY_POLLS] = {{.fd = -1}, {.fd = -1}, {.fd = -1}, {.fd = -1}};

	polled[which].revents = revents;
	relay_turn(relay, polled);
}

static inline void get_running(void)
{
	say('h', "\1", 1);
	say('s', "", 0);
	settle();
	if (relay->session.state != SESSION_RUNNING)
		abort();
	(void)hears();
}

#endif

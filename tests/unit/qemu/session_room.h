/* A session of the host, and what its guest says to it. */
#ifndef PLYBOOT_TEST_SESSION_ROOM_H
#define PLYBOOT_TEST_SESSION_ROOM_H

#include <stdlib.h>
#include <string.h>

#include "../../qemu/session.h"
#include "tap.h"

static struct session session;
static struct runport_outbox said; /* what the guest sends */

static inline void begin(void)
{
	static const char *const arguments[] = {"sh", "-c", "x", NULL};
	struct qemu_command command = QEMU_COMMAND_INIT;
	struct error e;

	command.arguments = arguments;
	session_free(&session);
	runport_outbox_free(&said);
	if (session_begin(&session, &command, false, NULL, &e))
		abort();
}

static inline void say(uint8_t type, const void *payload, size_t length)
{
	if (runport_put(&said, (enum runport_type)type, payload, length, NULL, 0, NULL))
		abort();
}

static inline int take(struct error *e)
{
	size_t used;
	int result =
		session_take(&session, said.bytes + said.start, runport_waiting(&said), &used, e);

	runport_written(&said, used);
	return result;
}

/* The types of all frames for the guest, which are taken away. */
static inline const char *told(void)
{
	static struct runport_reader reader;
	static char types[64];
	size_t count = 0;
	struct runport_frame frame;
	struct error e;
	size_t used;

	memset(&reader, 0, sizeof(reader));
	reader.from = RUNPORT_HOST;
	while (count < sizeof(types) - 2 &&
		runport_read(&reader, session.outbox.bytes + session.outbox.start,
			runport_waiting(&session.outbox), &used, &frame, &e) == 1) {
		types[count++] = (char)frame.type;
		runport_written(&session.outbox, used);
	}
	if (runport_waiting(&session.outbox) > 0)
		types[count++] = '?';
	types[count] = '\0';
	return types;
}

#endif

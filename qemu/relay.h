/* Between the caller's streams and a session: who reads and writes, and when. Inside qemu/ only. */
#ifndef PLYBOOT_QEMU_RELAY_H
#define PLYBOOT_QEMU_RELAY_H

#include <poll.h>

#include "session.h"
#include "terminal.h"

enum { RELAY_POLLS = 4, RELAY_CHUNK = 65536 };

struct relay {
	struct session session;
	int port_fd;       /* ours; -1 once it has ended */
	int input_fd;      /* the command's; -1: there is no more */
	int output_fds[2]; /* -1: nobody reads, but for the sink */
	void (*sink)(void *context, const void *bytes, size_t length); /* or NULL */
	void *sink_context;
	bool whole[2];              /* a write of any length does not block: a regular file */
	uint8_t bytes[RELAY_CHUNK]; /* of the port, taken by the session up to `start` */
	size_t start, end;
	size_t written; /* of session.output */
	bool terminal;
	struct terminal_keys keys;
	int lost_errno; /* a stream of the caller's failed, and not because nobody reads; 0: none */
	bool failed;
	struct error error; /* why */
};

/* A relay for `command` on the heap, with no port yet; the caller frees it with relay_free(). As
 * session_begin(). */
int relay_new(const struct qemu_command *command, struct relay **out, struct error *e);
void relay_free(struct relay **relay);

/* What to wait for, and what to do when poll(2) has said something about it. A failure stays. */
void relay_polls(const struct relay *relay, struct pollfd polled[RELAY_POLLS]);
void relay_turn(struct relay *relay, const struct pollfd polled[RELAY_POLLS]);

/* The caller's terminal has another size. */
void relay_resize(struct relay *relay);

/* The session is over or has failed: there is nothing to wait for. */
bool relay_over(const struct relay *relay);

/* Something of the guest has yet to be written. */
bool relay_holds(const struct relay *relay);

#endif

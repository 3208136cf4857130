/* The host's half of what layers/runport.h describes: a guest with a command, as far as it is told
 * by bytes of the port. The guest is not trusted. Pure, but for the heap. */
#ifndef PLYBOOT_QEMU_SESSION_H
#define PLYBOOT_QEMU_SESSION_H

#include "../layers/runport.h"
#include "boot.h"

enum session_state {
	SESSION_BOOTING, /* the guest has said nothing yet */
	SESSION_ASKED,   /* it has the job */
	SESSION_RUNNING,
	SESSION_EXITED, /* with `status` and `signal` */
	SESSION_REFUSED /* with `status` and `reason` */
};

struct session {
	enum session_state state;
	struct runport_reader reader;
	struct runport_outbox job;    /* until the guest asks for it */
	struct runport_outbox outbox; /* for the port */
	size_t credit;                /* so many bytes of input the guest still takes */
	bool input_ended;

	const uint8_t *output; /* not NULL: to be written by the caller before it goes on */
	size_t output_length;
	int output_stream; /* 1 or 2 */

	int status; /* as qemu_outcome has it */
	int signal;
	char reason[RUNPORT_MAX_REASON + 1]; /* the guest's words, made harmless */
};

struct session_terminal {
	uint16_t rows, columns;
};

/* A session for `command`. `terminal` NULL: none. The caller frees in each case. ERROR_LIMIT,
 * ERROR_FORMAT: the command can't be told; ERROR_NOSPACE. */
int session_begin(struct session *session, const struct qemu_command *command, bool one_output,
	const struct session_terminal *terminal, struct error *e);
void session_free(struct session *session);

/* Take bytes of the port, until there is output for the caller (`output` is not NULL) or all of
 * them are taken; *used says how many. What was the output before is gone. ERROR_FORMAT: the guest
 * broke the protocol, and this is the end of the session; ERROR_NOSPACE. */
int session_take(struct session *session, const uint8_t *bytes, size_t length, size_t *used,
	struct error *e);

bool session_over(const struct session *session);

/* How many bytes of input may be given now; 0 also when there is no use in any. */
size_t session_input_room(const struct session *session);

/* Frames for the guest, while it listens to any; otherwise nothing. ERROR_NOSPACE. Input: at most
 * as many bytes as there is room for. */
int session_input(struct session *session, const uint8_t *bytes, size_t length, struct error *e);
int session_input_end(struct session *session, struct error *e);
int session_close(struct session *session, int stream, struct error *e);
int session_resize(
	struct session *session, const struct session_terminal *terminal, struct error *e);

#endif

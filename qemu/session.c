#include "session.h"

#include <string.h>

#include "../layers/little_endian.h"

/* --- the job */

static int put(struct session *session, enum runport_type type, const void *bytes, size_t length,
	struct error *e)
{
	return runport_put(&session->job, type, bytes, length, NULL, 0, e);
}

static int put_strings(struct session *session, enum runport_type type, const char *const *list,
	size_t *total, struct error *e)
{
	for (size_t count = 0; list && list[count]; count++) {
		size_t length = strlen(list[count]);

		if (count == RUNPORT_MAX_STRINGS || length >= RUNPORT_MAX_PAYLOAD)
			return error_set(e, ERROR_LIMIT, 0,
				"a command has at most %d arguments and as many variables, each of "
				"at most %d bytes",
				(int)RUNPORT_MAX_STRINGS, RUNPORT_MAX_PAYLOAD - 1);
		*total += length + 1;
		if (put(session, type, list[count], length, e))
			return -1;
	}
	return 0;
}

static int check_variables(const char *const *list, struct error *e)
{
	for (; list && *list; list++) {
		if ((*list)[0] == '=' || !strchr(*list, '='))
			return error_set(e, ERROR_FORMAT, 0,
				"the variable `%s` of the command must be NAME=VALUE", *list);
	}
	return 0;
}

static int check_path(const char *path, const char *what, size_t *total, struct error *e)
{
	if (path[0] != '/')
		return error_set(e, ERROR_FORMAT, 0, "%s `%s` must begin with a slash", what, path);
	if (strlen(path) > RUNPORT_MAX_PATH)
		return error_set(
			e, ERROR_LIMIT, 0, "%s has over %d bytes", what, (int)RUNPORT_MAX_PATH);
	*total += strlen(path) + 1;
	return 0;
}

static int put_shares(
	struct session *session, const struct qemu_command *command, size_t *total, struct error *e)
{
	if (command->share_count > RUNPORT_MAX_SHARES)
		return error_set(e, ERROR_LIMIT, 0,
			"a guest has at most %d directories of the host", (int)RUNPORT_MAX_SHARES);
	for (size_t i = 0; i < command->share_count; i++) {
		const struct qemu_share *share = &command->shares[i];
		const uint8_t writable = share->writable;

		if (check_path(
			    share->target, "the guest's directory for one of the host", total, e) ||
			runport_put(&session->job, RUNPORT_SHARE, &writable, 1, share->target,
				strlen(share->target), e))
			return -1;
	}
	return 0;
}

static int put_where(
	struct session *session, const struct qemu_command *command, size_t *total, struct error *e)
{
	if (command->directory &&
		(check_path(command->directory, "the working directory", total, e) ||
			put(session, RUNPORT_DIRECTORY, command->directory,
				strlen(command->directory), e)))
		return -1;
	if (!command->user)
		return 0;
	if (command->user[0] == '\0')
		return error_set(e, ERROR_FORMAT, 0, "the command's user is empty");
	if (strlen(command->user) > RUNPORT_MAX_USER)
		return error_set(e, ERROR_LIMIT, 0, "the command's user has over %d bytes",
			(int)RUNPORT_MAX_USER);
	*total += strlen(command->user) + 1;
	return put(session, RUNPORT_USER, command->user, strlen(command->user), e);
}

static int put_streams(struct session *session, bool one_output,
	const struct session_terminal *terminal, struct error *e)
{
	uint8_t size[4];

	if (one_output && put(session, RUNPORT_ONE_OUTPUT, NULL, 0, e))
		return -1;
	if (!terminal)
		return 0;
	runport_store_size(size, terminal->rows, terminal->columns);
	return put(session, RUNPORT_TERMINAL, size, sizeof(size), e);
}

int session_begin(struct session *session, const struct qemu_command *command, bool one_output,
	const struct session_terminal *terminal, struct error *e)
{
	/* What the guest adds where nothing is said. */
	size_t total = sizeof("/") + sizeof("0:0");

	memset(session, 0, sizeof(*session));
	session->reader.from = RUNPORT_GUEST;
	if (!command->arguments || !command->arguments[0])
		return error_set(e, ERROR_FORMAT, 0, "there is no command");
	if (put_strings(session, RUNPORT_ARGUMENT, command->arguments, &total, e) ||
		check_variables(command->environment, e) ||
		put_strings(session, RUNPORT_VARIABLE, command->environment, &total, e) ||
		put_where(session, command, &total, e) || put_shares(session, command, &total, e) ||
		put_strings(session, RUNPORT_THEN, command->then, &total, e) ||
		put_streams(session, one_output, terminal, e) ||
		put(session, RUNPORT_START, NULL, 0, e))
		return -1;
	if (total > RUNPORT_MAX_JOB)
		return error_set(e, ERROR_LIMIT, 0,
			"the command, its arguments and variables have over %d bytes",
			(int)RUNPORT_MAX_JOB);
	return 0;
}

void session_free(struct session *session)
{
	runport_outbox_free(&session->job);
	runport_outbox_free(&session->outbox);
}

/* --- what the guest says */

static int out_of_order(const struct runport_frame *frame, struct error *e)
{
	return error_set(e, ERROR_FORMAT, 0,
		"the guest sent a frame of type 0x%02x where it has no place", frame->type);
}

static int take_hello(struct session *session, const struct runport_frame *frame, struct error *e)
{
	if (frame->payload[0] != RUNPORT_VERSION)
		return error_set(e, ERROR_FORMAT, 0,
			"the guest speaks version %d of the protocol, this is %d",
			frame->payload[0], (int)RUNPORT_VERSION);
	session->outbox = session->job;
	session->job = (struct runport_outbox){0};
	session->state = SESSION_ASKED;
	session->credit = RUNPORT_WINDOW;
	return 0;
}

static int take_credit(struct session *session, const struct runport_frame *frame, struct error *e)
{
	size_t more = get_u32(frame->payload);

	if (more > RUNPORT_WINDOW - session->credit)
		return error_set(e, ERROR_FORMAT, 0,
			"the guest gave credit for more input than it was sent");
	session->credit += more;
	return 0;
}

static int take_end(struct session *session, const struct runport_frame *frame, struct error *e)
{
	if (runport_put(&session->outbox, RUNPORT_BYE, NULL, 0, NULL, 0, e))
		return -1;
	if (frame->type == RUNPORT_EXITED) {
		session->state = SESSION_EXITED;
		session->signal = frame->payload[0] == 1 ? frame->payload[1] : 0;
		session->status =
			session->signal ? QEMU_STATUS_SIGNAL + session->signal : frame->payload[1];
	} else {
		session->state = SESSION_REFUSED;
		session->status = frame->payload[0];
		console_harmless(
			(const char *)frame->payload + 1, session->reason, sizeof(session->reason));
	}
	return 0;
}

static int take_running(struct session *session, const struct runport_frame *frame, struct error *e)
{
	switch (frame->type) {
	case RUNPORT_OUTPUT:
	case RUNPORT_ERROR:
		session->output = frame->payload;
		session->output_length = frame->length;
		session->output_stream = frame->type == RUNPORT_OUTPUT ? 1 : 2;
		return 0;
	case RUNPORT_CREDIT:
		return take_credit(session, frame, e);
	case RUNPORT_EXITED:
	case RUNPORT_REFUSED:
		return take_end(session, frame, e);
	default:
		return out_of_order(frame, e);
	}
}

static int take_frame(struct session *session, const struct runport_frame *frame, struct error *e)
{
	switch (session->state) {
	case SESSION_BOOTING:
		return frame->type == RUNPORT_HELLO ? take_hello(session, frame, e)
						    : out_of_order(frame, e);
	case SESSION_ASKED:
		if (frame->type == RUNPORT_REFUSED)
			return take_end(session, frame, e);
		if (frame->type != RUNPORT_STARTED)
			return out_of_order(frame, e);
		session->state = SESSION_RUNNING;
		return 0;
	case SESSION_RUNNING:
		return take_running(session, frame, e);
	default:
		return out_of_order(frame, e);
	}
}

int session_take(
	struct session *session, const uint8_t *bytes, size_t length, size_t *used, struct error *e)
{
	struct runport_frame frame;

	*used = 0;
	session->output = NULL;
	while (!session->output) {
		size_t taken;
		int got = runport_read(
			&session->reader, bytes + *used, length - *used, &taken, &frame, e);

		*used += taken;
		if (got == 0)
			return 0;
		if (got < 0 || take_frame(session, &frame, e)) {
			session->reader.broken = true;
			session->output = NULL;
			return -1;
		}
	}
	return 0;
}

bool session_over(const struct session *session)
{
	return session->state == SESSION_EXITED || session->state == SESSION_REFUSED;
}

/* --- what it is told */

static bool listens(const struct session *session)
{
	return session->state == SESSION_ASKED || session->state == SESSION_RUNNING;
}

size_t session_input_room(const struct session *session)
{
	if (!listens(session) || session->input_ended)
		return 0;
	return session->credit < RUNPORT_MAX_DATA ? session->credit : RUNPORT_MAX_DATA;
}

int session_input(struct session *session, const uint8_t *bytes, size_t length, struct error *e)
{
	if (length == 0 || length > session_input_room(session))
		return 0;
	if (runport_put(&session->outbox, RUNPORT_INPUT, bytes, length, NULL, 0, e))
		return -1;
	session->credit -= length;
	return 0;
}

int session_input_end(struct session *session, struct error *e)
{
	if (!listens(session) || session->input_ended)
		return 0;
	session->input_ended = true;
	return runport_put(&session->outbox, RUNPORT_INPUT_END, NULL, 0, NULL, 0, e);
}

int session_close(struct session *session, int stream, struct error *e)
{
	const uint8_t number = (uint8_t)stream;

	return listens(session)
		       ? runport_put(&session->outbox, RUNPORT_CLOSE, &number, 1, NULL, 0, e)
		       : 0;
}

int session_resize(
	struct session *session, const struct session_terminal *terminal, struct error *e)
{
	uint8_t size[4];

	runport_store_size(size, terminal->rows, terminal->columns);
	return listens(session) ? runport_put(&session->outbox, RUNPORT_WINDOW_SIZE, size,
					  sizeof(size), NULL, 0, e)
				: 0;
}

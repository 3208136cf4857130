/*
 * Bytes of a guest that is not trusted, as the host takes them, with input, closed streams and new
 * sizes in between: nothing but ERROR_FORMAT comes of it, output is within its bounds, credit never
 * above the window, an end is one of those that there are, and after a failure nothing counts. The
 * first byte says how the rest is cut.
 */
#include <string.h>

#include "must.h"
#include "qemu/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct session *session)
{
	must(session->credit <= RUNPORT_WINDOW);
	must(session_input_room(session) <= RUNPORT_MAX_DATA);
	must(!session->output ||
		(session->state == SESSION_RUNNING && session->output_length >= 1 &&
			session->output_length <= RUNPORT_MAX_DATA &&
			(session->output_stream == 1 || session->output_stream == 2)));
	if (session->state == SESSION_EXITED)
		must(session->status >= 0 && session->status <= 255 &&
			(session->signal == 0 || session->status == 128 + session->signal));
	if (session->state == SESSION_REFUSED)
		must(session->status >= 125 && session->status <= 127 &&
			strpbrk(session->reason, "\033\r\n\a") == NULL);
}

/* All frames for the guest are whole ones that it would take. */
static void check_told(struct session *session)
{
	static struct runport_reader reader;
	struct runport_outbox *outbox = &session->outbox;
	memset(&reader, 0, sizeof reader);
	reader.from = RUNPORT_HOST;
	while (runport_waiting(outbox) > 0) {
		struct runport_frame frame;
		size_t used;
		must(runport_read(&reader, outbox->bytes + outbox->start, runport_waiting(outbox),
			     &used, &frame, NULL) == 1);
		runport_written(outbox, used);
	}
}

static void act(struct session *session, uint8_t what)
{
	static const uint8_t bytes[RUNPORT_MAX_DATA];
	const struct session_terminal size = {what, what};
	size_t room = session_input_room(session);
	switch (what % 5) {
	case 0:
		must(session_input(session, bytes, room, NULL) == 0);
		break;
	case 1:
		must(session_input_end(session, NULL) == 0);
		break;
	case 2:
		must(session_close(session, 1, NULL) == 0);
		break;
	case 3:
		must(session_resize(session, &size, NULL) == 0);
		break;
	default:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const arguments[] = {"true", NULL};
	static struct session session;
	struct qemu_command command = QEMU_COMMAND_INIT;
	struct error e = {0};
	size_t chunk = size > 0 ? (size_t)data[0] * 8 + 1 : 1;
	bool failed = false;
	command.arguments = arguments;
	must(session_begin(&session, &command, false, NULL, &e) == 0);
	for (size_t at = 1; at < size;) {
		size_t used;
		size_t length = chunk < size - at ? chunk : size - at;
		enum session_state before = session.state;
		int result = session_take(&session, data + at, length, &used, &e);
		must(used <= length && (result == -1 || used == length || session.output));
		must(result == 0 || e.code == ERROR_FORMAT);
		must(!failed || (result == -1 && session.state == before));
		failed = failed || result != 0;
		check(&session);
		act(&session, data[at]);
		check_told(&session);
		at += used > 0 ? used : 1;
	}
	session_free(&session);
	return 0;
}

/* qemu/session.c: no memory for any one frame, whichever it is. */
#include "faults.h"

#include "../../qemu/session.h"

static struct session session;
static char first[256];
static size_t first_length;

static int begin(bool all, struct error *e)
{
	static const char *const list[] = {"A=b", NULL};
	static const struct qemu_share share = {.path = "/h", .target = "/g"};
	static const struct session_terminal size = {24, 80};
	const char *arguments[] = {first + sizeof(first) - 1 - first_length, NULL};
	struct qemu_command command = QEMU_COMMAND_INIT;

	command.arguments = arguments;
	if (all) {
		command.environment = list;
		command.directory = "/d";
		command.user = "u";
		command.shares = &share;
		command.share_count = 1;
		command.then = list;
	}
	return session_begin(&session, &command, all, all ? &size : NULL, e);
}

static int job(struct error *e)
{
	int result;

	faults_begin();
	result = begin(true, e);
	faults_end();
	session_free(&session);
	return result;
}

static int take(const char *bytes, size_t length, struct error *e)
{
	size_t used;

	return session_take(&session, (const uint8_t *)bytes, length, &used, e);
}

/* What the guest says, and what it is told meanwhile. */
static int run(struct error *e)
{
	static const struct session_terminal size = {24, 80};
	static const uint8_t input[RUNPORT_MAX_DATA];
	int result = -1;

	if (begin(false, e))
		abort();
	if (take("h\1\0\0\0\1s\0\0\0\0", 11, e))
		abort();
	faults_begin();
	/* So that the next frame finds no room: as when all has been sent. */
	runport_outbox_free(&session.outbox);
	if (session_input(&session, input, sizeof(input), e) == 0) {
		runport_outbox_free(&session.outbox);
		if (session_close(&session, 1, e) == 0 && session_resize(&session, &size, e) == 0) {
			runport_outbox_free(&session.outbox);
			result = session_input_end(&session, e);
		}
	}
	faults_end();
	if (result == -1 && session.credit < RUNPORT_WINDOW - sizeof(input))
		result = FAULTS_WRONG;
	session_free(&session);
	return result;
}

/* Bye can't be said: the end does not count. */
static int end_of(const char *frame, size_t length, struct error *e)
{
	int result;

	if (begin(false, e) || take("h\1\0\0\0\1s\0\0\0\0", 11, e))
		abort();
	runport_outbox_free(&session.outbox);
	faults_begin();
	result = take(frame, length, e);
	faults_end();
	if (session_over(&session) != (result == 0))
		result = FAULTS_WRONG;
	if (result == -1 && take(frame, length, NULL) != -1)
		result = FAULTS_WRONG;
	session_free(&session);
	return result;
}

static int exits(struct error *e)
{
	return end_of("x\2\0\0\0\0\7", 7, e);
}

static int refuses(struct error *e)
{
	return end_of("r\2\0\0\0\175x", 7, e);
}

int main(void)
{
	static const struct faults_case cases[] = {
		{"input, a closed stream, a size, the end", run, 0},
		{"an exit", exits, 0},
		{"a refusal", refuses, 0},
	};

	memset(first, 'a', sizeof(first) - 1);
	/* The outbox grows at another frame each time. */
	for (first_length = 0; first_length < 130; first_length += 3) {
		struct faults_case one = {.run = job};
		char name[64];

		(void)snprintf(name, sizeof(name), "a job, of %zu bytes in front", first_length);
		one.name = name;
		faults_try(&one, FAULTS_MEMORY, ENOMEM, "no memory");
	}
	first_length = 1;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		faults_try(&cases[i], FAULTS_MEMORY, ENOMEM, "no memory");
	return done();
}

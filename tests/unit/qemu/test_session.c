/* qemu/session.c: the host's side of a guest with a command, against a guest that says anything. */
#include <stdlib.h>
#include <string.h>

#include "../../qemu/session.h"
#include "tap.h"

static struct session session;
static struct runport_outbox said; /* what the guest sends */

static void begin(void)
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

static void say(uint8_t type, const void *payload, size_t length)
{
	if (runport_put(&said, (enum runport_type)type, payload, length, NULL, 0, NULL))
		abort();
}

static int take(struct error *e)
{
	size_t used;
	int result =
		session_take(&session, said.bytes + said.start, runport_waiting(&said), &used, e);

	runport_written(&said, used);
	return result;
}

/* The types of all frames for the guest, which are taken away. */
static const char *told(void)
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

static void get_running(void)
{
	struct error e;

	begin();
	say('h', "\1", 1);
	say('s', "", 0);
	if (take(&e) || session.state != SESSION_RUNNING)
		abort();
	(void)told();
}

static void good_run(void)
{
	struct error e;

	begin();
	is_str(told(), "", "nothing is told to a guest that has said nothing");
	is_int((long long)session_input_room(&session), 0, "nor given to it");
	ok(session_input_end(&session, &e) == 0 && !session.input_ended, "not even the end");
	say('h', "\1", 1);
	ok(take(&e) == 0 && session.state == SESSION_ASKED, "hello");
	is_str(told(), "AAAG", "is answered by the job");
	is_int((long long)session_input_room(&session), RUNPORT_MAX_DATA, "input may go");
	say('s', "", 0);
	say('o', "out", 3);
	say('e', "err", 3);
	ok(take(&e) == 0 && session.output_stream == 1 && session.output_length == 3 &&
			memcmp(session.output, "out", 3) == 0,
		"output stops it until it is written");
	ok(take(&e) == 0 && session.output_stream == 2 && memcmp(session.output, "err", 3) == 0,
		"the other output");
	ok(take(&e) == 0 && !session.output && !session_over(&session), "then it goes on");
	say('x', "\0\7", 2);
	ok(take(&e) == 0 && session.state == SESSION_EXITED && session.status == 7 &&
			session.signal == 0,
		"exit with 7");
	is_str(told(), "B", "is answered by bye");
	ok(session_close(&session, 1, &e) == 0 && session_input_end(&session, &e) == 0 &&
			runport_waiting(&session.outbox) == 0,
		"nothing more is told to it");
	say('o', "x", 1);
	ok(take(&e) == -1 && e.code == ERROR_FORMAT && !session.output,
		"output behind the end is refused");
}

static void other_ends(void)
{
	struct error e;

	get_running();
	say('x', "\1\11", 2);
	ok(take(&e) == 0 && session.status == 137 && session.signal == 9, "killed by signal 9");
	begin();
	say('h', "\1", 1);
	say('r', "\177no \033[31msuch\7 thing", 20);
	ok(take(&e) == 0 && session.state == SESSION_REFUSED && session.status == 127,
		"refused with 127");
	is_str(session.reason, "no such? thing", "the reason is made harmless");
}

static void refuse(bool running, uint8_t type, const char *payload, size_t length, const char *name)
{
	struct error e = {.code = ERROR_NONE};

	if (running)
		get_running();
	else
		begin();
	say(type, payload, length);
	ok(take(&e) == -1 && e.code == ERROR_FORMAT && !session.output && !session_over(&session),
		"%s", name);
	say('x', "\0\0", 2);
	ok(take(&e) == -1 && !session_over(&session), "%s: nothing counts after it", name);
}

static void bad_guests(void)
{
	refuse(false, 's', "", 0, "started before hello");
	refuse(false, 'x', "\0\0", 2, "an end before hello");
	refuse(false, 'r', "\175x", 2, "a refusal before hello");
	refuse(false, 'h', "\2", 1, "another version");
	refuse(true, 'h', "\1", 1, "hello again");
	refuse(true, 's', "", 0, "started again");
	refuse(true, 'c', "\1\0\0\0", 4, "credit for what was not sent");
	refuse(true, 'A', "x", 1, "a frame of the host");
	refuse(true, 'Q', "x", 1, "a frame of nobody");
}

static void input(void)
{
	static uint8_t bytes[RUNPORT_MAX_DATA];
	struct error e;

	get_running();
	ok(session_input(&session, bytes, RUNPORT_MAX_DATA, &e) == 0 &&
			session_input(&session, bytes, RUNPORT_MAX_DATA, &e) == 0,
		"a window of input");
	is_int((long long)session_input_room(&session), 0, "then there is no room");
	ok(session_input(&session, bytes, 1, &e) == 0, "one byte more");
	is_str(told(), "II", "is not sent");
	say('c', "\5\0\0\0", 4);
	ok(take(&e) == 0 && session_input_room(&session) == 5, "credit for five bytes");
	ok(session_input(&session, bytes, 5, &e) == 0 && session_input_end(&session, &e) == 0 &&
			session_input_end(&session, &e) == 0 && session_close(&session, 2, &e) == 0,
		"five bytes, and their end twice");
	is_str(told(), "IEC", "which is told once");
	is_int((long long)session_input_room(&session), 0, "no room behind the end");
}

static void bad_command(const char *const *arguments, const char *const *environment,
	const char *directory, const char *user, enum error_code code, const char *name)
{
	struct qemu_command command = QEMU_COMMAND_INIT;
	struct error e = {.code = ERROR_NONE};

	command.arguments = arguments;
	command.environment = environment;
	command.directory = directory;
	command.user = user;
	session_free(&session);
	ok(session_begin(&session, &command, false, NULL, &e) == (code == ERROR_NONE ? 0 : -1) &&
			e.code == code,
		"%s", name);
}

/* What follows is part of the job, in front of its end, and counts. */
static void followed(void)
{
	static char long_text[RUNPORT_MAX_PAYLOAD + 1];
	static const char *const good[] = {"true", NULL};
	static const char *const then[] = {"next", "", NULL};
	struct qemu_command command = QEMU_COMMAND_INIT;
	struct error e = {.code = ERROR_NONE};

	memset(long_text, 'a', sizeof(long_text) - 1);
	command.arguments = good;
	command.then = then;
	session_free(&session);
	ok(session_begin(&session, &command, false, NULL, &e) == 0, "a command and what follows");
	say('h', "\1", 1);
	ok(take(&e) == 0, "the guest is there");
	is_str(told(), "ANNG", "it is told both");
	command.then = (const char *const[]){long_text, NULL};
	session_free(&session);
	ok(session_begin(&session, &command, false, NULL, &e) == -1 && e.code == ERROR_LIMIT,
		"an argument of it that is too long");
}

static void bad_commands(void)
{
	static char long_text[RUNPORT_MAX_PAYLOAD + 1];
	static const char *many[RUNPORT_MAX_STRINGS + 2];
	static const char *big[] = {long_text + 1, long_text + 1, long_text + 1, long_text + 1,
		long_text + 1, long_text + 1, long_text + 1, long_text + 1, long_text + 1,
		long_text + 1, long_text + 1, long_text + 1, long_text + 1, long_text + 1,
		long_text + 1, long_text + 1, NULL};
	static const char *const good[] = {"true", NULL};

	memset(long_text, 'a', sizeof(long_text) - 1);
	for (size_t i = 0; i <= RUNPORT_MAX_STRINGS; i++)
		many[i] = "a";
	bad_command(good, NULL, NULL, NULL, ERROR_NONE, "a good command");
	bad_command(good, good + 1, "/", "0", ERROR_NONE, "another");
	bad_command(good + 1, NULL, NULL, NULL, ERROR_FORMAT, "no argument");
	bad_command(good, good, NULL, NULL, ERROR_FORMAT, "a variable without =");
	bad_command(good, NULL, "x", NULL, ERROR_FORMAT, "a relative directory");
	bad_command(good, NULL, NULL, "", ERROR_FORMAT, "an empty user");
	bad_command((const char *const[]){long_text, NULL}, NULL, NULL, NULL, ERROR_LIMIT,
		"an argument that is too long");
	bad_command((const char *const[]){long_text + 1, NULL}, NULL, NULL, NULL, ERROR_NONE,
		"the longest");
	bad_command(many, NULL, NULL, NULL, ERROR_LIMIT, "too many arguments");
	many[RUNPORT_MAX_STRINGS] = NULL;
	bad_command(many, NULL, NULL, NULL, ERROR_NONE, "as many as there may be");
	bad_command(big, NULL, NULL, NULL, ERROR_LIMIT, "too many bytes together");
}

int main(void)
{
	good_run();
	other_ends();
	bad_guests();
	input();
	bad_commands();
	followed();
	session_free(&session);
	runport_outbox_free(&said);
	return done();
}

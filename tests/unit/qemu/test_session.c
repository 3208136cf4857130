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

/* A frame of this type that is good in itself, with so high a number as its status. */
static void say_some(char type, uint8_t number)
{
	const uint8_t end[] = {0, number};
	const uint8_t refusal[] = {(uint8_t)(125 + number % 3), 'x'};

	if (type == 'x')
		say('x', end, sizeof(end));
	else if (type == 'r')
		say('r', refusal, sizeof(refusal));
	else if (type == 'c')
		say('c', "\1\0\0\0", 4);
	else
		say((uint8_t)type, "\1", type == 's' ? 0 : 1);
}

/* What say_some() made with 3. */
static int status_of(enum session_state state)
{
	return state == SESSION_EXITED ? 3 : state == SESSION_REFUSED ? 125 : 0;
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

/* A frame that is good in itself, in each state in which it has no place; nothing of it counts. */
static void out_of_place(void)
{
	static const struct {
		const char *frames; /* types, of which the last is refused */
		const char *name;
	} cases[] = {
		{"o", "output before hello"},
		{"e", "an error before hello"},
		{"c", "credit before hello"},
		{"hh", "hello twice"},
		{"ho", "output before the start"},
		{"he", "an error before the start"},
		{"hc", "credit before the start"},
		{"hx", "an end before the start"},
		{"hsxx", "a second end"},
		{"hsxr", "a refusal behind the end"},
		{"hsxc", "credit behind the end"},
		{"hsxh", "hello behind the end"},
		{"hrr", "a second refusal"},
		{"hrs", "started behind a refusal"},
		{"hrx", "an end behind a refusal"},
		{"hsrx", "an end behind a refusal of what ran"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error e = {.code = ERROR_NONE};
		size_t length = strlen(cases[i].frames);
		enum session_state before;
		bool good;

		begin();
		for (size_t at = 0; at + 1 < length; at++)
			say_some(cases[i].frames[at], 3);
		good = take(&e) == 0;
		before = session.state;
		say_some(cases[i].frames[length - 1], 5);
		ok(good && take(&e) == -1 && e.code == ERROR_FORMAT && session.state == before &&
				!session.output && session.status == status_of(before),
			"%s", cases[i].name);
	}
}

static void credit(void)
{
	static uint8_t bytes[RUNPORT_MAX_DATA];
	struct error e = {.code = ERROR_NONE};

	get_running();
	ok(session_input(&session, bytes, 10, &e) == 0, "ten bytes of input");
	say('c', "\4\0\0\0", 4);
	say('c', "\6\0\0\0", 4);
	ok(take(&e) == 0 && session.credit == RUNPORT_WINDOW, "credit for them in two parts");
	say('c', "\1\0\0\0", 4);
	ok(take(&e) == -1 && e.code == ERROR_FORMAT && session.credit == RUNPORT_WINDOW,
		"and for one more");
	get_running();
	ok(session_input(&session, bytes, 10, &e) == 0, "ten bytes again");
	say('c', "\13\0\0\0", 4);
	ok(take(&e) == -1 && e.code == ERROR_FORMAT && session.credit == RUNPORT_WINDOW - 10,
		"credit for eleven at once");
	get_running();
	ok(session_input(&session, bytes, RUNPORT_MAX_DATA, &e) == 0 &&
			session_input(&session, bytes, RUNPORT_MAX_DATA, &e) == 0,
		"a window of input");
	say('c', "\0\0\1\0", 4);
	ok(take(&e) == 0 && session.credit == RUNPORT_WINDOW, "credit for a window at once");
}

/* All but output is taken at once, and the output before is gone. */
static void cut_in_two(void)
{
	struct error e = {.code = ERROR_NONE};
	size_t used;

	get_running();
	say('o', "abc", 3);
	say('x', "\0\0", 2);
	ok(session_take(&session, said.bytes + said.start, 7, &used, &e) == 0 && used == 7 &&
			!session.output,
		"output that is cut is none yet");
	runport_written(&said, used);
	ok(session_take(&session, said.bytes + said.start, 8, &used, &e) == 0 && used == 1 &&
			session.output_length == 3 && memcmp(session.output, "abc", 3) == 0,
		"its last byte makes it one");
	runport_written(&said, used);
	ok(take(&e) == 0 && !session.output && session.state == SESSION_EXITED, "then the end");
	ok(session_take(&session, NULL, 0, &used, &e) == 0 && used == 0, "no bytes change nothing");
	is_str(told(), "B", "and bye is said once");
}

/* To a guest that doesn't listen nothing is said. */
static void told_to_nobody(void)
{
	const struct session_terminal size = {24, 80};
	struct error e;

	begin();
	ok(session_resize(&session, &size, &e) == 0 && session_close(&session, 1, &e) == 0 &&
			session_input(&session, (const uint8_t *)"x", 1, &e) == 0,
		"a size, a closed stream and input for a guest that has said nothing");
	is_str(told(), "", "are not sent");
	say('h', "\1", 1);
	ok(take(&e) == 0 && strcmp(told(), "AAAG") == 0, "nor are they behind the job");
	ok(session_resize(&session, &size, &e) == 0 && session_close(&session, 2, &e) == 0,
		"once it has the job");
	is_str(told(), "WC", "they are");
	ok(session_input(&session, (const uint8_t *)"x", 0, &e) == 0, "no input");
	is_str(told(), "", "is no frame");
	say('r', "\176x", 2);
	ok(take(&e) == 0 && session.status == 126 && session_over(&session), "a refusal");
	ok(session_resize(&session, &size, &e) == 0 && session_input_room(&session) == 0 &&
			strcmp(told(), "B") == 0,
		"after which nothing but bye is said");
}

/* As long as it may be, with what a terminal would take for its own. */
static void long_reason(void)
{
	char payload[1 + RUNPORT_MAX_REASON];
	struct error e;

	memset(payload, '\r', sizeof(payload));
	payload[0] = 125;
	begin();
	say('h', "\1", 1);
	say('r', payload, sizeof(payload));
	ok(take(&e) == 0 && session.status == 125 && strlen(session.reason) == RUNPORT_MAX_REASON &&
			strspn(session.reason, "?") == RUNPORT_MAX_REASON,
		"the longest reason, of line ends alone");
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

/* Strings are of one length: total bytes of a job that has but one argument. */
static bool fits(size_t total, const char *directory, const char *user)
{
	static char text[RUNPORT_MAX_PAYLOAD];
	static const char *list[RUNPORT_MAX_JOB / RUNPORT_MAX_PAYLOAD + 2];
	struct qemu_command command = QEMU_COMMAND_INIT;
	struct error e = {.code = ERROR_NONE};
	size_t count = 0;
	bool good;

	memset(text, 'a', sizeof(text) - 1);
	for (; total >= sizeof(text); total -= sizeof(text))
		list[count++] = text;
	if (total > 0)
		list[count++] = text + sizeof(text) - total;
	list[count] = NULL;
	command.arguments = list;
	command.directory = directory;
	command.user = user;
	session_free(&session);
	good = session_begin(&session, &command, false, NULL, &e) == 0;
	if (!good && e.code != ERROR_LIMIT)
		abort();
	return good;
}

static void whole_size(void)
{
	ok(fits(RUNPORT_MAX_JOB - 6, NULL, NULL), "a job with room for / and 0:0 alone");
	ok(!fits(RUNPORT_MAX_JOB - 5, NULL, NULL), "and one byte more");
	ok(!fits(RUNPORT_MAX_JOB - 6, "/", NULL), "the directory counts");
	ok(!fits(RUNPORT_MAX_JOB - 6, NULL, "a"), "the user counts");
}

static void shares(size_t count, const char *target, enum error_code code, const char *name)
{
	static struct qemu_share list[RUNPORT_MAX_SHARES + 1];
	static const char *const good[] = {"true", NULL};
	struct qemu_command command = QEMU_COMMAND_INIT;
	struct error e = {.code = ERROR_NONE};

	for (size_t i = 0; i < count; i++)
		list[i] = (struct qemu_share){.path = "/", .target = target, .writable = i == 1};
	command.arguments = good;
	command.shares = list;
	command.share_count = count;
	session_free(&session);
	ok(session_begin(&session, &command, false, NULL, &e) == (code == ERROR_NONE ? 0 : -1) &&
			e.code == code,
		"%s", name);
}

static void all_of_a_job(void)
{
	static char path[RUNPORT_MAX_PATH + 2];
	static const char *const words[] = {"sh", NULL};
	static const char *const environment[] = {"A=b", "C=", NULL};
	static const struct qemu_share share = {.path = "/h", .target = "/g", .writable = true};
	const struct session_terminal size = {0x1234, 0xfedc};
	struct qemu_command command = QEMU_COMMAND_INIT;
	struct error e;

	memset(path, '/', sizeof(path) - 1);
	shares(RUNPORT_MAX_SHARES, "/a", ERROR_NONE, "as many shares as there may be");
	shares(RUNPORT_MAX_SHARES + 1, "/a", ERROR_LIMIT, "one more");
	shares(1, "a", ERROR_FORMAT, "a share at a relative place");
	shares(1, path, ERROR_LIMIT, "a share at a place that is too long");
	shares(1, path + 1, ERROR_NONE, "and at the longest");
	command.arguments = words;
	command.environment = environment;
	command.directory = "/d";
	command.user = "u";
	command.shares = &share;
	command.share_count = 1;
	command.then = words;
	session_free(&session);
	ok(session_begin(&session, &command, true, &size, &e) == 0, "a job with everything");
	runport_outbox_free(&said);
	say('h', "\1", 1);
	ok(take(&e) == 0, "the guest takes it");
	ok(memcmp(session.outbox.bytes + runport_waiting(&session.outbox) - 14,
		   "T\4\0\0\0\x34\x12\xdc\xfeG\0\0\0", 13) == 0,
		"with its terminal's size");
	is_str(told(), "AVVDUMN1TG", "in its order");
}

static void more_bad_commands(void)
{
	static char path[RUNPORT_MAX_PATH + 2];
	static char user[RUNPORT_MAX_USER + 2];
	static const char *const good[] = {"true", NULL};
	static const char *const unnamed[] = {"A=", "=b", NULL};

	memset(path, '/', sizeof(path) - 1);
	memset(user, 'u', sizeof(user) - 1);
	bad_command(NULL, NULL, NULL, NULL, ERROR_FORMAT, "no arguments");
	bad_command(good, unnamed, NULL, NULL, ERROR_FORMAT, "a variable without a name");
	bad_command(good, NULL, path, NULL, ERROR_LIMIT, "a directory that is too long");
	bad_command(good, NULL, path + 1, NULL, ERROR_NONE, "the longest");
	bad_command(good, NULL, NULL, user, ERROR_LIMIT, "a user that is too long");
	bad_command(good, NULL, NULL, user + 1, ERROR_NONE, "the longest");
}

int main(void)
{
	good_run();
	other_ends();
	bad_guests();
	out_of_place();
	credit();
	cut_in_two();
	told_to_nobody();
	long_reason();
	input();
	bad_commands();
	more_bad_commands();
	whole_size();
	all_of_a_job();
	followed();
	session_free(&session);
	runport_outbox_free(&said);
	return done();
}

/* qemu/session.c: the host's side of a guest with a command, against a guest that says anything. */
#include "session_room.h"

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
	session_free(&session);
	runport_outbox_free(&said);
	return done();
}

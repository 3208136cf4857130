/* qemu/session.c: a command as the guest is told it, and those that it can't be told. */
#include "session_room.h"

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
	bad_commands();
	more_bad_commands();
	whole_size();
	all_of_a_job();
	followed();
	session_free(&session);
	runport_outbox_free(&said);
	return done();
}

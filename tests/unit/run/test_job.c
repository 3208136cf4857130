/* init/run/job.c and feed.c: what the host wants, and how much of its input is held. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "init/run/job.h"
#include "init/run/pump.h"
#include "tap.h"

static struct job job;

static int take(uint8_t type, const char *payload, size_t length, enum error_code *code)
{
	struct error e = {.code = ERROR_NONE};
	char *copy = malloc(length + 1);
	if (copy == NULL)
		abort();
	if (length > 0)
		memcpy(copy, payload, length);
	copy[length] = '\0';
	const struct runport_frame frame = {type, length, (const uint8_t *)copy};
	int result = job_take(&job, &frame, &e);
	free(copy);
	*code = e.code;
	return result;
}

static void says(
	uint8_t type, const char *payload, int want, enum error_code code, const char *name)
{
	enum error_code got;
	int result = take(type, payload, strlen(payload), &got);
	ok(result == want && got == code, "%s", name);
}

static void whole_job(void)
{
	enum error_code code;
	says(RUNPORT_ARGUMENT, "sh", 0, ERROR_NONE, "an argument");
	says(RUNPORT_ARGUMENT, "", 0, ERROR_NONE, "an empty one");
	says(RUNPORT_VARIABLE, "A=b", 0, ERROR_NONE, "a variable");
	says(RUNPORT_DIRECTORY, "/d", 0, ERROR_NONE, "a directory");
	says(RUNPORT_DIRECTORY, "/d", -1, ERROR_FORMAT, "a second directory is refused");
	says(RUNPORT_USER, "u", 0, ERROR_NONE, "a user");
	says(RUNPORT_USER, "u", -1, ERROR_FORMAT, "a second user is refused");
	says(RUNPORT_ONE_OUTPUT, "", 0, ERROR_NONE, "one output");
	says(RUNPORT_ONE_OUTPUT, "", -1, ERROR_FORMAT, "but once");
	ok(take(RUNPORT_TERMINAL, "\x18\0\x50\0", 4, &code) == 0, "a terminal");
	ok(take(RUNPORT_TERMINAL, "\x18\0\x50\0", 4, &code) == -1 && code == ERROR_FORMAT,
		"but once");
	says(RUNPORT_SHARE, "\1/w", 0, ERROR_NONE, "a writable share");
	ok(take(RUNPORT_SHARE, "\0/r", 3, &code) == 0, "a read-only one");
	says(RUNPORT_THEN, "next", 0, ERROR_NONE, "what follows");
	says(RUNPORT_THEN, "", 0, ERROR_NONE, "and its argument");
	says(RUNPORT_INPUT, "x", -1, ERROR_FORMAT, "input before the start is refused");
	says(RUNPORT_START, "", 1, ERROR_NONE, "the start");
	says(RUNPORT_ARGUMENT, "x", -1, ERROR_FORMAT, "nothing more behind it");
	ok(job.conf.argument_count == 2 && strcmp(job.conf.arguments[0], "sh") == 0 &&
			job.conf.arguments[1][0] == '\0' && job.conf.arguments[2] == NULL,
		"the arguments, with their end");
	ok(job.conf.variable_count == 1 && strcmp(job.conf.variables[0], "A=b") == 0 &&
			job.conf.variables[1] == NULL,
		"the variables, with theirs");
	ok(strcmp(job.conf.directory, "/d") == 0 && strcmp(job.conf.user, "u") == 0,
		"directory and user");
	ok(job.one_output && job.terminal && job.rows == 24 && job.columns == 80,
		"streams and size");
	ok(job.share_count == 2 && job.shares[0].writable && !job.shares[1].writable &&
			strcmp(job.shares[1].target, "/r") == 0,
		"the shares in their order");
	ok(job.then.argument_count == 2 && strcmp(job.then.arguments[0], "next") == 0 &&
			job.then.arguments[1][0] == '\0' && job.then.arguments[2] == NULL,
		"what follows, with its end");
	job_free(&job);
}

static void defaults(void)
{
	says(RUNPORT_START, "", -1, ERROR_FORMAT, "a job without an argument is refused");
	says(RUNPORT_ARGUMENT, "true", 0, ERROR_NONE, "with one");
	says(RUNPORT_START, "", 1, ERROR_NONE, "it starts");
	ok(strcmp(job.conf.directory, "/") == 0 && strcmp(job.conf.user, "0:0") == 0 &&
			job.conf.variables[0] == NULL && job.then.argument_count == 0,
		"in /, as root, with no variables, and nothing follows");
	job_free(&job);
}

static void limits(void)
{
	static char text[100001];
	enum error_code code = ERROR_NONE;
	int taken = 0, result = 0;
	for (; result == 0; taken++)
		result = take(RUNPORT_ARGUMENT, "a", 1, &code);
	ok(taken == RUNPORT_MAX_STRINGS + 1 && code == ERROR_LIMIT, "too many arguments");
	job_free(&job);
	memset(text, 'a', sizeof text - 1);
	for (taken = 0, result = 0; result == 0; taken++)
		result = take(RUNPORT_VARIABLE, text, 100000, &code);
	ok(taken == RUNPORT_MAX_JOB / 100001 + 1 && code == ERROR_LIMIT, "too many bytes");
	job_free(&job);
	for (taken = 0, result = 0; result == 0; taken++)
		result = take(RUNPORT_SHARE, "\0/a", 3, &code);
	ok(taken == RUNPORT_MAX_SHARES + 1 && code == ERROR_LIMIT, "too many shares");
	job_free(&job);
}

/* Behind so many bytes of arguments, what comes of a frame; `code` is ERROR_NONE when it is taken.
 */
static void at_the_limit(size_t left, uint8_t type, const char *payload, size_t length,
	enum error_code code, const char *name)
{
	static char text[RUNPORT_MAX_PAYLOAD];
	enum error_code got = ERROR_NONE;
	size_t full = RUNPORT_MAX_JOB - left;
	memset(text, 'a', sizeof text);
	while (full > 0) {
		size_t now = full < sizeof text ? full : sizeof text;
		if (take(RUNPORT_ARGUMENT, text, now - 1, &got) != 0)
			abort();
		full -= now;
	}
	int result = take(type, payload, length, &got);
	ok(got == code && result == (code == ERROR_NONE ? type == RUNPORT_START : -1) &&
			job.size_bytes <= RUNPORT_MAX_JOB && job.started == (result == 1),
		"%s", name);
	job_free(&job);
}

static void last_bytes(void)
{
	at_the_limit(3, RUNPORT_ARGUMENT, "ab", 2, ERROR_NONE, "the last bytes of a job");
	at_the_limit(3, RUNPORT_ARGUMENT, "abc", 3, ERROR_LIMIT, "one more than that");
	at_the_limit(0, RUNPORT_ARGUMENT, "", 0, ERROR_LIMIT, "not even the end of a string");
	at_the_limit(2, RUNPORT_DIRECTORY, "/a", 2, ERROR_LIMIT, "a directory counts");
	at_the_limit(2, RUNPORT_USER, "ab", 2, ERROR_LIMIT, "a user counts");
	at_the_limit(2, RUNPORT_SHARE, "\0/a", 3, ERROR_LIMIT, "the target of a share counts");
	at_the_limit(3, RUNPORT_SHARE, "\0/a", 3, ERROR_NONE, "but for its first byte");
	at_the_limit(2, RUNPORT_VARIABLE, "A=", 2, ERROR_LIMIT, "a variable counts");
	at_the_limit(2, RUNPORT_THEN, "ab", 2, ERROR_LIMIT, "what follows counts");
	at_the_limit(6, RUNPORT_START, "", 0, ERROR_NONE, "with room for what was not said");
	at_the_limit(5, RUNPORT_START, "", 0, ERROR_LIMIT, "with none for a user");
	at_the_limit(1, RUNPORT_START, "", 0, ERROR_LIMIT, "with none for a directory");
}

/* Each list has its own end. */
static void lists(void)
{
	enum error_code code = ERROR_NONE;
	int taken, result;
	for (taken = 0, result = 0; result == 0; taken++)
		result = take(RUNPORT_VARIABLE, "A=", 2, &code);
	ok(taken == RUNPORT_MAX_STRINGS + 1 && code == ERROR_LIMIT, "too many variables");
	says(RUNPORT_ARGUMENT, "a", 0, ERROR_NONE, "an argument still has its place");
	for (taken = 0, result = 0; result == 0; taken++)
		result = take(RUNPORT_THEN, "", 0, &code);
	ok(taken == RUNPORT_MAX_STRINGS + 1 && code == ERROR_LIMIT, "too much that follows");
	says(RUNPORT_START, "", 1, ERROR_NONE, "so many of each can be run");
	ok(job.conf.variables[RUNPORT_MAX_STRINGS] == NULL &&
			job.then.arguments[RUNPORT_MAX_STRINGS] == NULL,
		"and have their ends");
	job_free(&job);
}

static void no_part(void)
{
	static const char types[] = "hsoecxrIECWBzG";
	enum error_code code = ERROR_NONE;
	for (size_t i = 0; types[i] != '\0'; i++)
		ok(take((uint8_t)types[i], "\0\0\0\0", 4, &code) == -1 && code == ERROR_FORMAT &&
				!job.started,
			"a frame of type %c is no part of a job, or comes too early", types[i]);
	job_free(&job);
}

/* A program that takes 16 KiB at a time out of a pipe of 64 KiB. */
static void feeding(void)
{
	static struct feed feed;
	static uint8_t bytes[RUNPORT_WINDOW];
	struct error e = {.code = ERROR_NONE};
	int ends[2];
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0 || fcntl(ends[1], F_SETPIPE_SZ, 4096) < 0)
		abort();
	ok(feed_add(&feed, bytes, RUNPORT_WINDOW, &e) == 0, "a whole window is held");
	ok(feed_add(&feed, bytes, 1, &e) == -1 && e.code == ERROR_FORMAT,
		"a byte without credit is refused");
	ok(feed_give(&feed, ends[1], false), "the pipe takes what it can");
	is_int((long long)feed_credit(&feed), 0, "for which there is no credit yet");
	ok(feed_add(&feed, bytes, 4096, &e) == -1, "nor room for more");
	size_t taken = 0, credit = 0;
	while (taken < RUNPORT_WINDOW) {
		ssize_t got = read(ends[0], bytes, sizeof bytes);
		taken += got > 0 ? (size_t)got : 0;
		if (!feed_give(&feed, ends[1], false))
			break;
		credit += feed_credit(&feed);
	}
	ok(taken == RUNPORT_WINDOW && credit == RUNPORT_WINDOW, "in the end it has all, and the "
								"host all credit");
	ok(feed_add(&feed, bytes, 10, &e) == 0 && feed_give(&feed, ends[1], false), "ten bytes");
	is_int((long long)feed_credit(&feed), 10, "when nothing is held, credit is given at once");
	feed.ended = true;
	ok(!feed_give(&feed, ends[1], false), "the end closes the stream");
	e.code = ERROR_NONE;
	ok(feed_add(&feed, bytes, 1, &e) == -1 && e.code == ERROR_FORMAT,
		"input behind the end is refused");
	(void)close(ends[0]);
	(void)close(ends[1]);
}

/* Who reads is gone, or sits at a terminal. */
static void ends_of_feeds(void)
{
	static struct feed feed;
	struct error e = {.code = ERROR_NONE};
	char got[8] = "";
	int ends[2];
	(void)signal(SIGPIPE, SIG_IGN);
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		abort();
	feed = (struct feed){.ended = false};
	ok(feed_add(&feed, (const uint8_t *)"abc", 3, &e) == 0, "three bytes for a terminal");
	feed.ended = true;
	ok(!feed_give(&feed, ends[1], true), "and their end");
	ok(read(ends[0], got, sizeof got) == 4 && memcmp(got, "abc\4", 4) == 0,
		"which is a Ctrl-D behind them");
	(void)close(ends[0]);
	feed = (struct feed){.ended = false};
	ok(feed_add(&feed, (const uint8_t *)"abc", 3, &e) == 0 && !feed_give(&feed, ends[1], false),
		"a reader that is gone takes nothing");
	is_int((long long)feed_credit(&feed), 0, "and there is no credit for that");
	(void)close(ends[1]);
}

/* Credit in parts: what is credited may come again, and not a byte more. */
static void parts_of_credit(void)
{
	static struct feed feed;
	static uint8_t bytes[RUNPORT_WINDOW];
	struct error e = {.code = ERROR_NONE};
	feed = (struct feed){.start = 0, .end = RUNPORT_WINDOW - 100, .uncredited = 90};
	ok(feed_add(&feed, bytes, 11, &e) == -1 && e.code == ERROR_FORMAT,
		"what was taken and is not credited counts as held");
	ok(feed_add(&feed, bytes, 10, &e) == 0 && feed.end == RUNPORT_WINDOW - 90,
		"what was credited may come");
	memset(bytes, 7, sizeof bytes);
	feed = (struct feed){.start = 10, .end = 20};
	memset(feed.bytes + 10, 3, 10);
	ok(feed_add(&feed, bytes, RUNPORT_WINDOW - 10, &e) == 0 && feed.start == 0 &&
			feed.end == RUNPORT_WINDOW && feed.bytes[0] == 3 && feed.bytes[9] == 3 &&
			feed.bytes[10] == 7 && feed.bytes[RUNPORT_WINDOW - 1] == 7,
		"what is held moves to the front, and the window is full");
	feed = (struct feed){.start = 0, .end = 1, .uncredited = RUNPORT_WINDOW / 4 - 1};
	is_int((long long)feed_credit(&feed), 0, "a little of credit waits");
	feed.uncredited++;
	is_int((long long)feed_credit(&feed), RUNPORT_WINDOW / 4, "a quarter of a window goes");
	is_int((long long)feed_credit(&feed), 0, "once");
}

int main(void)
{
	whole_job();
	defaults();
	limits();
	last_bytes();
	lists();
	no_part();
	feeding();
	ends_of_feeds();
	parts_of_credit();
	return done();
}

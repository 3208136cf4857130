/* layers/runport.c: frames are written and read back, however they are cut; others are refused. */
#include "runport.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

static struct runport_reader reader;
static struct runport_outbox outbox;

static void fresh(enum runport_side from)
{
	memset(&reader, 0, sizeof reader);
	reader.from = from;
	runport_outbox_free(&outbox);
}

static void put(uint8_t type, const void *payload, size_t length)
{
	struct error e;
	if (runport_put(&outbox, (enum runport_type)type, payload, length, NULL, 0, &e) != 0)
		abort();
}

/* What comes of one frame: its length, or -1 with ERROR_FORMAT, or -2 for anything else. */
static long long one(enum runport_side from, uint8_t type, const void *payload, size_t length)
{
	struct error e = {.code = ERROR_NONE};
	struct runport_frame frame;
	size_t used;
	fresh(from);
	put(type, payload, length);
	int result =
		runport_read(&reader, outbox.bytes, runport_waiting(&outbox), &used, &frame, &e);
	if (result == 1 && frame.type == type && used == runport_waiting(&outbox) &&
		frame.payload[frame.length] == '\0')
		return (long long)frame.length;
	return result == -1 && e.code == ERROR_FORMAT ? -1 : -2;
}

static void good_and_bad(void)
{
	static const struct {
		const char *name;
		enum runport_side from;
		char type;
		const char *payload;
		size_t length;
		bool good;
	} cases[] = {
		{"hello", RUNPORT_GUEST, 'h', "\1", 1, true},
		{"hello without a version", RUNPORT_GUEST, 'h', "", 0, false},
		{"hello from the host", RUNPORT_HOST, 'h', "\1", 1, false},
		{"started", RUNPORT_GUEST, 's', "", 0, true},
		{"started with something", RUNPORT_GUEST, 's', "x", 1, false},
		{"output", RUNPORT_GUEST, 'o', "a\0b", 3, true},
		{"no output", RUNPORT_GUEST, 'o', "", 0, false},
		{"credit of 1", RUNPORT_GUEST, 'c', "\1\0\0\0", 4, true},
		{"credit of all", RUNPORT_GUEST, 'c', "\0\0\1\0", 4, true},
		{"credit of 0", RUNPORT_GUEST, 'c', "\0\0\0\0", 4, false},
		{"credit of more", RUNPORT_GUEST, 'c', "\1\0\1\0", 4, false},
		{"exit with 255", RUNPORT_GUEST, 'x', "\0\377", 2, true},
		{"killed by 127", RUNPORT_GUEST, 'x', "\1\177", 2, true},
		{"killed by 0", RUNPORT_GUEST, 'x', "\1\0", 2, false},
		{"killed by 128", RUNPORT_GUEST, 'x', "\1\200", 2, false},
		{"ended otherwise", RUNPORT_GUEST, 'x', "\2\1", 2, false},
		{"refused", RUNPORT_GUEST, 'r', "\175why", 4, true},
		{"refused with 124", RUNPORT_GUEST, 'r', "\174why", 4, false},
		{"refused with 128", RUNPORT_GUEST, 'r', "\200why", 4, false},
		{"refused without a reason", RUNPORT_GUEST, 'r', "\175", 1, false},
		{"refused with a NUL", RUNPORT_GUEST, 'r', "\175w\0y", 4, false},
		{"argument", RUNPORT_HOST, 'A', "ls", 2, true},
		{"empty argument", RUNPORT_HOST, 'A', "", 0, true},
		{"argument with a NUL", RUNPORT_HOST, 'A', "l\0s", 3, false},
		{"argument of the guest", RUNPORT_GUEST, 'A', "ls", 2, false},
		{"variable", RUNPORT_HOST, 'V', "A=", 2, true},
		{"variable without =", RUNPORT_HOST, 'V', "AB", 2, false},
		{"variable without a name", RUNPORT_HOST, 'V', "=B", 2, false},
		{"directory", RUNPORT_HOST, 'D', "/", 1, true},
		{"relative directory", RUNPORT_HOST, 'D', "a/", 2, false},
		{"user", RUNPORT_HOST, 'U', "0", 1, true},
		{"no user", RUNPORT_HOST, 'U', "", 0, false},
		{"share", RUNPORT_HOST, 'M', "\1/a", 3, true},
		{"what follows", RUNPORT_HOST, 'N', "", 0, true},
		{"what follows with a NUL", RUNPORT_HOST, 'N', "a\0b", 3, false},
		{"what follows of the guest", RUNPORT_GUEST, 'N', "a", 1, false},
		{"share of a third kind", RUNPORT_HOST, 'M', "\2/a", 3, false},
		{"share at a relative place", RUNPORT_HOST, 'M', "\1a/", 3, false},
		{"size", RUNPORT_HOST, 'W', "\1\2\3\4", 4, true},
		{"short size", RUNPORT_HOST, 'W', "\1\2\3", 3, false},
		{"close 2", RUNPORT_HOST, 'C', "\2", 1, true},
		{"close 3", RUNPORT_HOST, 'C', "\3", 1, false},
		{"close 0", RUNPORT_HOST, 'C', "\0", 1, false},
		{"bye", RUNPORT_HOST, 'B', "", 0, true},
		{"hello of two bytes", RUNPORT_GUEST, 'h', "\1\1", 2, false},
		{"an error's bytes", RUNPORT_GUEST, 'e', "\0", 1, true},
		{"an error of none", RUNPORT_GUEST, 'e', "", 0, false},
		{"credit in three bytes", RUNPORT_GUEST, 'c', "\1\0\0", 3, false},
		{"credit of 16 MiB and 1", RUNPORT_GUEST, 'c', "\1\0\0\1", 4, false},
		{"exit without a status", RUNPORT_GUEST, 'x', "\0", 1, false},
		{"exit with two statuses", RUNPORT_GUEST, 'x', "\0\0\0", 3, false},
		{"exit with 0", RUNPORT_GUEST, 'x', "\0\0", 2, true},
		{"refused with 127", RUNPORT_GUEST, 'r', "\177y", 2, true},
		{"refused with 0", RUNPORT_GUEST, 'r', "\0y", 2, false},
		{"refused with nothing", RUNPORT_GUEST, 'r', "", 0, false},
		{"refused by the host", RUNPORT_HOST, 'r', "\175why", 4, false},
		{"output of the host", RUNPORT_HOST, 'o', "x", 1, false},
		{"argument with a NUL at its end", RUNPORT_HOST, 'A', "ls\0", 3, false},
		{"variable with a NUL in its name", RUNPORT_HOST, 'V', "A\0=b", 4, false},
		{"variable with a NUL in its value", RUNPORT_HOST, 'V', "A=\0", 3, false},
		{"variable with = at its end", RUNPORT_HOST, 'V', "AB=", 3, true},
		{"variable with two =", RUNPORT_HOST, 'V', "A==", 3, true},
		{"variable of one byte", RUNPORT_HOST, 'V', "=", 1, false},
		{"no directory", RUNPORT_HOST, 'D', "", 0, false},
		{"directory with a NUL", RUNPORT_HOST, 'D', "/a\0", 3, false},
		{"user with a NUL", RUNPORT_HOST, 'U', "a\0b", 3, false},
		{"one output", RUNPORT_HOST, '1', "", 0, true},
		{"one output with something", RUNPORT_HOST, '1', "1", 1, false},
		{"terminal", RUNPORT_HOST, 'T', "\1\2\3\4", 4, true},
		{"terminal without a size", RUNPORT_HOST, 'T', "", 0, false},
		{"share, read-only, of one byte", RUNPORT_HOST, 'M', "\0/", 2, true},
		{"share without a target", RUNPORT_HOST, 'M', "\1", 1, false},
		{"share with a NUL", RUNPORT_HOST, 'M', "\1/a\0b", 5, false},
		{"start with something", RUNPORT_HOST, 'G', "x", 1, false},
		{"input", RUNPORT_HOST, 'I', "\0", 1, true},
		{"no input", RUNPORT_HOST, 'I', "", 0, false},
		{"end of input", RUNPORT_HOST, 'E', "", 0, true},
		{"end of input with input", RUNPORT_HOST, 'E', "x", 1, false},
		{"close 1", RUNPORT_HOST, 'C', "\1", 1, true},
		{"close of nothing", RUNPORT_HOST, 'C', "", 0, false},
		{"long size", RUNPORT_HOST, 'W', "\1\2\3\4\5", 5, false},
		{"bye with something", RUNPORT_HOST, 'B', "x", 1, false},
		{"type 0", RUNPORT_GUEST, 0, "", 0, false},
		{"unknown", RUNPORT_HOST, 'z', "", 0, false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		is_int(one(cases[i].from, (uint8_t)cases[i].type, cases[i].payload,
			       cases[i].length),
			cases[i].good ? (long long)cases[i].length : -1, "%s", cases[i].name);
}

static void lengths(void)
{
	static char text[RUNPORT_MAX_PAYLOAD + 1];
	memset(text, 'a', sizeof text);
	is_int(one(RUNPORT_HOST, RUNPORT_ARGUMENT, text, RUNPORT_MAX_PAYLOAD - 1),
		RUNPORT_MAX_PAYLOAD - 1, "the longest argument");
	is_int(one(RUNPORT_HOST, RUNPORT_ARGUMENT, text, RUNPORT_MAX_PAYLOAD), -1,
		"one byte more is refused");
	is_int(one(RUNPORT_GUEST, RUNPORT_OUTPUT, text, RUNPORT_MAX_DATA), RUNPORT_MAX_DATA,
		"the longest output");
	is_int(one(RUNPORT_GUEST, RUNPORT_OUTPUT, text, RUNPORT_MAX_DATA + 1), -1,
		"one byte more is refused");
	text[0] = '/';
	is_int(one(RUNPORT_HOST, RUNPORT_DIRECTORY, text, RUNPORT_MAX_PATH + 1), -1,
		"a path that is too long is refused");
	is_int(one(RUNPORT_HOST, RUNPORT_DIRECTORY, text, RUNPORT_MAX_PATH), RUNPORT_MAX_PATH,
		"the longest path");
	is_int(one(RUNPORT_HOST, RUNPORT_INPUT, text, RUNPORT_MAX_DATA), RUNPORT_MAX_DATA,
		"the longest input");
	is_int(one(RUNPORT_HOST, RUNPORT_INPUT, text, RUNPORT_MAX_DATA + 1), -1,
		"one byte more is refused");
	is_int(one(RUNPORT_HOST, RUNPORT_USER, text, RUNPORT_MAX_USER), RUNPORT_MAX_USER,
		"the longest user");
	is_int(one(RUNPORT_HOST, RUNPORT_USER, text, RUNPORT_MAX_USER + 1), -1,
		"one byte more is refused");
	is_int(one(RUNPORT_HOST, RUNPORT_THEN, text, RUNPORT_MAX_PAYLOAD - 1),
		RUNPORT_MAX_PAYLOAD - 1, "the longest argument of what follows");
	is_int(one(RUNPORT_HOST, RUNPORT_VARIABLE, text, RUNPORT_MAX_PAYLOAD), -1,
		"a variable that is too long is refused");
	memcpy(text, "\1/", 2);
	is_int(one(RUNPORT_HOST, RUNPORT_SHARE, text, 1 + RUNPORT_MAX_PATH), 1 + RUNPORT_MAX_PATH,
		"the longest target of a share");
	is_int(one(RUNPORT_HOST, RUNPORT_SHARE, text, 2 + RUNPORT_MAX_PATH), -1,
		"one byte more is refused");
	text[0] = 126;
	is_int(one(RUNPORT_GUEST, RUNPORT_REFUSED, text, RUNPORT_MAX_REASON + 1),
		RUNPORT_MAX_REASON + 1, "the longest reason");
	is_int(one(RUNPORT_GUEST, RUNPORT_REFUSED, text, RUNPORT_MAX_REASON + 2), -1,
		"a reason that is too long is refused");

	/* Not a byte behind the header is needed to know. */
	static const uint8_t huge[] = {'o', 0xff, 0xff, 0xff, 0xff};
	struct runport_frame frame;
	struct error e = {.code = ERROR_NONE};
	size_t used;
	fresh(RUNPORT_GUEST);
	ok(runport_read(&reader, huge, sizeof huge, &used, &frame, &e) == -1 &&
			e.code == ERROR_FORMAT,
		"a length of 4 GiB is refused at once");
	e.code = ERROR_NONE;
	ok(runport_read(&reader, (const uint8_t *)"s\0\0\0\0", 5, &used, &frame, &e) == -1 &&
			e.code == ERROR_FORMAT && used == 0,
		"and nothing behind it is read");
	ok(reader.broken, "which is no good end");
}

/* A job byte by byte: the same frames in the same order. */
static void cut(void)
{
	static const struct {
		uint8_t type;
		const char *text;
	} frames[] = {
		{'A', "echo"}, {'A', ""}, {'V', "A=b"}, {'D', "/x"}, {'U', "me:us"}, {'G', ""}};
	enum { COUNT = sizeof frames / sizeof frames[0] };
	size_t found = 0;
	bool same = true;
	fresh(RUNPORT_HOST);
	for (size_t i = 0; i < COUNT; i++)
		put(frames[i].type, frames[i].text, strlen(frames[i].text));
	for (size_t at = 0; at < runport_waiting(&outbox); at++) {
		struct runport_frame frame;
		struct error e;
		size_t used;
		if (runport_read(&reader, outbox.bytes + at, 1, &used, &frame, &e) == 1) {
			same = same && found < COUNT && frame.type == frames[found].type &&
			       strcmp((const char *)frame.payload, frames[found].text) == 0;
			found++;
		}
		same = same && used == 1;
	}
	ok(same && found == COUNT, "frames that come byte by byte");
	ok(reader.filled == 0 && !reader.broken, "and nothing is left over");
}

static void outbox_moves(void)
{
	uint8_t payload[1000];
	bool whole = true;
	uint8_t next_in = 0, next_out = 0;
	fresh(RUNPORT_HOST);
	/* 3 frames in, 2,500 bytes out: it fills, moves and grows, and the stream stays whole. */
	for (int round = 0; round < 200; round++) {
		for (int i = 0; i < 3; i++) {
			memset(payload, next_in++, sizeof payload);
			put(RUNPORT_INPUT, payload, sizeof payload);
		}
		for (size_t left = round == 199 ? runport_waiting(&outbox) : 2500; left > 0;) {
			struct runport_frame frame;
			struct error e;
			size_t used;
			int result = runport_read(
				&reader, outbox.bytes + outbox.start, left, &used, &frame, &e);
			whole = whole && result >= 0;
			if (result == 1) {
				whole = whole && frame.payload[0] == next_out &&
					frame.payload[999] == next_out;
				next_out++;
			}
			runport_written(&outbox, used);
			left -= used;
		}
	}
	ok(whole && next_out == next_in && runport_waiting(&outbox) == 0,
		"600 frames through an outbox that is emptied in parts");
}

static void numbers(void)
{
	uint8_t bytes[4];
	uint16_t rows, columns;
	runport_store_size(bytes, 0x1234, 0xfedc);
	runport_load_size(bytes, &rows, &columns);
	ok(memcmp(bytes, "\x34\x12\xdc\xfe", 4) == 0 && rows == 0x1234 && columns == 0xfedc,
		"rows, then columns");
}

int main(void)
{
	good_and_bad();
	lengths();
	cut();
	outbox_moves();
	numbers();
	runport_outbox_free(&outbox);
	return done();
}

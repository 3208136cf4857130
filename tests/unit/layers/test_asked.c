/* layers/asked.c: what is asked for of the next boot, in its one form. */
#include "asked.h"

#include <stdio.h>
#include <string.h>

#include "errors.h"

static struct asked asked;
static char text[ASKED_TEXT_SIZE];

/* For the name of a test. */
static const char *shown(const char *from)
{
	static char out[48];
	(void)snprintf(out, sizeof out, "%.40s", from);
	for (char *at = out; *at != '\0'; at++) {
		if (*at < ' ' || *at > '~')
			*at = '?';
	}
	return out;
}

static int decode(const char *from, struct error *e)
{
	return asked_decode(from, strlen(from), &asked, e);
}

static void add(const char *path, enum error_code code)
{
	struct error e = {.code = ERROR_NONE};
	int result = asked_add(&asked, path, &e);
	ok(result == (code == ERROR_NONE ? 0 : -1) && e.code == code, "%s: %s", shown(path),
		error_code_name(code));
}

static void again(const char *wanted, const char *name)
{
	struct error e;
	size_t size = asked_encode(&asked, text);
	is_str(text, wanted, "%s", name);
	is_int((long long)size, (long long)strlen(wanted), "... of that size");
	is_int(asked_decode(wanted, size, &asked, &e), 0, "... is read");
	(void)asked_encode(&asked, text);
	is_str(text, wanted, "... and written again");
}

static void good_ones(void)
{
	asked = (struct asked){.reset = true};
	again("reset\n", "a reset");
	ok(asked.reset && asked.count == 0, "... that keeps nothing");
	add("/etc/b", ERROR_NONE);
	add("/etc/a", ERROR_NONE);
	add("/srv/with blank%\n\xff", ERROR_NONE);
	again("reset\nkeep /etc/a\nkeep /etc/b\nkeep /srv/with%20blank%25%0a%ff\n", "what is kept");
	is_str(asked.paths[2], "/srv/with blank%\n\xff", "any byte");
	add("/etc", ERROR_NONE);
	is_int((long long)asked.count, 2, "what is within another goes");
	add("/etc/c/d", ERROR_NONE);
	add("/etc", ERROR_NONE);
	is_int((long long)asked.count, 2, "... or does not come");
	add("/etc-more", ERROR_NONE);
	is_int((long long)asked.count, 3, "its name alone is not within");
	again("reset\nkeep /etc\nkeep /etc-more\nkeep /srv/with%20blank%25%0a%ff\n", "sorted");
	ok(asked_remove(&asked, "/etc-more") && !asked_remove(&asked, "/etc-more"),
		"one is removed");
	asked = (struct asked){.reset = false};
	add("/a", ERROR_NONE);
	add("/.a/..b/...", ERROR_NONE);
	again("revert /.a/..b/...\nrevert /a\n", "what is reverted");
}

static void paths(void)
{
	char longest[ASKED_PATH_SIZE + 1] = "";
	for (size_t i = 0; i < ASKED_PATH_SIZE; i++)
		longest[i] = i % 250 == 0 ? '/' : 'x';
	asked = (struct asked){.reset = true};
	add(longest, ERROR_PATH);
	longest[ASKED_PATH_SIZE - 1] = '\0';
	add(longest, ERROR_NONE);
	longest[0] = 'x';
	add(longest, ERROR_PATH);
	char name[] = "/" /* 256 bytes */
		      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
	add(name, ERROR_PATH);
	name[256] = '\0';
	add(name, ERROR_NONE);
	static const char *const bad[] = {
		"", "/", "a", "//a", "/a/", "/a//b", "/.", "/a/.", "/..", "/a/../b", "/a/./b"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		add(bad[i], ERROR_PATH);
	is_int((long long)asked.count, 2, "none of them is there");
	for (int i = 2; i < ASKED_ROOM; i++) {
		char path[16];
		struct error e;
		(void)snprintf(path, sizeof path, "/%04d", i);
		if (asked_add(&asked, path, &e) != 0)
			add(path, ERROR_NONE);
	}
	is_int((long long)asked.count, ASKED_ROOM, "all the room is taken");
	add("/one-more", ERROR_LIMIT);
	asked.count = ASKED_MOST;
	for (size_t i = 0; i < ASKED_MOST; i++)
		memset(asked.paths[i] + 1, 1, ASKED_PATH_SIZE - 2);
	ok(asked_encode(&asked, text) < ASKED_TEXT_SIZE, "the longest text has room");
}

static void refuses(const char *from)
{
	struct error e;
	error_is(decode(from, &e), &e, ERROR_FORMAT, "%s", shown(from));
	ok(asked.count == 0 && !asked.reset, "... asks for nothing");
}

static void bad_ones(void)
{
	static const char *const texts[] = {"", "\n", "reset", "reset \n", "Reset\n", "reset\n\n",
		"reset\nreset\n", "reset\nkeep /a", "reset\nkeep /a\n\n", "reset\nkeep\n",
		"reset\nkeep \n", "reset\nkeep a\n", "reset\nkeep /\n", "reset\nkeep /a/\n",
		"reset\nkeep  /a\n", "reset\nkeep /a \n", "reset\nkeep /b\nkeep /a\n",
		"reset\nkeep /a\nkeep /a\n", "reset\nkeep /a\nkeep /a-b\nkeep /a/b\n",
		"reset\nrevert /a\n", "revert /a\nreset\n", "revert /a\nkeep /b\n", "keep /a\n",
		"revert /a%", "revert /a%\n", "revert /a%2\n", "revert /a%20", "revert /a%2g\n",
		"revert /a%g0\n", "revert /a%41\n", "revert /a%00\n", "revert /a%FF\n",
		"revert /a\x7f\n", "revert /a\xff\n", "revert /a\tb\n", "revert"};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		refuses(texts[i]);
	struct error e;
	error_is(asked_decode("revert /a\0\n", 11, &asked, &e), &e, ERROR_FORMAT, "a NUL");
	size_t used = 0;
	for (int i = 0; i <= ASKED_MOST; i++)
		used += (size_t)snprintf(text + used, sizeof text - used, "revert /%04d\n", i);
	error_is(asked_decode(text, used, &asked, &e), &e, ERROR_FORMAT, "one path too many");
	is_int(asked_decode(text, used - 13, &asked, &e), 0, "... and as many as can be");
	used = (size_t)snprintf(text, sizeof text, "revert ");
	for (int i = 0; i < ASKED_PATH_SIZE; i++)
		text[used++] = i % 250 == 0 ? '/' : 'x';
	text[used] = '\n';
	error_is(asked_decode(text, used + 1, &asked, &e), &e, ERROR_FORMAT, "a path too long");
	text[used - 1] = '\n';
	is_int(asked_decode(text, used, &asked, &e), 0, "... and the longest");
}

static void within(void)
{
	ok(asked_is_within("/a/b", "/a") && asked_is_within("/a", "/a"), "within");
	ok(!asked_is_within("/ab", "/a") && !asked_is_within("/a", "/a/b"), "not within");
}

int main(void)
{
	good_ones();
	paths();
	bad_ones();
	within();
	return done();
}

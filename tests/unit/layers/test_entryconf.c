/* layers/entryconf*.c: entry.conf, one way to write anything. */
#include <stdlib.h>

#include "ceilings.h"
#include "entryconf.h"
#include "errors.h"

#define HEAD "plyboot entry 1\n"
#define ARGUMENT "argument \"/bin/app\"\n"
#define TAIL "directory \"/\"\nuser \"0\"\nstop-signal SIGTERM\non-exit status\n"
#define BASE HEAD ARGUMENT TAIL

static int decode(const char *text, struct entryconf *out, struct error *e)
{
	return entryconf_decode((const uint8_t *)text, strlen(text), out, e);
}

/* Exactly this error, on this line, and nothing is written. */
static void refuses(const char *text, enum error_code code, const char *where, const char *name)
{
	struct entryconf conf;
	struct error e;
	memset(&conf, UNTOUCHED, sizeof conf);
	if (!error_is(decode(text, &conf, &e), &e, code, "%s", name))
		return;
	ok(is_untouched(&conf, sizeof conf), "... nothing is written");
	if (!ok(strstr(e.text, where) != NULL, "... the message has \"%s\"", where))
		printf("# %s\n", e.text);
}

static void accepts(const char *text, const char *name)
{
	struct entryconf conf;
	struct error e;
	char *again = NULL;
	size_t size_bytes;
	if (!ok(decode(text, &conf, &e) == 0, "%s", name)) {
		printf("# %s\n", e.text);
		return;
	}
	if (ok(entryconf_encode(&conf, &again, &size_bytes, &e) == 0, "... encodes")) {
		is_str(again, text, "... to the same");
		is_int((long long)size_bytes, (long long)strlen(text), "... of this size");
	}
	free(again);
	entryconf_free(&conf);
}

static void test_everything(void)
{
	struct entryconf conf;
	struct error e;
	is_int(decode(HEAD "argument \"app\"\n"
			   "argument \"a b\"\n"
			   "argument \"\"\n"
			   "argument \"\\\"\\\\\\x0a\\x7f\\xff\"\n"
			   "environment \"A=\"\n"
			   "environment \"AB=x=y\"\n"
			   "directory \"/srv/data\"\n"
			   "user \"app:users\"\n"
			   "stop-signal SIGRTMIN+3\n"
			   "on-exit reboot\n",
		       &conf, &e),
		0, "all keys");
	is_int((long long)conf.argument_count, 4, "arguments");
	is_str(conf.arguments[0], "app", "the program");
	is_str(conf.arguments[1], "a b", "a blank");
	is_str(conf.arguments[2], "", "an empty one");
	is_str(conf.arguments[3], "\"\\\n\x7f\xff", "bytes that are escaped");
	ok(conf.arguments[4] == NULL, "a NULL at the end");
	is_int((long long)conf.variable_count, 2, "variables");
	is_str(conf.variables[0], "A=", "one without a value");
	is_str(conf.variables[1], "AB=x=y", "one whose name begins as another");
	ok(conf.variables[2] == NULL, "a NULL at the end");
	is_str(conf.directory, "/srv/data", "directory");
	is_str(conf.user, "app:users", "user");
	is_str(conf.stop_signal, "SIGRTMIN+3", "stop signal");
	is_int(conf.on_exit, ENTRYCONF_EXIT_REBOOT, "on exit");
	entryconf_free(&conf);
	ok(conf.storage == NULL && conf.arguments == NULL, "freed");
}

static void test_one_form(void)
{
	accepts(BASE, "the least");
	accepts(HEAD ARGUMENT "environment \"A=\\x01\\xc3\\xa9 \\\\\\\"\"\n" TAIL, "escapes");
	accepts(HEAD ARGUMENT "directory \"/...\"\nuser \"a\"\nstop-signal SIGUSR1\non-exit "
			      "poweroff\n",
		"other words");
	refuses("", ERROR_FORMAT, "empty", "nothing");
	refuses("plyboot entry 1", ERROR_FORMAT, "line 1", "no line feed");
	refuses("plyboot entry 2\n" ARGUMENT TAIL, ERROR_FORMAT, "line 1", "another version");
	refuses("x\n", ERROR_FORMAT, "line 1", "something else");
	refuses(HEAD, ERROR_FORMAT, "line 2", "nothing but the first line");
	refuses(HEAD TAIL, ERROR_FORMAT, "line 2", "no argument");
	refuses(HEAD "argument \"\"\n" TAIL, ERROR_FORMAT, "line 2", "an empty program");
	refuses(HEAD ARGUMENT, ERROR_FORMAT, "line 3: `directory`", "the end is missing");
	refuses(HEAD ARGUMENT "user \"0\"\n", ERROR_FORMAT, "line 3", "another order");
	refuses(HEAD ARGUMENT "directory \"/\"\n", ERROR_FORMAT, "line 4: `user`", "no user");
	refuses(HEAD ARGUMENT "directory \"/\"\nuser \"0\"\n", ERROR_FORMAT,
		"line 5: `stop-signal`", "no stop signal");
	refuses(HEAD ARGUMENT "directory \"/\"\nuser \"0\"\nstop-signal SIGTERM\n", ERROR_FORMAT,
		"line 6: `on-exit`", "no on-exit");
	refuses(BASE "x\n", ERROR_FORMAT, "line 7", "something behind it");
	refuses(HEAD "argument\n" TAIL, ERROR_FORMAT, "line 2", "a key without a value");
	refuses(HEAD ARGUMENT "environment A=1\n" TAIL, ERROR_FORMAT, "line 3", "no quotes");
	refuses(HEAD ARGUMENT "argument \xc3\n" TAIL, ERROR_FORMAT, "line 3: byte 0xc3", "a byte");
}

static void test_strings(void)
{
	static const char *const bad[] = {"", "x", "\"", "x\"", "\"x", "\"\"\"", "\"\\\"",
		"\"\\x4\"", "\"\\x41\"", "\"\\x20\"", "\"\\x7e\"", "\"\\x5c\"", "\"\\x00\"",
		"\"\\x0A\"", "\"\\x0g\"", "\"\\n\"", "\"\\X0a\"", "\"x\" ", " \"x\"", "\"\\x\"",
		"\"\\x0\""};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		char text[256];
		(void)snprintf(text, sizeof text, HEAD ARGUMENT "argument %s\n" TAIL, bad[i]);
		refuses(text, ERROR_FORMAT, "line 3", bad[i]);
	}
}

static void test_values(void)
{
	static const struct {
		const char *line, *where;
	} cases[] = {
		{"environment \"A\"\n", "line 3: a variable must be NAME=VALUE"},
		{"environment \"\"\n", "line 3: a variable must be NAME=VALUE"},
		{"environment \"=A\"\n", "line 3: a variable must be NAME=VALUE"},
		{"environment \"A=1\"\nenvironment \"B=1\"\nenvironment \"A=2\"\n",
			"line 5: a variable a second time"},
		{"directory \"\"\n", "line 3: the directory must begin"},
		{"directory \"srv\"\n", "line 3: the directory must begin"},
		{"directory \"//srv\"\n", "line 3: the directory may"},
		{"directory \"/srv/\"\n", "line 3: the directory may"},
		{"directory \"/./srv\"\n", "line 3: the directory may"},
		{"directory \"/srv/..\"\n", "line 3: the directory may"},
		{"directory \"/\"\nuser \"\"\n", "line 4: the user"},
		{"directory \"/\"\nuser \":0\"\n", "line 4: the user"},
		{"directory \"/\"\nuser \"0:\"\n", "line 4: the user"},
		{"directory \"/\"\nuser \"0:0:0\"\n", "line 4: the user"},
		{"directory \"/\"\nuser \"a\\x0ab\"\n", "line 4: the user"},
		{"directory \"/\"\nuser \"0\"\nstop-signal 15\n", "line 5: no signal"},
		{"directory \"/\"\nuser \"0\"\nstop-signal TERM\n", "line 5: no signal"},
		{"directory \"/\"\nuser \"0\"\nstop-signal SIGTERMSIGTERM12\n",
			"line 5: no signal"},
		{"directory \"/\"\nuser \"0\"\nstop-signal SIGTERM\non-exit halt\n", "line 6"},
		{"directory \"/\"\nuser \"0\"\nstop-signal SIGTERM\non-exit state\n", "line 6"},
		{"directory \"/\"\nuser \"0\"\nstop-signal SIGTERM\non-exit statusx\n", "line 6"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[256];
		(void)snprintf(text, sizeof text, HEAD ARGUMENT "%s", cases[i].line);
		refuses(text, ERROR_FORMAT, cases[i].where, cases[i].where);
	}
}

/* --- limits: the last that is allowed, and the first that is not */

static char *repeat(const char *text, size_t count)
{
	size_t length = strlen(text);
	char *out = malloc(length * count + 1);
	if (out == NULL)
		abort();
	for (size_t i = 0; i < count; i++)
		memcpy(out + i * length, text, length);
	out[length * count] = '\0';
	return out;
}

static void limit(const char *before, const char *unit, size_t count, const char *after,
	bool allowed, const char *where, const char *name)
{
	char *many = repeat(unit, count);
	size_t size = strlen(before) + strlen(many) + strlen(after) + 1;
	char *text = malloc(size);
	if (text == NULL)
		abort();
	(void)snprintf(text, size, "%s%s%s", before, many, after);
	if (allowed)
		accepts(text, name);
	else
		refuses(text, ERROR_LIMIT, where, name);
	free(text);
	free(many);
}

static void test_limits(void)
{
	limit(HEAD, ARGUMENT, ENTRYCONF_MAX_ITEMS, TAIL, true, "", "4096 arguments");
	limit(HEAD, ARGUMENT, ENTRYCONF_MAX_ITEMS + 1, TAIL, false, "line 4098", "one more");
	limit(HEAD "argument \"", "x", ENTRYCONF_MAX_STRING, "\"\n" TAIL, true, "",
		"a string of 131071 bytes");
	limit(HEAD "argument \"", "x", ENTRYCONF_MAX_STRING + 1, "\"\n" TAIL, false, "line 2",
		"one more");
	limit(HEAD ARGUMENT "directory \"/", "x", LIMIT_COMPONENT_BYTES,
		"\"\nuser \"0\"\nstop-signal SIGTERM\non-exit status\n", true, "",
		"a part of 255 bytes");
	limit(HEAD ARGUMENT "directory \"/", "x", LIMIT_COMPONENT_BYTES + 1,
		"\"\nuser \"0\"\nstop-signal SIGTERM\non-exit status\n", false, "line 3",
		"one more");
	limit(HEAD ARGUMENT "directory \"/x", "/x", LIMIT_PATH_BYTES / 2 - 1,
		"\"\nuser \"0\"\nstop-signal SIGTERM\non-exit status\n", true, "",
		"a path of 4094 bytes");
	limit(HEAD ARGUMENT "directory \"/x", "/x", LIMIT_PATH_BYTES / 2,
		"\"\nuser \"0\"\nstop-signal SIGTERM\non-exit status\n", false, "line 3",
		"of 4096");
	limit(HEAD ARGUMENT "directory \"/\"\nuser \"", "x", ENTRYCONF_MAX_USER,
		"\"\nstop-signal SIGTERM\non-exit status\n", true, "", "a user of 255 bytes");
	limit(HEAD ARGUMENT "directory \"/\"\nuser \"", "x", ENTRYCONF_MAX_USER + 1,
		"\"\nstop-signal SIGTERM\non-exit status\n", false, "line 4", "one more");
	limit(HEAD ARGUMENT "directory \"/\"\nuser \"0:", "x", ENTRYCONF_MAX_USER + 1,
		"\"\nstop-signal SIGTERM\non-exit status\n", false, "line 4", "a group of 256");
	limit(HEAD, "x", ENTRYCONF_MAX_BYTES, "\n", false, "over 1048576", "too large a file");
}

/* --- encoding */

static void encodes_not(const struct entryconf *conf, enum error_code code, const char *name)
{
	struct error e;
	char *text = (char *)1;
	size_t size_bytes = 7;
	error_is(entryconf_encode(conf, &text, &size_bytes, &e), &e, code, "%s", name);
	ok(text == (char *)1 && size_bytes == 7, "... nothing is written");
}

static void test_encoding_refuses(void)
{
	const char *arguments[] = {"app", NULL}, *variables[] = {"A", NULL};
	struct entryconf conf = {.argument_count = 1,
		.arguments = arguments,
		.variables = variables,
		.directory = "/",
		.user = "0",
		.stop_signal = "SIGTERM"};
	char *text;
	size_t size_bytes;
	struct error e;
	ok(entryconf_encode(&conf, &text, &size_bytes, &e) == 0, "what is right encodes");
	is_str(text, HEAD "argument \"app\"\n" TAIL, "... to this");
	free(text);
	conf.variable_count = 1;
	encodes_not(&conf, ERROR_FORMAT, "a variable without a value");
	conf.variable_count = 0;
	conf.directory = "srv";
	encodes_not(&conf, ERROR_FORMAT, "a relative directory");
	conf.directory = "/";
	char *many = repeat("\n", ENTRYCONF_MAX_STRING + 1);
	arguments[0] = many;
	encodes_not(&conf, ERROR_LIMIT, "too long a string");
	many[ENTRYCONF_MAX_STRING] = '\0';
	const char *ten[] = {"app", many, many, many, many, many, many, many, many, many, NULL};
	conf.arguments = ten;
	conf.argument_count = 10;
	encodes_not(&conf, ERROR_LIMIT, "too much in all");
	conf.argument_count = 3;
	encodes_not(&conf, ERROR_LIMIT, "too much in all, once it is escaped");
	free(many);

	static const char *plenty[ENTRYCONF_MAX_ITEMS + 2];
	for (size_t i = 0; i <= ENTRYCONF_MAX_ITEMS; i++)
		plenty[i] = "app";
	conf.arguments = plenty;
	conf.argument_count = ENTRYCONF_MAX_ITEMS + 1;
	encodes_not(&conf, ERROR_LIMIT, "too many arguments");
	conf.argument_count = 1;
	conf.variables = plenty;
	conf.variable_count = ENTRYCONF_MAX_ITEMS + 1;
	encodes_not(&conf, ERROR_LIMIT, "too many variables");
	conf.variable_count = 0;
	char *large = repeat("x", ENTRYCONF_MAX_STRING + 1);
	conf.directory = large;
	encodes_not(&conf, ERROR_LIMIT, "too long a directory");
	conf.directory = "/";
	conf.user = large;
	encodes_not(&conf, ERROR_LIMIT, "too long a user");
	free(large);
}

int main(void)
{
	test_everything();
	test_one_form();
	test_strings();
	test_values();
	test_limits();
	test_encoding_refuses();
	return done();
}

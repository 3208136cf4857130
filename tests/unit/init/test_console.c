/* What /init says: at which level, in which bytes, and what to do about each kind of error, as
 * tests/data/errors.txt has it, from where tests/cli/words.t holds it against init/BOOT.md. */
#include "init/console.h"
#include "said.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>

static void say_all(enum initconf_log level)
{
	console_set_level(level);
	console_alert("alert");
	console_say("say");
	console_debug("debug");
}

static void test_levels(void)
{
	is_int(console_level(), INITCONF_LOG_QUIET, "quiet until told otherwise");
	say_all(INITCONF_LOG_QUIET);
	said_is("plyboot: alert\n", "quiet");
	say_all(INITCONF_LOG_NORMAL);
	said_is("plyboot: alert\nplyboot: say\n", "normal");
	say_all(INITCONF_LOG_DEBUG);
	said_is("plyboot: alert\nplyboot: say\nplyboot: debug\n", "debug");
	is_int(said_writes, 3, "one write a line");
	console_set_level(INITCONF_LOG_QUIET);
}

static void test_bytes(void)
{
	console_alert("a\x1b[31mb\nc\rd\te\x7f"
		      "f\xc3\xa9g\x80h\x9b"
		      "31mi ~");
	said_is("plyboot: a?[31mb?c?d?e?f??g?h?31mi ~\n",
		"what could drive a terminal is replaced");
	console_alert("%s", "");
	said_is("plyboot: \n", "an empty line");
}

static void test_length(void)
{
	static char text[4096], want[CONSOLE_LINE_BYTES + 1];
	const size_t fits = CONSOLE_LINE_BYTES - strlen("plyboot: ") - 1;
	memset(text, 'x', sizeof text - 1);
	(void)snprintf(want, sizeof want, "plyboot: %.*s\n", (int)fits, text);
	console_alert("%.*s", (int)fits, text);
	said_is(want, "a line of %d bytes is whole", CONSOLE_LINE_BYTES);
	memcpy(want + CONSOLE_LINE_BYTES - 4, "...", 3);
	console_alert("%.*s", (int)fits + 1, text);
	said_is(want, "one byte more, and it is cut");
	console_alert("%s", text);
	said_is(want, "however long it is");
	is_int(said_writes, 1, "in one write, which the kernel's messages don't cut");
}

/* A line that is drawn again gives way to whatever is said, and leaves nothing behind. */
static void test_drawn(void)
{
	ok(!console_is_screen(), "what is no terminal is no screen");
	console_draw("[#...] 25 %");
	said_is("", "quiet: no bar");
	console_set_level(INITCONF_LOG_NORMAL);
	console_draw("[#...] 25 %");
	said_is("plyboot: [#...] 25 %", "a bar is no line");
	console_draw("[##..] 50 %");
	said_is("\r\x1b[Kplyboot: [##..] 50 %", "the next one is drawn over it");
	console_say("something");
	said_is("\r\x1b[Kplyboot: something\n", "what is said takes its place");
	is_int(said_writes, 1, "in one write");
	console_draw_end();
	said_is("", "and nothing is left to take away");
	console_draw("[###.] 75 %");
	console_draw_end();
	console_draw_end();
	said_is("plyboot: [###.] 75 %\r\x1b[K", "at the end it is taken away, once");
	console_show("25 %");
	said_is("plyboot: 25 %\n", "or a line");
	console_draw("%200s");
	said_is("plyboot: %200s", "it is no format");
	console_draw_end();
	(void)said();
	console_set_level(INITCONF_LOG_QUIET);
}

static void test_priority(void)
{
	console_print_as(CONSOLE_WARNING, INITCONF_LOG_QUIET, "%s", "x");
	said_is("plyboot: x\n", "no priority on the console");
	console_print_as(CONSOLE_ERROR, INITCONF_LOG_NORMAL, "%s", "x");
	said_is("", "and none that counts for more than the level");
}

/* A system call's error is still to be told when a line was said before. */
static void test_errno(void)
{
	int closed = dup(2);
	errno = ENOSPC;
	console_alert("x");
	is_int(errno, ENOSPC, "errno stays");
	(void)said();
	(void)close(2);
	errno = ENOSPC;
	console_alert("x");
	is_int(errno, ENOSPC, "also when nobody listens");
	(void)dup2(closed, 2);
	(void)close(closed);
	said_is("", "and nothing is said twice");
}

static void test_errors(void)
{
	static char got[1 << 16], expected[1 << 16];
	FILE *file = fopen("tests/data/errors.txt", "r");
	size_t length = file != NULL ? fread(expected, 1, sizeof expected - 1, file) : 0;
	if (file != NULL)
		(void)fclose(file);
	expected[length] = '\0';
	size_t used = 0;
	for (unsigned code = ERROR_NONE + 1; code < ERROR_CODES; code++) {
		struct error e = {0};
		(void)error_set(&e, (enum error_code)code, 0, "why");
		console_error("what", &e);
		used += (size_t)snprintf(got + used, sizeof got - used, "%.4096s", said());
	}
	if (!ok(strcmp(got, expected) == 0, "tests/data/errors.txt: every kind of error"))
		printf("%s", got);

	struct error e = {.code = ERROR_CODES, .text = "why"};
	console_error("what", &e);
	said_is("plyboot: ERROR what: UNKNOWN: why\n", "none of them");
}

int main(void)
{
	said_start();
	test_levels();
	test_bytes();
	test_length();
	test_drawn();
	test_priority();
	test_errno();
	test_errors();
	said_stop();
	return done();
}

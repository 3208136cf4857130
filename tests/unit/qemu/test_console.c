/* qemu/console.c, verdict.c and the keys of terminal.c: what is made of a guest's bytes. */
#include <string.h>

#include "../../qemu/console.h"
#include "../../qemu/terminal.h"
#include "../../qemu/verdict.h"
#include "tap.h"

static void feed(struct console *console, const char *text)
{
	console_feed(console, text, strlen(text));
}

static void lines_are_kept(void)
{
	struct console console = {0};

	feed(&console, "one\r\ntw");
	feed(&console, "o\nthree");
	is_str(console_tail(&console, 0), "one", "\\r\\n ends a line");
	is_str(console_tail(&console, 1), "two", "a line may come in pieces");
	is_str(console_tail(&console, 2), NULL, "an unfinished line is not a line yet");
	console_finish(&console);
	is_str(console_tail(&console, 2), "three", "at the end it is");
	console_finish(&console);
	is_int((long long)console.line_count, 3, "once");
}

static void progress_keeps_its_last_state(void)
{
	struct console console = {0};

	feed(&console, "10 %\r50 %\r\r100 %\r\n");
	is_str(console_tail(&console, 0), "100 %", "\\r starts the line anew");
	is_str(console_tail(&console, 1), NULL, "and makes no line of its own");
}

static void tail_is_bounded(void)
{
	static struct console console;
	char line[2000];

	for (int i = 0; i < 100; i++) {
		(void)snprintf(line, sizeof(line), "line %d\n", i);
		feed(&console, line);
	}
	is_str(console_tail(&console, 0), "line 50", "the oldest kept line");
	is_str(console_tail(&console, CONSOLE_TAIL_LINES - 1), "line 99", "the newest");
	is_str(console_tail(&console, CONSOLE_TAIL_LINES), NULL, "and no more");
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	feed(&console, line);
	feed(&console, "\n");
	is_int((long long)strlen(console_tail(&console, CONSOLE_TAIL_LINES - 1)),
		CONSOLE_LINE_SIZE - 1, "a long line is cut");
}

static void control_characters_become_harmless(void)
{
	static const struct {
		const char *in, *out, *name;
	} cases[] = {
		{"plain\ttext", "plain\ttext", "text and tabs stay"},
		{"\033[0;32m  OK  \033[0m done", "  OK   done", "colours go"},
		{"\033]0;title\a$ ", "$ ", "a title that ends with BEL goes"},
		{"\033]0;title\033\\$ ", "$ ", "a title that ends with ST goes"},
		{"\033Pq#0\033\\x", "x", "a device string goes"},
		{"\033]0;no end", "", "an unfinished sequence takes its line only"},
		{"a\033cb\033(Bc", "abc", "two- and three-byte sequences go"},
		{"a\033", "a", "a bare escape at the end goes"},
		{"a\bb\177c\001", "a?b?c?", "other controls become ?"},
		{"\xe2\x97\x8f caf\xc3\xa9", "\xe2\x97\x8f caf\xc3\xa9", "UTF-8 stays"},
		{"\xc2\x9b"
		 "31m",
			"??31m", "C1 controls do not"},
		{"\x9b\xff\xc0\xaf\xe2\x97", "??????", "nor does what is not UTF-8"},
	};
	char out[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		console_harmless(cases[i].in, out, sizeof(out));
		is_str(out, cases[i].out, "%s", cases[i].name);
	}
	console_harmless("ab\xe2\x97\x8f", out, 5);
	is_str(out, "ab", "a cut is not within a character");
}

static bool panics(const char *text)
{
	struct console console = {0};

	feed(&console, text);
	console_finish(&console);
	return console.panic[0] != '\0';
}

static void panics_are_seen(void)
{
	ok(panics("[    1.5] Kernel panic - not syncing: VFS\r\n"), "with printk's time");
	ok(panics("[    1.5][    T1] Kernel panic - not syncing: VFS\r\n"), "and its caller");
	ok(panics("Kernel panic - not syncing: VFS\n"), "without the time");
	ok(panics("half a line[    1.5] Kernel panic - not syncing: VFS\n"), "behind a prompt");
	ok(panics("\033[31mKernel panic - not syncing"), "coloured, and the last of all");
	ok(!panics("[    1.5] ---[ end Kernel panic - not syncing: VFS ]---\n"), "not its end");
	ok(!panics("echo: Kernel panic - not syncing\n"), "not when somebody quotes it");
	ok(!panics("[    1.5] all is well\n"), "not without one");
}

static void verdicts_are_exact(void)
{
	static const struct {
		const char *line, *expect;
		int verdict;
	} cases[] = {
		{"plyboot-verdict 0", NULL, 0},
		{"plyboot-verdict 119", NULL, 119},
		{"plyboot-verdict 7 abc", NULL, 7},
		{"plyboot-verdict 7 abc", "abc", 7},
		{"plyboot-verdict 7", "abc", -1},
		{"plyboot-verdict 7 ab", "abc", -1},
		{"plyboot-verdict 7 abcd", "abc", -1},
		{"plyboot-verdict 7 abc ", "abc", -1},
		{"plyboot-verdict 7 abc abc", "abc", -1},
		{"plyboot-verdict 7  abc", "abc", -1},
		{"plyboot-verdict 120", NULL, -1},
		{"plyboot-verdict 1000", NULL, -1},
		{"plyboot-verdict 4294967296", NULL, -1},
		{"plyboot-verdict 00", NULL, -1},
		{"plyboot-verdict 07", NULL, -1},
		{"plyboot-verdict +7", NULL, -1},
		{"plyboot-verdict -7", NULL, -1},
		{"plyboot-verdict 7 ", NULL, -1},
		{"plyboot-verdict 7x", NULL, -1},
		{"plyboot-verdict ", NULL, -1},
		{"plyboot-verdict", NULL, -1},
		{" plyboot-verdict 7", NULL, -1},
		{"Plyboot-verdict 7", NULL, -1},
		{"", NULL, -1},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		is_int(verdict_parse(cases[i].line, cases[i].expect), cases[i].verdict,
			"`%s`, expecting %s", cases[i].line,
			cases[i].expect ? cases[i].expect : "nothing");
}

static int port_says(const char *expect, const char *bytes, size_t length)
{
	struct verdict_port port = VERDICT_PORT_INIT(expect);

	for (size_t i = 0; i < length; i++)
		verdict_feed(&port, bytes + i, 1);
	return port.verdict;
}

#define PORT_SAYS(expect, bytes) port_says((expect), (bytes), sizeof(bytes) - 1)

static void verdict_port_reads_lines(void)
{
	is_int(PORT_SAYS(NULL, "noise\nplyboot-verdict 3\r\n"), 3, "noise before it is ignored");
	is_int(PORT_SAYS(NULL, "plyboot-verdict 3\nplyboot-verdict 4\n"), 3, "the first counts");
	is_int(PORT_SAYS("n", "plyboot-verdict 0 m\nplyboot-verdict 4 n\n"), 4,
		"the first with the right nonce");
	is_int(PORT_SAYS(NULL, "plyboot-verdict 3"), -1, "a line without its end is none");
	is_int(PORT_SAYS(NULL, "plyboot-verdict 3\0x\n"), -1, "a NUL cuts nothing off");
}

static void keys_leave_and_pass(void)
{
	struct terminal_keys keys = {0};
	char out[16];

	is_int((long long)terminal_keys_pass(&keys, "ab\001", 3, out), 2, "Ctrl-A is held back");
	is_int((long long)terminal_keys_pass(&keys, "\001c", 2, out), 2, "doubled it is passed");
	ok(out[0] == 1 && out[1] == 'c' && !keys.left, "once");
	is_int((long long)terminal_keys_pass(&keys, "\001qd", 3, out), 1, "with another key: none");
	is_int((long long)terminal_keys_pass(&keys, "e\001xf", 4, out), 1, "x behind it");
	ok(keys.left, "leaves");
}

int main(void)
{
	lines_are_kept();
	progress_keeps_its_last_state();
	tail_is_bounded();
	control_characters_become_harmless();
	panics_are_seen();
	verdicts_are_exact();
	verdict_port_reads_lines();
	keys_leave_and_pass();
	return done();
}

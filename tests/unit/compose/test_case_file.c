/* The file of cases, as CASES.md describes it. */
#include "compose/case_file.h"
#include "tap.h"

static void takes(const char *text, struct case_file *out)
{
	struct error e = {.code = ERROR_NONE};
	if (!ok(case_file_parse(text, strlen(text), out, &e) == 0, "it is taken"))
		printf("# %s\n", e.text);
}

static void refuses(const char *text, size_t size, enum error_code code, const char *said)
{
	struct case_file file = {.count = 77};
	struct error e = {.code = ERROR_NONE};
	bool refused = case_file_parse(text, size, &file, &e) == -1;
	ok(refused && e.code == code && strstr(e.text, said) != NULL && file.count == 77, "%s: %s",
		error_code_name(code), said);
	if (!refused)
		case_file_free(&file);
	else if (e.code != code || strstr(e.text, said) == NULL)
		printf("# %s: %s\n", error_code_name(e.code), e.text);
}

static void refuses_text(const char *text, enum error_code code, const char *said)
{
	refuses(text, strlen(text), code, said);
}

static void test_whole(void)
{
	struct case_file file = {0};
	takes("# first\n\n case  one  two \n\trun prog  -x \n status 7\ncase b\nrun sh -c 'a; b'\n"
	      "memory 64\ntime-limit 9\nenv A=b c\nenv D=\ndirectory /tmp\nuser 1:2\n"
	      "share h:i:/g\nshare-rw /h:/g\nstatus 255",
		&file);
	is_int((long long)file.count, 2, "two cases");
	if (file.count != 2)
		return;
	const struct case_item *a = &file.cases[0], *b = &file.cases[1];
	is_str(a->name, "one  two", "a name without the blanks around it");
	is_int(a->status, 7, "its status");
	is_int((long long)a->line, 3, "its line");
	is_int((long long)a->given.words.count, 2, "its words");
	is_str(a->given.words.items[1], "-x", "the last of them");
	is_int((long long)(a->given.memory_mib + a->given.limit_s), 0, "nothing said is 0");
	is_int(b->status, 255, "a last line without an end");
	is_str(b->given.words.items[2], "a; b", "a quoted word");
	is_int((long long)b->given.memory_mib, 64, "memory");
	is_int((long long)b->given.limit_s, 9, "time limit");
	is_int((long long)b->given.environment.count, 2, "variables");
	is_str(b->given.environment.items[0], "A=b c", "to the end of the line");
	is_str(b->given.directory, "/tmp", "directory");
	is_str(b->given.user, "1:2", "user");
	is_str(b->given.shares.items[0], "h:i:/g", "a share");
	is_str(b->given.writable_shares.items[0], "/h:/g", "a writable one");
	case_file_free(&file);
	takes("case a\nrun b", &file);
	is_int(file.cases[0].status, 0, "without a status: 0");
	case_file_free(&file);
}

static void words_are(const char *text, size_t count, const char *first, const char *last)
{
	char line[200];
	struct text_list words = {0};
	struct error e = {.code = ERROR_NONE};
	(void)snprintf(line, sizeof line, "%s", text);
	ok(case_words(line, &words, &e) == 0 && words.count == count &&
			strcmp(words.items[0], first) == 0 &&
			strcmp(words.items[count - 1], last) == 0,
		"words: %s", text);
	text_list_free(&words);
}

static void test_words(void)
{
	words_are("a", 1, "a", "a");
	words_are(" a\tb  c ", 3, "a", "c");
	words_are("'a b'c", 1, "a bc", "a bc");
	words_are("'' x", 2, "", "x");
	words_are("x ''", 2, "x", "");
	words_are("'$x;`\"\\'", 1, "$x;`\"\\", "$x;`\"\\");
	words_are("\"a \\\" \\\\ \\n;\"", 1, "a \" \\ \\n;", "a \" \\ \\n;");
	words_are("a\\ b \\$c \\'", 3, "a b", "'");
	words_are("[ -e x ]", 4, "[", "]");
}

/* The blanks at the end of a line are nobody's, unless they are a word's. */
static void test_blanks(void)
{
	struct case_file file = {0};
	takes(" \tcase\t a \t \n\trun b c\\ \nenv A=\\ \t\ndirectory /d \t\nstatus 3\t \n \t \n",
		&file);
	if (file.count != 1)
		return;
	is_str(file.cases[0].name, "a", "a name between blanks");
	is_str(file.cases[0].given.words.items[1], "c ", "a blank behind a backslash is a word's");
	is_str(file.cases[0].given.environment.items[0], "A=\\", "in a variable it is not");
	is_str(file.cases[0].given.directory, "/d", "nor in a path");
	is_int(file.cases[0].status, 3, "nor in a number");
	case_file_free(&file);
	takes("case a\nrun b\\\\ \t ", &file);
	is_int((long long)file.cases[0].given.words.count, 1, "blanks are no word");
	is_str(file.cases[0].given.words.items[0], "b\\", "behind a backslash that is one itself");
	case_file_free(&file);
}

/* The numbers at both ends of what they may be. */
static void test_numbers(void)
{
	struct case_file file = {0};
	takes("case a\nrun x\nstatus 0\nmemory 16777216\ntime-limit 16777216\n"
	      "case b\nrun x\nmemory 16\ntime-limit 1\n",
		&file);
	if (file.count == 2)
		ok(file.cases[0].given.memory_mib == 16777216 &&
				file.cases[0].given.limit_s == 16777216 &&
				file.cases[1].given.memory_mib == 16 &&
				file.cases[1].given.limit_s == 1,
			"the least and the most");
	case_file_free(&file);
	refuses_text(
		"case a\nrun x\nmemory 16777217", ERROR_FORMAT, "no number from 16 to 16777216");
	refuses_text("case a\nrun x\ntime-limit 16777217", ERROR_FORMAT, "no number from 1 to");
	refuses_text("case a\nrun x\nstatus -1", ERROR_FORMAT, "no number from 0");
	refuses_text(
		"case a\nrun x\nstatus 18446744073709551616", ERROR_FORMAT, "no number from 0");
	refuses_text(
		"case a\nrun x\nstatus 18446744073709551623", ERROR_FORMAT, "no number from 0");
	refuses_text("case a\nrun x\ntime-limit 4294967297", ERROR_FORMAT, "no number from 1");
	refuses_text("case a\nrun x\nstatus 1 2", ERROR_FORMAT, "`1 2` is no number");
	refuses_text("case a\nrun x\nstatus 0x1", ERROR_FORMAT, "no number");
	refuses_text("case a\nrun x\nstatus 1\nstatus 0", ERROR_FORMAT, "said already");
	refuses_text("case a\nrun x\ntime-limit 1\ntime-limit 1", ERROR_FORMAT, "said already");
}

/* A case is checked also when another one follows it, and what it has is not the next one's. */
static void test_several(void)
{
	struct case_file file = {0};
	refuses_text("case a\nrun x\nenv A\ncase b\nrun y", ERROR_USAGE, "the case of line 1");
	refuses_text("case a\nrun x\ncase b\nrun y\nuser a\nshare :/a", ERROR_USAGE,
		"the case of line 3");
	refuses_text("case a\nrun x\ncase b\nrun y\ncase a\nrun z", ERROR_FORMAT,
		"line 5: line 1 has a case of that name");
	refuses_text("status 1\ncase a\nrun x", ERROR_FORMAT, "line 1: `status` before");
	refuses_text("case  \t", ERROR_FORMAT, "line 1: `case` has nothing behind it");
	refuses_text("case a\nrun ", ERROR_FORMAT, "line 2: `run` has nothing behind it");
	refuses_text("case a\nrun x\ndirectory /a\ndirectory /a", ERROR_FORMAT, "said already");
	refuses_text("case a\nrun \"x", ERROR_FORMAT, "a quote \" is not closed");
	refuses_text("case a\nrun \"x\\\"", ERROR_FORMAT, "a quote \" is not closed");
	refuses_text("case a\nrun \"x\\", ERROR_FORMAT, "a quote \" is not closed");
	refuses_text("case a\nrun x\\\nstatus 1", ERROR_FORMAT, "line 2: a backslash ends");
	refuses_text("case a\nrun x 'y'z;", ERROR_FORMAT, "a bare `;`");
	refuses_text("case a\x7f\nrun x", ERROR_FORMAT, "line 1: a control character");
	refuses_text("case a\nrun x\x1f", ERROR_FORMAT, "line 2: a control character");
	takes("case a\nrun x\nstatus 2\nuser a\nenv A=\ncase \xc3\xa4 \xff\nrun y z\n", &file);
	if (file.count == 2)
		ok(file.cases[1].status == 0 && file.cases[1].given.user == NULL &&
				file.cases[1].given.environment.count == 0 &&
				file.cases[1].given.words.count == 2 &&
				strcmp(file.cases[1].name, "\xc3\xa4 \xff") == 0,
			"each has its own, and a name of any bytes");
	case_file_free(&file);
}

/* So many shares go into a guest. */
static void test_shares(void)
{
	char text[1024] = "case a\nrun x\n";
	struct case_file file = {0};
	for (int i = 0; i < 32; i++)
		(void)strcat(text, i % 2 == 0 ? "share a:/b\n" : "share-rw a:/b\n");
	takes(text, &file);
	case_file_free(&file);
	(void)strcat(text, "share a:/b\n");
	refuses_text(text, ERROR_USAGE, "at most 32");
}

static void test_refused(void)
{
	static const char bare[] = ";&|<>()$`*?";
	char text[64];
	for (size_t i = 0; bare[i] != '\0'; i++) {
		(void)snprintf(text, sizeof text, "case a\nrun b %c c", bare[i]);
		refuses_text(text, ERROR_FORMAT, "is for a shell");
	}
	refuses_text("case a\nrun \"$x\"", ERROR_FORMAT, "line 2: a bare `$`");
	refuses_text("case a\nrun \"`x`\"", ERROR_FORMAT, "is for a shell");
	refuses_text("case a\nrun 'x", ERROR_FORMAT, "a quote ' is not closed");
	refuses_text("case a\nrun x\\", ERROR_FORMAT, "a backslash ends the line");
	refuses_text("", ERROR_FORMAT, "there is no case in it");
	refuses_text("# only\n\n", ERROR_FORMAT, "there is no case in it");
	refuses_text("run x", ERROR_FORMAT, "line 1: `run` before the first `case`");
	refuses_text("case a", ERROR_FORMAT, "the case of line 1 has no `run`");
	refuses_text("case a\ncase b\nrun x", ERROR_FORMAT, "the case of line 1 has no `run`");
	refuses_text("case a\nrun x\ncase a\nrun y", ERROR_FORMAT, "line 1 has a case of that");
	refuses_text("case", ERROR_FORMAT, "has nothing behind it");
	refuses_text("case a # b\nrun x", ERROR_FORMAT, "no # in it");
	refuses_text("case a\nrun x\nrun y", ERROR_FORMAT, "line 3: the case has a `run` already");
	refuses_text("case a\nrun x\nfoo y", ERROR_FORMAT, "there is no key `foo`");
	refuses_text("case a\nrun x\nstatus 256", ERROR_FORMAT, "no number from 0 to 255");
	refuses_text("case a\nrun x\nstatus +1", ERROR_FORMAT, "no number");
	refuses_text("case a\nrun x\nstatus 0\nstatus 0", ERROR_FORMAT, "said already");
	refuses_text("case a\nrun x\nmemory 15", ERROR_FORMAT, "no number from 16");
	refuses_text("case a\nrun x\nmemory 16\nmemory 16", ERROR_FORMAT, "said already");
	refuses_text("case a\nrun x\ntime-limit 0", ERROR_FORMAT, "no number from 1");
	refuses_text("case a\nrun x\nuser a\nuser b", ERROR_FORMAT, "said already");
	refuses_text("case a\nrun x\ndirectory a", ERROR_USAGE, "absolute path");
	refuses_text("case a\nrun x\nenv A", ERROR_USAGE, "NAME=VALUE");
	refuses_text("case a\nrun x\nenv =A", ERROR_USAGE, "NAME=VALUE");
	refuses_text("case a\nrun x\nshare a", ERROR_USAGE, "HOST:GUEST");
	refuses_text("case a\nrun x\nshare-rw :/a", ERROR_USAGE, "HOST:GUEST");
	refuses_text("case a\r\nrun x", ERROR_FORMAT, "line 1: a control character");
	refuses("case a\nrun x\0y", 15, ERROR_FORMAT, "line 2: a control character");
}

static void test_limits(void)
{
	static char text[CASE_FILE_MAX_BYTES + 2];
	memset(text, '\n', sizeof text);
	memcpy(text, "case a\nrun x", 12);
	refuses(text, CASE_FILE_MAX_BYTES + 1, ERROR_LIMIT, "more than 1048576 bytes");
	struct case_file file;
	struct error e;
	ok(case_file_parse(text, CASE_FILE_MAX_BYTES, &file, &e) == 0, "one byte less is taken");
	case_file_free(&file);
	memset(text, 'n', 300);
	memcpy(text, "case ", 5);
	memcpy(text + 5 + CASE_FILE_MAX_NAME, "\nrun x", 6);
	ok(case_file_parse(text, 5 + CASE_FILE_MAX_NAME + 6, &file, &e) == 0, "a long name");
	case_file_free(&file);
	memcpy(text + 5 + CASE_FILE_MAX_NAME, "n\nrun x", 7);
	refuses(text, 5 + CASE_FILE_MAX_NAME + 7, ERROR_LIMIT, "a name has at most 200 bytes");
	size_t used = 0;
	for (int i = 0; i <= CASE_FILE_MAX_CASES; i++)
		used += (size_t)sprintf(text + used, "case %d\nrun x\n", i);
	refuses(text, used, ERROR_LIMIT, "at most 10000 cases");
	used -= sizeof "case 10000\nrun x\n" - 1;
	ok(case_file_parse(text, used, &file, &e) == 0 && file.count == CASE_FILE_MAX_CASES,
		"as many as there may be");
	case_file_free(&file);
}

int main(void)
{
	test_whole();
	test_words();
	test_blanks();
	test_numbers();
	test_several();
	test_shares();
	test_refused();
	test_limits();
	return done();
}

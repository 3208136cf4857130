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
}

int main(void)
{
	test_whole();
	test_words();
	test_refused();
	test_limits();
	return done();
}

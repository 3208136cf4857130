/* layers/error.c: codes, words and sentences. */
#include <errno.h>

#include "errors.h"

static void every_code_has_a_word(void)
{
	bool all = true, distinct = true;
	for (unsigned i = 0; i < ERROR_CODES; i++) {
		const char *name = error_code_name((enum error_code)i);
		all = all && name != NULL &&
		      strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(name);
		for (unsigned j = 0; all && j < i; j++)
			distinct =
				distinct && strcmp(name, error_code_name((enum error_code)j)) != 0;
	}
	ok(all, "every code has an upper-case word");
	ok(distinct, "no two codes share one");
	is_str(error_code_name(ERROR_DIGEST), "DIGEST", "a word is the code's name");
	is_str(error_code_name(ERROR_CODES), "UNKNOWN", "a code beyond the last has a word too");
	is_str(error_code_name((enum error_code) - 1), "UNKNOWN", "so has a negative one");
}

static void setting_fills_everything(void)
{
	struct error e;
	is_int(error_set(&e, ERROR_TAR, 0, "entry %d of `%s`", 7, "x.tar"), -1,
		"error_set returns -1");
	is_int(e.code, ERROR_TAR, "the code");
	is_int(e.sys_errno, 0, "no errno");
	is_str(e.text, "entry 7 of `x.tar`", "the sentence");
	(void)error_set(&e, ERROR_IO, EIO, "read `%s`", "x");
	is_int(e.sys_errno, EIO, "the errno");
	char expected[64]; /* the words differ between C libraries */
	(void)snprintf(expected, sizeof expected, "read `x`: %s", strerror(EIO));
	is_str(e.text, expected, "the sentence ends with its strerror");
	(void)error_set(&e, ERROR_IO, EUCLEAN, "read `x`");
	is_str(e.text, "read `x`: the file system is damaged", "musl has no words for EUCLEAN");
	is_int(error_set(NULL, ERROR_IO, EIO, "read"), -1,
		"without an error to fill it still fails");
}

static void errno_chooses_the_code(void)
{
	static const struct {
		int sys_errno;
		enum error_code code;
	} rows[] = {{ENOMEM, ERROR_NOSPACE}, {ENOSPC, ERROR_NOSPACE}, {EDQUOT, ERROR_NOSPACE},
		{ENOENT, ERROR_MISSING}, {EIO, ERROR_IO}, {EACCES, ERROR_IO}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct error e;
		int result = error_errno(&e, rows[i].sys_errno, "open `%s`", "x");
		error_is(result, &e, rows[i].code, "errno %d is %s", rows[i].sys_errno,
			error_code_name(rows[i].code));
	}
	is_int(error_errno(NULL, EIO, "open"), -1, "error_errno without an error to fill");
}

static void context_comes_in_front(void)
{
	struct error e;
	(void)error_set(&e, ERROR_DIGEST, 0, "piece %d differs", 3);
	is_int(error_wrap(&e, "layer %d", 2), -1, "error_wrap returns -1");
	(void)error_wrap(&e, "stack `%s`", "demo");
	is_str(e.text, "stack `demo`: layer 2: piece 3 differs", "contexts from the outside in");
	is_int(e.code, ERROR_DIGEST, "the code stays");
	is_int(error_wrap(NULL, "layer"), -1, "error_wrap without an error to fill");
}

static void long_text_is_cut(void)
{
	char text[2 * ERROR_TEXT_SIZE];
	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = '\0';
	struct error e;
	(void)error_set(&e, ERROR_IO, EIO, "%s", text);
	is_int((long long)strlen(e.text), ERROR_TEXT_SIZE - 1, "a long sentence is cut");
	(void)error_wrap(&e, "%s", text);
	is_int((long long)strlen(e.text), ERROR_TEXT_SIZE - 1, "so is one in a long context");
	(void)error_set(&e, ERROR_IO, 0, "short");
	(void)error_wrap(&e, "%.*s", ERROR_TEXT_SIZE - 5, text);
	is_str(e.text + ERROR_TEXT_SIZE - 5, ": sh", "context goes first when both do not fit");
}

int main(void)
{
	every_code_has_a_word();
	setting_fills_everything();
	errno_chooses_the_code();
	context_comes_in_front();
	long_text_is_cut();
	return done();
}

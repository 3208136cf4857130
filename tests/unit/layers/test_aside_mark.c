/* layers/aside_mark.c: how long an upper has been set aside, and the numbers of the archive. */
#include "aside_mark.h"

#include <string.h>

#include "errors.h"

static void good_ones(void)
{
	static const struct {
		const char *text;
		struct aside_mark mark;
	} rows[] = {{"0 unconfirmed\n", {0, ASIDE_UNCONFIRMED}}, {"5 asked\n", {5, ASIDE_ASKED}},
		{"4294967295 unconfirmed\n", {UINT32_MAX, ASIDE_UNCONFIRMED}}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct aside_mark mark;
		struct error e;
		char text[ASIDE_MARK_SIZE];
		is_int(aside_mark_decode(rows[i].text, strlen(rows[i].text), &mark, &e), 0, "%.*s",
			(int)strlen(rows[i].text) - 1, rows[i].text);
		ok(mark.boots == rows[i].mark.boots && mark.why == rows[i].mark.why, "... is that");
		is_int((long long)aside_mark_encode(&mark, text), (long long)strlen(rows[i].text),
			"... written again");
		ok(strcmp(text, rows[i].text) == 0, "... as it was");
	}
}

static void bad_ones(void)
{
	static const char *const rows[] = {"", "\n", "5", "5 \n", "5 asked", "5 asked\n\n",
		"05 asked\n", " 5 asked\n", "5  asked\n", "5 Asked\n", "-5 asked\n", "+5 asked\n",
		"asked\n", " asked\n", "4294967296 asked\n", "18446744073709551621 asked\n",
		"5 unconfirmed asked\n", "5 asked\r\n"};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct aside_mark mark;
		struct error e;
		memset(&mark, UNTOUCHED, sizeof mark);
		int result = aside_mark_decode(rows[i], strlen(rows[i]), &mark, &e);
		if (error_is(result, &e, ERROR_FORMAT, "bad mark %zu", i))
			ok(is_untouched(&mark, sizeof mark), "... nothing is written");
	}
	is_int(aside_mark_decode("5 asked\n", 7, &(struct aside_mark){.boots = 0}, NULL), -1,
		"no more is read than there is");
}

static void numbers(void)
{
	static const char *const bad[] = {"", "0", "01", "+1", "-1", " 1", "1 ", "1a", "a",
		"1000000000", "18446744073709551617", "new", ".", ".."};
	unsigned long number = 77;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(!aside_number_parse(bad[i], &number) && number == 77, "\"%s\" is no number",
			bad[i]);
	ok(aside_number_parse("1", &number) && number == 1, "1 is one");
	ok(aside_number_parse("90", &number) && number == 90, "90 is one");
	ok(aside_number_parse("999999999", &number) && number == ASIDE_NUMBER_MOST,
		"and so is the last one");
}

int main(void)
{
	good_ones();
	bad_ones();
	numbers();
	return done();
}

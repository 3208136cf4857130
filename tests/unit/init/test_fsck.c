/* What the end of a file system check says. */
#include "init/fsck.h"

#include <signal.h>

#include "tap.h"

static struct checker_ending ended(int exit_status)
{
	return (struct checker_ending){.in_time = true, .status = exit_status << 8};
}

static void judges(int exit_status, enum fsck_result wanted)
{
	const struct checker_ending ending = ended(exit_status);
	is_str(fsck_result_name(fsck_judge(&ending)), fsck_result_name(wanted), "status %d",
		exit_status);
}

static void test_statuses(void)
{
	static const struct {
		int bits;
		enum fsck_result result;
	} known[] = {{0, FSCK_CLEAN}, {1, FSCK_CORRECTED}, {2, FSCK_CORRECTED}, {3, FSCK_CORRECTED},
		{4, FSCK_UNCORRECTED}, {5, FSCK_UNCORRECTED}, {12, FSCK_UNCORRECTED},
		{8, FSCK_FAILED}, {9, FSCK_FAILED}, {16, FSCK_FAILED}, {32, FSCK_FAILED},
		{33, FSCK_FAILED}, {128, FSCK_FAILED}, {CHECKER_NOT_RUN, FSCK_FAILED}};
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		judges(known[i].bits, known[i].result);
	/* Nothing with a bit of damage or failure in it is good. */
	for (int bits = 4; bits < 256; bits++) {
		const struct checker_ending ending = ended(bits);
		enum fsck_result result = fsck_judge(&ending);
		if (result != FSCK_UNCORRECTED && result != FSCK_FAILED)
			ok(false, "status %d", bits);
	}
	struct checker_ending ending = {.in_time = true, .status = SIGSEGV};
	is_int(fsck_judge(&ending), FSCK_FAILED, "a signal");
	ending.status = SIGKILL;
	is_int(fsck_judge(&ending), FSCK_FAILED, "killed");
	ending = ended(0);
	ending.in_time = false;
	is_int(fsck_judge(&ending), FSCK_FAILED, "not in time, whatever the status");
	is_str(fsck_result_name(FSCK_CLEAN), "clean", "a name");
	is_str(fsck_result_name(FSCK_CORRECTED), "corrected", "a name");
	is_str(fsck_result_name(FSCK_UNCORRECTED), "uncorrected", "a name");
	is_str(fsck_result_name(FSCK_FAILED), "failed", "a name");
}

static void words_are(const char *said, size_t length, const char *wanted, const char *name)
{
	struct checker_ending ending = ended(0);
	char words[FSCK_WORDS_SIZE];
	memset(words, 'x', sizeof words);
	memcpy(ending.words, said, length);
	ending.words_length = length;
	fsck_last_words(&ending, words);
	is_str(words, wanted, "%s", name);
}

static void test_words(void)
{
	char many[CHECKER_WORDS_SIZE], last[FSCK_WORDS_SIZE];
	words_are("", 0, "", "nothing");
	words_are("\n \t\n", 4, "", "blanks");
	words_are("one", 3, "one", "a word");
	words_are("\n\none\n", 6, "one", "a line");
	words_are("one  two\n\n\tthree\r\n", 18, "one two three", "lines are one");
	words_are("a\0b", 3, "a?b", "a NUL");
	memset(many, 'm', sizeof many);
	memset(last, 'm', sizeof last - 1);
	last[sizeof last - 1] = '\0';
	words_are(many, sizeof many, last, "of many the last");
	many[sizeof many - sizeof last] = ' ';
	words_are(many, sizeof many, last, "exactly as many as there is room for");
	many[sizeof many - sizeof last + 1] = ' ';
	words_are(many, sizeof many, last + 1, "no blank in front");
}

int main(void)
{
	test_statuses();
	test_words();
	return done();
}

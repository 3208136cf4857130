/* layers/signals.c: one name for each signal, whatever people write. */
#include <signal.h>

#include "signals.h"
#include "tap.h"

static void names_have_one_form(void)
{
	static const struct {
		const char *given, *name;
	} cases[] = {
		{"SIGTERM", "SIGTERM"},
		{"TERM", "SIGTERM"},
		{"sigterm", "SIGTERM"},
		{"15", "SIGTERM"},
		{"SIGKILL", "SIGKILL"},
		{"IOT", "SIGABRT"},
		{"SIGCLD", "SIGCHLD"},
		{"POLL", "SIGIO"},
		{"SIGRTMIN", "SIGRTMIN"},
		{"RTMIN+0", "SIGRTMIN"},
		{"SIGRTMIN+3", "SIGRTMIN+3"},
		{"37", "SIGRTMIN+3"},
		{"rtmin+30", "SIGRTMIN+30"},
		{"SIGRTMAX", "SIGRTMIN+30"},
		{"SIGRTMAX-14", "SIGRTMIN+16"},
		{"64", "SIGRTMIN+30"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char name[SIGNAL_NAME_SIZE] = "";
		ok(signal_name_parse(cases[i].given, name), "`%s` is a signal", cases[i].given);
		is_str(name, cases[i].name, "... %s", cases[i].name);
		bool itself = strcmp(cases[i].given, cases[i].name) == 0;
		ok((signal_number(cases[i].given) != 0) == itself, "... in its one form: %d",
			itself);
		ok(signal_number(name) > 0, "... which has a number");
	}
}

static void others_are_none(void)
{
	static const char *const none[] = {"", "SIG", "0", "65", "32", "33", "99", "150", "-1",
		"+15", "15 ", "SIGTER", "SIGTERMS", "SIGSIGTERM", "SIGRTMIN+31", "SIGRTMIN+",
		"SIGRTMIN-1", "SIGRTMAX+1", "SIGRTMAX-31", "SIGRTMIN+3x", "SIGRTMIN+100",
		"signal 0", "signal 40"};
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
		char name[SIGNAL_NAME_SIZE] = "kept";
		ok(!signal_name_parse(none[i], name), "`%s` is no signal", none[i]);
		is_str(name, "kept", "... and nothing is written");
		is_int(signal_number(none[i]), 0, "... nor has it a number");
	}
}

static void numbers_have_names(void)
{
	for (int number = 1; number <= 64; number++) {
		char name[SIGNAL_NAME_SIZE];
		signal_name(number, name);
		if (strncmp(name, "SIG", 3) == 0)
			is_int(signal_number(name), number, "%s is %d again", name, number);
	}
	char name[SIGNAL_NAME_SIZE];
	signal_name(33, name);
	is_str(name, "signal 33", "the C library's own has none");
	is_int(signal_number("SIGRTMIN+3"), 37, "real-time signals count from 34");
}

int main(void)
{
	names_have_one_form();
	others_are_none();
	numbers_have_names();
	return done();
}

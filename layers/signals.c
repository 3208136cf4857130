#include "signals.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Not libc's SIGRTMIN: musl keeps one more for itself. */
enum { FIRST_REALTIME = 34, LAST_REALTIME = 64 };

static const struct {
	const char *name; /* without its SIG */
	int number;
} names[] = {
	{"HUP", SIGHUP},
	{"INT", SIGINT},
	{"QUIT", SIGQUIT},
	{"ILL", SIGILL},
	{"TRAP", SIGTRAP},
	{"ABRT", SIGABRT},
	{"BUS", SIGBUS},
	{"FPE", SIGFPE},
	{"KILL", SIGKILL},
	{"USR1", SIGUSR1},
	{"SEGV", SIGSEGV},
	{"USR2", SIGUSR2},
	{"PIPE", SIGPIPE},
	{"ALRM", SIGALRM},
	{"TERM", SIGTERM},
	{"CHLD", SIGCHLD},
	{"CONT", SIGCONT},
	{"STOP", SIGSTOP},
	{"TSTP", SIGTSTP},
	{"TTIN", SIGTTIN},
	{"TTOU", SIGTTOU},
	{"URG", SIGURG},
	{"XCPU", SIGXCPU},
	{"XFSZ", SIGXFSZ},
	{"VTALRM", SIGVTALRM},
	{"PROF", SIGPROF},
	{"WINCH", SIGWINCH},
	{"IO", SIGIO},
	{"PWR", SIGPWR},
	{"SYS", SIGSYS},
	/* further names of those above */
	{"IOT", SIGABRT},
	{"CLD", SIGCHLD},
	{"POLL", SIGIO},
};

/* One or two digits and nothing else; -1 for anything else. */
static int small_number(const char *text)
{
	size_t length = strspn(text, "0123456789");
	return length >= 1 && length <= 2 && text[length] == '\0' ? atoi(text) : -1;
}

/* "RTMIN", "RTMIN+3", "RTMAX-1"; 0 for anything else. */
static int realtime_number(const char *text)
{
	bool from_last = strncasecmp(text, "RTMAX", 5) == 0;
	if (!from_last && strncasecmp(text, "RTMIN", 5) != 0)
		return 0;
	int number = from_last ? LAST_REALTIME : FIRST_REALTIME;
	if (text[5] != '\0') {
		int distance = text[5] == (from_last ? '-' : '+') ? small_number(text + 6) : -1;
		if (distance < 0 || distance > LAST_REALTIME - FIRST_REALTIME)
			return 0;
		number += from_last ? -distance : distance;
	}
	return number;
}

static int any_number(const char *given)
{
	int number = small_number(given);
	if (number >= 0)
		return number;
	if (strncasecmp(given, "SIG", 3) == 0)
		given += 3;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcasecmp(given, names[i].name) == 0)
			return names[i].number;
	}
	return realtime_number(given);
}

void signal_name(int number, char out[SIGNAL_NAME_SIZE])
{
	if (number == FIRST_REALTIME) {
		(void)snprintf(out, SIGNAL_NAME_SIZE, "SIGRTMIN");
		return;
	}
	if (number > FIRST_REALTIME && number <= LAST_REALTIME) {
		(void)snprintf(out, SIGNAL_NAME_SIZE, "SIGRTMIN+%d", number - FIRST_REALTIME);
		return;
	}
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (names[i].number == number) {
			(void)snprintf(out, SIGNAL_NAME_SIZE, "SIG%s", names[i].name);
			return;
		}
	}
	(void)snprintf(out, SIGNAL_NAME_SIZE, "signal %d", number);
}

bool signal_name_parse(const char *given, char out[SIGNAL_NAME_SIZE])
{
	char name[SIGNAL_NAME_SIZE];
	signal_name(any_number(given), name);
	if (strncmp(name, "SIG", 3) != 0)
		return false;
	memcpy(out, name, sizeof name);
	return true;
}

int signal_number(const char *name)
{
	char again[SIGNAL_NAME_SIZE];
	int number = any_number(name);
	signal_name(number, again);
	return strcmp(name, again) == 0 && strncmp(again, "SIG", 3) == 0 ? number : 0;
}

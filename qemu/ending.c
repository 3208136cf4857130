#include "ending.h"

#include <stddef.h>

static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

bool ending_is_ignored(int number)
{
	struct sigaction now;

	return sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

void ending_signals(sigset_t *out)
{
	(void)sigemptyset(out);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (!ending_is_ignored(ends[i]))
			(void)sigaddset(out, ends[i]);
	}
}

void ending_prepare_child(void)
{
	sigset_t blocked;

	(void)sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (!ending_is_ignored(ends[i]))
			(void)signal(ends[i], SIG_DFL);
		else if (ends[i] != SIGTERM)
			(void)sigaddset(&blocked, ends[i]);
	}
	(void)sigprocmask(SIG_SETMASK, &blocked, NULL);
}

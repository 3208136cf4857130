/* /run/initramfs/shutdown, the way back: at shutdown systemd makes /run/initramfs its root and this
 * program process 1, with what is to become of the machine as its argument; the scripts of other
 * inits call it where they are. init/BOOT.md describes it from outside. */
#include <stdbool.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../clock.h"
#include "../entry/say.h"
#include "place.h"
#include "processes.h"
#include "state.h"
#include "unmount.h"
#include "verb.h"
#include "watchdog.h"

enum { LIMIT_MS = 60000, POLL_MS = 10, FEED_MS = 1000 };

/* A disk that does not answer may hold whoever unmounts it for ever: not this process. */
static bool in_time(bool (*step)(bool pivoted), bool pivoted, const char *what)
{
	int status;
	pid_t child = fork();
	if (child == 0)
		_exit(step(pivoted) ? 0 : 1);
	if (child < 0)
		return step(pivoted);
	for (unsigned waited_ms = 0; waited_ms < LIMIT_MS; waited_ms += POLL_MS) {
		if (waitpid(child, &status, WNOHANG) == child)
			return WIFEXITED(status) && WEXITSTATUS(status) == 0;
		if (waited_ms % FEED_MS == 0)
			watchdog_feed();
		clock_sleep_ms(POLL_MS);
	}
	say("%s is not done after %d s", what, LIMIT_MS / 1000);
	return false;
}

static bool settle_state(bool pivoted)
{
	(void)pivoted;
	return state_settle();
}

static enum verb choose(int count, char **arguments)
{
	const char *word = count > 1 ? arguments[1] : "";
	enum verb verb = verb_find(word);
	if (getpid() != 1 || (verb != VERB_UNKNOWN && verb != VERB_STOP))
		return verb;
	say("shutdown does not know %s: rebooting instead", word);
	return VERB_REBOOT;
}

int main(int count, char **arguments)
{
	enum verb verb = choose(count, arguments);
	if (verb == VERB_UNKNOWN || geteuid() != 0) {
		(void)fputs(verb == VERB_UNKNOWN
				    ? "usage: shutdown poweroff|reboot|halt|kexec|stop\n"
				    : "shutdown: only root can\n",
			stderr);
		return 2;
	}
	bool pivoted = place_take();
	watchdog_take();
	if (getpid() != 1)
		processes_end();
	bool unmounted = in_time(unmount_all, pivoted, "unmounting");
	bool clean = in_time(settle_state, pivoted, "the state partition");
	if (verb == VERB_STOP)
		return unmounted && clean ? 0 : 1;
	verb_run(verb);
}

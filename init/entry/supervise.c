#include "supervise.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>

#include "say.h"

static const struct {
	int number;
	enum stop meaning;
} requests[] = {
	{SIGINT, STOP_REBOOT}, /* the kernel's, for Ctrl-Alt-Del */
	{SIGTERM, STOP_POWEROFF}, {SIGPWR, STOP_POWEROFF},
	{SIGUSR1, STOP_POWEROFF}, /* busybox's halt */
	{SIGUSR2, STOP_POWEROFF}, /* and its poweroff */
};
enum { REQUESTS = sizeof requests / sizeof requests[0] };

static sigset_t awaited;

void supervise_prepare(void)
{
	(void)sigemptyset(&awaited);
	(void)sigaddset(&awaited, SIGCHLD);
	for (size_t i = 0; i < REQUESTS; i++)
		(void)sigaddset(&awaited, requests[i].number);
	(void)sigprocmask(SIG_SETMASK, &awaited, NULL);
}

int supervise_descriptor(void)
{
	return signalfd(-1, &awaited, SFD_CLOEXEC | SFD_NONBLOCK);
}

enum stop supervise_meaning(int number)
{
	for (size_t i = 0; i < REQUESTS; i++) {
		if (requests[i].number == number)
			return requests[i].meaning;
	}
	return STOP_NONE;
}

static uint64_t now_ms(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static const uint64_t never = UINT64_MAX;

/* The next signal; 0 when it is time. */
static int next_signal(uint64_t deadline_ms)
{
	for (;;) {
		uint64_t now = now_ms(), left = deadline_ms > now ? deadline_ms - now : 0;
		struct timespec limit = {
			.tv_sec = (time_t)(left / 1000),
			.tv_nsec = (long)(left % 1000) * 1000000,
		};
		int number = sigtimedwait(&awaited, NULL, deadline_ms == never ? NULL : &limit);
		if (number > 0)
			return number;
		if (errno == EAGAIN)
			return 0;
	}
}

/* What has ended is reaped. True when `child` is among it, with its status. */
static bool reap(pid_t child, int *status)
{
	bool found = false;
	int one;
	for (pid_t ended; (ended = waitpid(-1, &one, WNOHANG)) > 0;) {
		if (ended == child) {
			found = true;
			*status = one;
		}
	}
	return found;
}

/* A request that came with the end counts, too. */
static void take_pending(struct ended *out)
{
	for (int number; (number = next_signal(0)) != 0;) {
		if (out->stop == STOP_NONE)
			out->stop = supervise_meaning(number);
	}
}

void supervise_program(pid_t program, const struct entryconf *conf, struct ended *out)
{
	const char *name = conf->arguments[0];
	uint64_t deadline = never;
	bool killed = false;
	while (!out->over) {
		int number = next_signal(deadline);
		if (number == SIGCHLD) {
			out->over = reap(program, &out->status);
		} else if (number == 0 && killed) {
			say("%s can't be ended: the kernel holds it", name);
			return;
		} else if (number == 0) {
			say("%s did not end within %d s of %s: killed", name,
				SUPERVISE_STOP_MS / 1000, conf->stop_signal);
			(void)kill(program, SIGKILL);
			killed = true;
			deadline = now_ms() + SUPERVISE_KILL_MS;
		} else {
			if (out->stop == STOP_NONE) {
				out->stop = supervise_meaning(number);
				deadline = now_ms() + SUPERVISE_STOP_MS;
				say("stopping %s: %s", name, conf->stop_signal);
			}
			(void)kill(program, signal_number(conf->stop_signal));
		}
	}
	take_pending(out);
}

/* True when no process is left that could be waited for. */
static bool all_ended_within(unsigned limit_ms)
{
	uint64_t deadline = now_ms() + limit_ms;
	for (;;) {
		pid_t ended = waitpid(-1, NULL, WNOHANG);
		if (ended < 0 && errno == ECHILD)
			return true;
		if (ended == 0 && next_signal(deadline) == 0)
			return false;
	}
}

void supervise_end_rest(unsigned patience_ms)
{
	(void)kill(-1, SIGTERM);
	(void)kill(-1, SIGCONT); /* who is stopped could not end */
	if (all_ended_within(patience_ms))
		return;
	(void)kill(-1, SIGKILL);
	if (!all_ended_within(SUPERVISE_KILL_MS))
		say("warning: a process can't be ended: the kernel holds it");
}

void supervise_child(pid_t child, unsigned limit_ms)
{
	uint64_t deadline = now_ms() + limit_ms;
	int status;
	while (!reap(child, &status)) {
		if (next_signal(deadline) == 0)
			return;
	}
}

enum stop supervise_pause(unsigned ms)
{
	uint64_t deadline = now_ms() + ms;
	for (int number; (number = next_signal(deadline)) != 0;) {
		if (supervise_meaning(number) != STOP_NONE)
			return supervise_meaning(number);
	}
	return STOP_NONE;
}

#include "scratch_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../layers/store.h"

enum { TRIES = 50, PAUSE_MS = 100, MOST_FDS = 1024 };

/* It outlives whoever waits for the end of our output, and for our locks. */
static void leave(int pipe_fd, int parent_fd)
{
	const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
	(void)setsid();
	for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
		(void)signal(ignored[i], SIG_IGN);
	for (int fd = 0; fd < MOST_FDS; fd++) {
		if (fd != pipe_fd && fd != parent_fd)
			(void)close(fd);
	}
}

/* Of a guest that is just being killed something may still be on its way. */
static void remove_all(const struct scratch *scratch)
{
	const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
	struct error ignored;
	for (int i = 0; i < TRIES; i++) {
		if (store_remove(scratch->parent_fd, scratch->name, &ignored) == 0)
			return;
		(void)nanosleep(&pause, NULL);
	}
}

static _Noreturn void guard_it(int pipe_fd, const struct scratch *scratch)
{
	ssize_t got;
	char byte;
	leave(pipe_fd, scratch->parent_fd);
	do
		got = read(pipe_fd, &byte, 1);
	while (got < 0 && errno == EINTR);
	if (got == 0)
		remove_all(scratch);
	_exit(0);
}

int scratch_guard_begin(const struct scratch *scratch, struct scratch_guard *out, struct error *e)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return error_errno(e, errno, "pipe for who guards a temporary directory");
	pid_t pid = fork();
	if (pid == 0)
		guard_it(ends[0], scratch);
	(void)close(ends[0]);
	if (pid < 0) {
		int saved = errno;
		(void)close(ends[1]);
		return error_errno(e, saved, "fork who guards a temporary directory");
	}
	*out = (struct scratch_guard){.pipe_fd = ends[1], .pid = pid};
	return 0;
}

void scratch_guard_end(struct scratch_guard *guard)
{
	int saved = errno;
	if (guard->pipe_fd < 0)
		return;
	(void)!write(guard->pipe_fd, "x", 1);
	(void)close(guard->pipe_fd);
	while (waitpid(guard->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	*guard = (struct scratch_guard)SCRATCH_GUARD_INIT;
	errno = saved;
}

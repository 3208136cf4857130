#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../layers/scope.h"
#include "ending.h"

enum { KILL_AFTER_MS = 2000, STEP_MS = 5 };

long long process_clock_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* can't fail for this clock */
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

int process_find(const char *program, const char *package, char path[PATH_MAX], struct error *e)
{
	const char *list = getenv("PATH");

	/* An empty part would mean the working directory: nobody wants QEMU from there. */
	for (const char *part = list ? list : ""; *part != '\0';) {
		size_t length = strcspn(part, ":");
		int used = snprintf(path, PATH_MAX, "%.*s/%s", (int)length, part, program);

		if (length > 0 && used > 0 && used < PATH_MAX && is_program(path))
			return 0;
		part += length;
		part += *part == ':';
	}
	return error_set(e, ERROR_MISSING, 0, "%s is not in PATH: install Debian's package %s",
		program, package);
}

static void become(const char *path, char *const arguments[], const int *keep, size_t keep_count,
	int output_fd, pid_t parent)
{
	const struct rlimit no_core = {0, 0}; /* QEMU aborts on some broken KVMs */
	int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)setrlimit(RLIMIT_CORE, &no_core);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(127); /* the parent ended before the signal was asked for */
	/* A handler of the caller's would swallow what is sent to end us before execv(). */
	ending_prepare_child();
	if (null_fd < 0 || dup2(null_fd, 0) < 0 || dup2(output_fd, 1) < 0 || dup2(output_fd, 2) < 0)
		_exit(127);
	for (size_t i = 0; i < keep_count; i++) {
		if (fcntl(keep[i], F_SETFD, 0))
			_exit(127);
	}
	(void)execv(path, arguments);
	(void)dprintf(2, "%s: %s\n", path, strerror(errno));
	_exit(127);
}

int process_start(const char *path, char *const arguments[], const int *keep, size_t keep_count,
	struct process *process, struct error *e)
{
	SCOPED_FD read_fd = -1;
	SCOPED_FD write_fd = -1;
	pid_t parent = getpid();
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return error_errno(e, errno, "pipe for %s", path);
	read_fd = ends[0];
	write_fd = ends[1];
	pid = fork();
	if (pid < 0)
		return error_errno(e, errno, "fork for %s", path);
	if (pid == 0)
		become(path, arguments, keep, keep_count, write_fd, parent);
	process->pid = pid;
	process->output_fd = scope_take_fd(&read_fd);
	return 0;
}

/* True when the child has ended; its status then is in *status. */
static bool wait_for(pid_t pid, unsigned patience_ms, int *status)
{
	const struct timespec step = {.tv_nsec = STEP_MS * 1000000L};
	long long until_ms = process_clock_ms() + patience_ms;

	for (;;) {
		pid_t got = waitpid(pid, status, WNOHANG);

		if (got == pid)
			return true;
		if (got < 0 && errno != EINTR) {
			*status = -1;
			return true;
		}
		if (process_clock_ms() >= until_ms)
			return false;
		(void)nanosleep(&step, NULL);
	}
}

int process_end(struct process *process, unsigned patience_ms)
{
	int status = -1;

	if (!wait_for(process->pid, patience_ms, &status)) {
		(void)kill(process->pid, SIGTERM);
		if (!wait_for(process->pid, KILL_AFTER_MS, &status)) {
			(void)kill(process->pid, SIGKILL);
			while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR)
				;
		}
	}
	(void)close(process->output_fd);
	process->output_fd = -1;
	return status;
}

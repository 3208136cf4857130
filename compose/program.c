#include "program.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "../layers/scope.h"
#include "interrupt.h"
#include "output.h"
#include "report.h"

static bool is_program(const char *path)
{
	return access(path, X_OK) == 0;
}

int program_find(const char *name, const char *package, char path[PATH_MAX], struct error *e)
{
	SCOPED_FREE char *places = NULL;
	const char *own = getenv("PATH");
	if (asprintf(&places, "%s:/usr/sbin:/sbin", own != NULL ? own : "/usr/bin:/bin") < 0) {
		places = NULL;
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	}
	char *rest = places;
	for (char *place; (place = strsep(&rest, ":")) != NULL;) {
		int length = snprintf(path, PATH_MAX, "%s/%s", place, name);
		if (place[0] == '/' && length < PATH_MAX && is_program(path))
			return 0;
	}
	report_hint("on Debian it is in the package %s: apt-get install %s", package, package);
	return error_set(e, ERROR_MISSING, 0, "the program %s is not there", name);
}

/* --- the child */

struct pipes {
	int input; /* no pipe but a file in memory: nobody waits for anybody */
	int output[2], errors[2];
};

static void close_pipes(struct pipes *pipes)
{
	scope_close(&pipes->input);
	for (size_t i = 0; i < 2; i++) {
		scope_close(&pipes->output[i]);
		scope_close(&pipes->errors[i]);
	}
}

_Noreturn static void become(const struct program_run *run, const struct pipes *pipes)
{
	if (dup2(pipes->input, STDIN_FILENO) < 0 || dup2(pipes->output[1], STDOUT_FILENO) < 0 ||
		dup2(pipes->errors[1], STDERR_FILENO) < 0)
		_exit(126);
	/* Before PROGRAM_FD is taken: the directory may be that. */
	if (run->directory_fd >= 0 && fchdir(run->directory_fd) != 0)
		_exit(126);
	if (run->keep_fd == PROGRAM_FD && fcntl(PROGRAM_FD, F_SETFD, 0) != 0)
		_exit(126);
	if (run->keep_fd >= 0 && dup2(run->keep_fd, PROGRAM_FD) < 0)
		_exit(126);
	(void)setenv("LC_ALL", "C", 1);
	for (const char *const *word = run->environment; word != NULL && *word != NULL; word++)
		(void)putenv((char *)(uintptr_t)*word);
	(void)alarm(run->limit_s); /* should it close its output and stay */
	execv(run->path, (char *const *)(uintptr_t)run->arguments);
	_exit(127);
}

/* --- the parent */

static int make_input(const struct program_run *run, struct error *e)
{
	SCOPED_FD fd = memfd_create("input", MFD_CLOEXEC);
	size_t size = run->input != NULL ? strlen(run->input) : 0;
	if (fd < 0 || write_all(fd, run->input, size) != 0 || lseek(fd, 0, SEEK_SET) != 0)
		return error_errno(e, errno, "input for %s", run->path);
	return scope_take_fd(&fd);
}

/* What fits of what a program says. */
struct said {
	size_t used;
	char text[PROGRAM_OUTPUT_SIZE];
};

static void listen(struct said *said, const char *data, size_t size_bytes)
{
	for (size_t i = 0; i < size_bytes && said->used + 1 < sizeof said->text; i++) {
		char c = data[i];
		said->text[said->used++] = (c >= ' ' && c != 127) || c == '\n' ? c : '?';
	}
	said->text[said->used] = '\0';
}

/* Take what one of the two pipes has; closes it at its end. */
static int drain(const struct program_run *run, struct pollfd *from, bool to_sink,
	struct said *said, struct error *e)
{
	char chunk[64 * 1024];
	ssize_t got = read(from->fd, chunk, sizeof chunk);
	if (got < 0 && errno == EINTR)
		return 0;
	if (got < 0)
		return error_errno(e, errno, "read from %s", run->path);
	if (got == 0)
		from->fd = -1;
	else if (to_sink)
		return run->sink(run->context, chunk, (size_t)got, e);
	else
		listen(said, chunk, (size_t)got);
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec now = {0};
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int took_longer(const struct program_run *run, struct error *e)
{
	return error_set(
		e, ERROR_IO, 0, "%s took longer than %u s", run->arguments[0], run->limit_s);
}

/* Till a program's limit, for poll(). -1: it has none; 0: it is over, and `e` says so. */
static int left_ms(const struct program_run *run, int64_t start_ms, struct error *e)
{
	if (run->limit_s == 0)
		return -1;
	int64_t left = start_ms + (int64_t)run->limit_s * 1000 - now_ms();
	if (left > 0)
		return left > INT_MAX ? INT_MAX : (int)left;
	(void)took_longer(run, e);
	return 0;
}

static int take_output(const struct program_run *run, const struct pipes *pipes, struct said *said,
	struct error *e)
{
	struct pollfd from[2] = {{pipes->output[0], POLLIN, 0}, {pipes->errors[0], POLLIN, 0}};
	const int64_t start_ms = now_ms();
	while (from[0].fd >= 0 || from[1].fd >= 0) {
		int left = left_ms(run, start_ms, e);
		if (left == 0)
			return -1;
		if (poll(from, 2, left) < 0) {
			if (interrupt_check(e) != 0)
				return -1;
			if (errno == EINTR)
				continue;
			return error_errno(e, errno, "poll");
		}
		for (size_t i = 0; i < 2; i++) {
			if (from[i].fd >= 0 && from[i].revents != 0 &&
				drain(run, &from[i], i == 0 && run->sink != NULL, said, e) != 0)
				return -1;
		}
	}
	return 0;
}

static int await(pid_t child, int *status)
{
	while (waitpid(child, status, 0) < 0) {
		if (errno != EINTR)
			return -1;
	}
	return 0;
}

/* The last line of what a program said is the one that says why. */
static const char *last_line(struct said *said)
{
	while (said->used > 0 && said->text[said->used - 1] == '\n')
		said->text[--said->used] = '\0';
	const char *line = strrchr(said->text, '\n');
	return line == NULL ? said->text : line + 1;
}

static int judge(const struct program_run *run, int status, struct said *said, struct error *e)
{
	const char *name = run->arguments[0];
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM && run->limit_s > 0)
		return took_longer(run, e);
	if (WIFSIGNALED(status))
		return error_set(
			e, ERROR_IO, 0, "%s was ended by signal %d", name, WTERMSIG(status));
	if (WEXITSTATUS(status) == 127 || WEXITSTATUS(status) == 126)
		return error_set(e, ERROR_IO, 0, "%s can't be started", run->path);
	return error_set(e, ERROR_IO, 0, "%s failed with %d: %s", name, WEXITSTATUS(status),
		last_line(said));
}

static int start(const struct program_run *run, struct pipes *pipes, pid_t *child, struct error *e)
{
	pipes->input = make_input(run, e);
	if (pipes->input < 0)
		return -1;
	if (pipe2(pipes->output, O_CLOEXEC) != 0 || pipe2(pipes->errors, O_CLOEXEC) != 0)
		return error_errno(e, errno, "a pipe to %s", run->path);
	fflush(stdout);
	*child = fork();
	if (*child < 0)
		return error_errno(e, errno, "a process for %s", run->path);
	if (*child == 0)
		become(run, pipes);
	scope_close(&pipes->output[1]);
	scope_close(&pipes->errors[1]);
	pipes->output[1] = pipes->errors[1] = -1;
	return 0;
}

int program_run(const struct program_run *run, struct error *e)
{
	struct pipes pipes = {-1, {-1, -1}, {-1, -1}};
	struct said said = {0};
	pid_t child = -1;
	int status = 0;
	if (interrupt_check(e) != 0)
		return -1;
	if (start(run, &pipes, &child, e) != 0) {
		close_pipes(&pipes);
		return -1;
	}
	int result = take_output(run, &pipes, &said, e);
	if (result != 0)
		(void)kill(child, run->limit_s > 0 ? SIGKILL : SIGTERM);
	close_pipes(&pipes);
	if (await(child, &status) != 0 && result == 0)
		return error_errno(e, errno, "wait for %s", run->path);
	return result == 0 ? judge(run, status, &said, e) : -1;
}

#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../layers/scope.h"

enum { CTRL_A = 1 };

bool terminal_present(void)
{
	return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
}

/* Lives until its pipe ends (we died) or says that all is well. */
static void guard_terminal(int pipe_fd, int fd, const struct termios *saved)
{
	const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTTOU, SIGTSTP};
	ssize_t got;
	char byte;

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		(void)signal(ignored[i], SIG_IGN);
	do
		got = read(pipe_fd, &byte, 1);
	while (got < 0 && errno == EINTR);
	if (got == 0)
		(void)tcsetattr(fd, TCSANOW, saved);
	_exit(0);
}

static int start_guard(struct terminal *terminal, int fd, struct error *e)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return error_errno(e, errno, "pipe for the terminal's guard");
	terminal->guard = fork();
	if (terminal->guard == 0) {
		(void)close(ends[1]);
		guard_terminal(ends[0], fd, &terminal->saved);
	}
	(void)close(ends[0]);
	if (terminal->guard < 0) {
		(void)close(ends[1]);
		return error_errno(e, errno, "fork for the terminal's guard");
	}
	terminal->guard_fd = ends[1];
	return 0;
}

static void end_guard(struct terminal *terminal)
{
	(void)!write(terminal->guard_fd, "x", 1);
	(void)close(terminal->guard_fd);
	terminal->guard_fd = -1;
	while (waitpid(terminal->guard, NULL, 0) < 0 && errno == EINTR)
		;
}

int terminal_raw(struct terminal *terminal, int fd, struct error *e)
{
	struct termios raw;

	if (tcgetattr(fd, &terminal->saved))
		return error_errno(e, errno, "settings of the terminal");
	if (start_guard(terminal, fd, e))
		return -1;
	raw = terminal->saved;
	cfmakeraw(&raw);
	if (tcsetattr(fd, TCSANOW, &raw)) {
		int saved_errno = errno;
		end_guard(terminal);
		return error_errno(e, saved_errno, "raw mode of the terminal");
	}
	terminal->fd = fd;
	return 0;
}

void terminal_restore(struct terminal *terminal)
{
	if (terminal->fd < 0)
		return;
	(void)tcsetattr(terminal->fd, TCSANOW, &terminal->saved);
	terminal->fd = -1;
	end_guard(terminal);
}

size_t terminal_keys_pass(struct terminal_keys *keys, const char *in, size_t length, char *out)
{
	size_t used = 0;

	for (size_t i = 0; i < length && !keys->left; i++) {
		if (!keys->escaped && in[i] == CTRL_A) {
			keys->escaped = true;
			continue;
		}
		if (keys->escaped && (in[i] == 'x' || in[i] == 'X'))
			keys->left = true;
		else if (!keys->escaped || in[i] == CTRL_A)
			out[used++] = in[i];
		keys->escaped = false;
	}
	return used;
}

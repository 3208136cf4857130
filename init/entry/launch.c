#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ceilings.h"
#include "scope.h"
#include "surroundings.h"

static const char *value_of(const char *const *variables, const char *name)
{
	size_t length = strlen(name);
	for (; *variables != NULL; variables++) {
		if (strncmp(*variables, name, length) == 0 && (*variables)[length] == '=')
			return *variables + length + 1;
	}
	return NULL;
}

int launch_environment(const struct entryconf *conf, const char *home,
	char home_variable[LAUNCH_HOME_SIZE], const char ***out, struct error *e)
{
	const struct {
		const char *name, *variable;
	} defaults[] = {
		{"PATH", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
		{"HOME", home_variable},
		{"TERM", "TERM=linux"},
	};
	enum { DEFAULTS = sizeof defaults / sizeof defaults[0] };
	size_t count = conf->variable_count;
	const char **variables = calloc(count + DEFAULTS + 1, sizeof *variables);
	if (variables == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory for the environment");
	(void)snprintf(home_variable, LAUNCH_HOME_SIZE, "HOME=%s", home);
	for (size_t i = 0; i < count; i++)
		variables[i] = conf->variables[i];
	for (size_t i = 0; i < DEFAULTS; i++) {
		if (value_of(variables, defaults[i].name) == NULL)
			variables[count++] = defaults[i].variable;
	}
	*out = variables;
	return 0;
}

/* --- the program */

/* Why it did not run, from the errno of execve(2) and what is there. */
static int explain(const char *path, int why, struct error *e)
{
	struct stat st;
	bool there = stat(path, &st) == 0;
	if (why == ENOENT && there)
		return error_set(e, ERROR_MISSING, 0,
			"run `%s`: the interpreter that it needs (of its first line, or the "
			"dynamic loader) is not there",
			path);
	if (why == ENOENT)
		return error_set(e, ERROR_MISSING, 0, "the program `%s` is not there", path);
	if (why == EACCES && there && !S_ISREG(st.st_mode))
		return error_set(e, ERROR_TYPE, 0, "the program `%s` is no file", path);
	if (why == EACCES)
		return error_set(e, ERROR_TYPE, 0,
			"the program `%s` is not executable, or not for this user", path);
	if (why == ENOEXEC)
		return error_set(e, ERROR_TYPE, 0,
			"the program `%s` is made for another machine, or a script without a first "
			"line #!",
			path);
	return error_errno(e, why, "run `%s`", path);
}

/* As execvp(3) searches, but along the PATH that the program will have. */
static int search(
	const char *directories, char *const *arguments, char *const *environment, struct error *e)
{
	const char *name = arguments[0];
	struct error found = {.code = ERROR_NONE};
	for (const char *at = directories;; at++) {
		char path[LIMIT_PATH_BYTES + 1];
		struct stat st;
		size_t length = strcspn(at, ":");
		int used = snprintf(path, sizeof path, "%.*s%s%s", (int)length, at,
			length == 0 ? "./" : "/", name);
		if (used > 0 && (size_t)used < sizeof path) {
			(void)execve(path, arguments, environment);
			int why = errno;
			bool there = stat(path, &st) == 0 && S_ISREG(st.st_mode);
			if (there && found.code == ERROR_NONE)
				(void)explain(path, why, &found);
			if (there && why != EACCES)
				break;
		}
		at += length;
		if (*at == '\0')
			break;
	}
	if (found.code == ERROR_NONE)
		return error_set(e, ERROR_MISSING, 0,
			"the program `%s` is in no directory of its PATH, %s", name, directories);
	*e = found;
	return -1;
}

static int run(const struct entryconf *conf, const char *home, struct error *e)
{
	char home_variable[LAUNCH_HOME_SIZE];
	const char **variables;
	if (launch_environment(conf, home, home_variable, &variables, e) != 0)
		return -1;
	/* execve(2) changes neither, whatever its prototype says. */
	char *const *arguments = (char *const *)conf->arguments;
	char *const *environment = (char *const *)variables;
	if (strchr(arguments[0], '/') == NULL)
		return search(value_of(variables, "PATH"), arguments, environment, e);
	(void)execve(arguments[0], arguments, environment);
	return explain(arguments[0], errno, e);
}

/* --- the process */

/* As its controlling terminal, so that ^C works, and its own, so that it can open /dev/stdout. */
static void take_console(const struct identity *who)
{
	int fd = open("/dev/console", O_RDWR | O_NOCTTY);
	if (fd >= 0) {
		(void)ioctl(fd, TIOCSCTTY, 1);
		(void)fchown(fd, who->uid, (gid_t)-1);
	} else {
		fd = open("/dev/null", O_RDWR);
	}
	for (int target = 0; fd >= 0 && target <= 2; target++) {
		if (fd != target)
			(void)dup2(fd, target);
	}
	if (fd > 2)
		(void)close(fd);
}

/* Its own, so that it can open /dev/stdout. */
static void take_streams(const struct launch_streams *streams, const struct identity *who)
{
	if (streams->terminal)
		(void)ioctl(streams->fds[0], TIOCSCTTY, 1);
	for (int target = 0; target <= 2; target++) {
		(void)fchown(streams->fds[target], who->uid, (gid_t)-1);
		(void)dup2(streams->fds[target], target);
	}
}

static int become(const struct identity *who, struct error *e)
{
	if (setgroups(who->group_count, who->groups) != 0 ||
		setresgid(who->gid, who->gid, who->gid) != 0 ||
		setresuid(who->uid, who->uid, who->uid) != 0)
		return error_set(
			e, ERROR_KERNEL, errno, "become uid %u, gid %u", who->uid, who->gid);
	return 0;
}

/* In the child: what it returns from has failed. */
static int run_child(const struct entryconf *conf, const struct identity *who,
	const struct launch_streams *streams, struct error *e)
{
	sigset_t none;
	(void)setsid();
	if (streams != NULL)
		take_streams(streams, who);
	else
		take_console(who);
	(void)umask(022);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (surroundings_enter(conf->directory, e) != 0 || become(who, e) != 0)
		return -1;
	return run(conf, who->home, e);
}

/* The child's end of the pipe closes when the program runs, or brings why it does not. */
static int read_failure(int fd, struct error *e)
{
	struct error why;
	ssize_t got;
	do
		got = read(fd, &why, sizeof why);
	while (got < 0 && errno == EINTR);
	if (got == 0)
		return 0;
	if (got != (ssize_t)sizeof why)
		return error_set(e, ERROR_IO, 0, "the program's process said nothing");
	*e = why;
	return -1;
}

int launch(const struct entryconf *conf, const struct identity *who,
	const struct launch_streams *streams, pid_t *out, struct error *e)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return error_set(e, ERROR_KERNEL, errno, "pipe");
	SCOPED_FD from = ends[0];
	pid_t pid = fork();
	if (pid == 0) {
		struct error why = {.code = ERROR_NONE};
		(void)run_child(conf, who, streams, &why);
		(void)!write(ends[1], &why, sizeof why);
		_exit(127);
	}
	int fork_errno = errno;
	(void)close(ends[1]);
	if (pid < 0)
		return error_errno(e, fork_errno, "start a process");
	if (read_failure(from, e) != 0)
		return -1;
	*out = pid;
	return 0;
}

/* init/entry/: what becomes of the machine, and the environment of the program. */
#include <signal.h>
#include <stdlib.h>

#include "init/entry/launch.h"
#include "init/entry/say.h"
#include "init/entry/shutdown.h"
#include "tap.h"

static const int exited_0 = 0, exited_1 = 1 << 8, killed = SIGKILL;

static enum machine_end choose(
	bool started, int status, enum stop stop, enum entryconf_exit on_exit)
{
	struct ended ended = {.started = started, .over = started, .status = status, .stop = stop};
	return shutdown_choose(&ended, on_exit);
}

static void test_ends(void)
{
	const enum entryconf_exit by_status = ENTRYCONF_EXIT_STATUS, off = ENTRYCONF_EXIT_POWEROFF,
				  again = ENTRYCONF_EXIT_REBOOT;
	is_int(choose(true, exited_0, STOP_NONE, by_status), MACHINE_OFF, "0: off");
	is_int(choose(true, exited_1, STOP_NONE, by_status), MACHINE_REBOOT, "1: reboot");
	is_int(choose(true, killed, STOP_NONE, by_status), MACHINE_REBOOT, "a signal: reboot");
	is_int(choose(false, 0, STOP_NONE, by_status), MACHINE_REBOOT, "not started: reboot");
	is_int(choose(true, exited_1, STOP_NONE, off), MACHINE_OFF, "on-exit poweroff");
	is_int(choose(false, 0, STOP_NONE, off), MACHINE_OFF, "... not started");
	is_int(choose(true, exited_0, STOP_NONE, again), MACHINE_REBOOT, "on-exit reboot");
	for (int i = 0; i < ENTRYCONF_EXITS; i++) {
		const enum entryconf_exit on_exit = (enum entryconf_exit)i;
		is_int(choose(true, exited_1, STOP_POWEROFF, on_exit), MACHINE_OFF,
			"whatever on-exit says: off when that is asked for");
		is_int(choose(true, exited_0, STOP_REBOOT, on_exit), MACHINE_REBOOT,
			"... and a reboot");
	}
	struct ended held = {.started = true, .over = false};
	is_int(shutdown_choose(&held, by_status), MACHINE_REBOOT, "can't be ended: reboot");
}

static void test_signals(void)
{
	is_int(supervise_meaning(SIGTERM), STOP_POWEROFF, "SIGTERM");
	is_int(supervise_meaning(SIGPWR), STOP_POWEROFF, "SIGPWR");
	is_int(supervise_meaning(SIGUSR2), STOP_POWEROFF, "SIGUSR2");
	is_int(supervise_meaning(SIGINT), STOP_REBOOT, "SIGINT");
	is_int(supervise_meaning(SIGCHLD), STOP_NONE, "SIGCHLD asks for nothing");
	is_int(supervise_meaning(SIGHUP), STOP_NONE, "SIGHUP neither");
}

static void has_environment(const char **variables, size_t count, const char *home,
	const char *const *wanted, const char *name)
{
	struct entryconf conf = {.variables = variables, .variable_count = count};
	char home_variable[LAUNCH_HOME_SIZE];
	const char **got;
	struct error e;
	size_t i = 0;
	if (!ok(launch_environment(&conf, home, home_variable, &got, &e) == 0, "%s", name))
		return;
	for (; wanted[i] != NULL; i++)
		is_str(got[i], wanted[i], "... %s", wanted[i]);
	ok(got[i] == NULL, "... and no more");
	free(got);
}

#define PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static void test_environment(void)
{
	const char *none[] = {NULL}, *some[] = {"A=1", "HOMES=x", NULL};
	const char *all[] = {"TERM=vt100", "PATH=", "HOME=/x", NULL};
	has_environment(none, 0, "/root",
		(const char *const[]){PATH, "HOME=/root", "TERM=linux", NULL}, "nothing given");
	has_environment(some, 2, "/",
		(const char *const[]){"A=1", "HOMES=x", PATH, "HOME=/", "TERM=linux", NULL},
		"others given");
	has_environment(all, 3, "/root",
		(const char *const[]){"TERM=vt100", "PATH=", "HOME=/x", NULL}, "all given");
}

static void test_advice(void)
{
	static const enum error_code occur[] = {ERROR_FORMAT, ERROR_LIMIT, ERROR_CONFIG, ERROR_TYPE,
		ERROR_MISSING, ERROR_NOSPACE, ERROR_KERNEL, ERROR_IO};
	for (size_t i = 0; i < sizeof occur / sizeof occur[0]; i++)
		ok(say_advice(occur[i]) != NULL, "%s: what to do is said",
			error_code_name(occur[i]));
	ok(say_advice(ERROR_SIGNATURE) == NULL, "SIGNATURE does not occur");
}

int main(void)
{
	test_ends();
	test_signals();
	test_environment();
	test_advice();
	return done();
}

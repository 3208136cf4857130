#include "boot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "console.h"
#include "watchdog.h"

enum { READING_MS = 1000 }; /* for who watches the console, before it scrolls away */

static _Noreturn void halt(void)
{
	sync();
	console_drain();
	(void)reboot((int)RB_HALT_SYSTEM);
	for (;;)
		(void)pause();
}

static _Noreturn void restart(void)
{
	console_alert("rebooting");
	sync();
	console_drain();
	clock_sleep_ms(READING_MS);
	(void)reboot(RB_AUTOBOOT);
	console_alert("the kernel does not reboot: %s", strerror(errno));
	halt();
}

/* On the console, with it as the controlling terminal, so that ^C works. */
static _Noreturn void become_shell(const char *path)
{
	static char name[] = "sh", search[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	static char home[] = "HOME=/", term[] = "TERM=linux";
	char *const arguments[] = {name, NULL};
	char *const environment[] = {search, home, term, NULL};
	(void)setsid();
	int console = open("/dev/console", O_RDWR | O_CLOEXEC);
	if (console >= 0) {
		(void)ioctl(console, TIOCSCTTY, 1);
		for (int fd = 0; fd <= 2; fd++)
			(void)dup2(console, fd);
	}
	(void)execve(path, arguments, environment);
	console_alert("the shell %s can't be run: %s", path, strerror(errno));
	_exit(127);
}

/* Until the shell is left; PID 1 reaps whatever else ends meanwhile. */
static void run_shell(const char *path)
{
	console_alert("a shell (%s): leaving it reboots", path);
	pid_t shell = fork();
	if (shell == 0)
		become_shell(path);
	if (shell < 0) {
		console_alert("the shell can't be started: %s", strerror(errno));
		return;
	}
	for (;;) {
		pid_t ended = waitpid(-1, NULL, 0);
		if (ended == shell || (ended < 0 && errno != EINTR))
			return;
	}
}

_Noreturn void ending_run(const struct boot *boot, const struct error *why)
{
	struct error ignored;
	enum on_failure what = boot->settings.shell ? ON_FAILURE_SHELL : boot->on_failure;
	console_error("this system does not boot", why);
	report_say_failures(&boot->report);
	(void)report_write(&boot->report, &ignored); /* for the shell */
	if (what == ON_FAILURE_SHELL && boot->conf.shell == NULL) {
		console_alert("a shell is asked for, but init.conf allows none: it takes a line "
			      "`shell PATH`");
		what = ON_FAILURE_HALT;
	}
	if (what != ON_FAILURE_REBOOT)
		watchdog_stop();
	if (what == ON_FAILURE_SHELL) {
		run_shell(boot->conf.shell);
		restart();
	}
	if (what == ON_FAILURE_REBOOT)
		restart();
	console_alert("halted; switch off or reset this machine");
	halt();
}

#include "verb.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <stddef.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "../entry/say.h"
#include "scope.h"
#include "watchdog.h"

struct action {
	const char *word, *doing;
	enum verb verb, or_else; /* should the kernel refuse */
	int command;
};

static const struct action actions[] = {
	{"poweroff", "powering off", VERB_POWEROFF, VERB_HALT, RB_POWER_OFF},
	{"reboot", "rebooting", VERB_REBOOT, VERB_HALT, RB_AUTOBOOT},
	{"halt", "halted; switch off or reset this machine", VERB_HALT, VERB_STOP,
		(int)RB_HALT_SYSTEM},
	{"kexec", "starting the kernel that is loaded", VERB_KEXEC, VERB_REBOOT, RB_KEXEC},
	{"stop", NULL, VERB_STOP, VERB_STOP, 0},
};
enum { ACTIONS = sizeof actions / sizeof actions[0] };

enum verb verb_find(const char *word)
{
	for (size_t i = 0; i < ACTIONS; i++) {
		if (strcmp(actions[i].word, word) == 0)
			return actions[i].verb;
	}
	return VERB_UNKNOWN;
}

/* Where a boot loader can see it: `systemctl reboot recovery`. */
static void reboot_with_parameter(void)
{
	char parameter[256];
	SCOPED_FD fd = open("/run/systemd/reboot-param", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t got = fd >= 0 ? read(fd, parameter, sizeof parameter - 1) : 0;
	if (got <= 0)
		return;
	parameter[got] = '\0';
	parameter[strcspn(parameter, "\n")] = '\0';
	if (parameter[0] != '\0')
		(void)syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
			LINUX_REBOOT_CMD_RESTART2, parameter);
}

static void flush_console(void)
{
	SCOPED_FD console = open("/dev/console", O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (console >= 0)
		(void)tcdrain(console);
}

static enum verb try(const struct action *action)
{
	if (action->verb == VERB_HALT)
		watchdog_stop();
	watchdog_feed();
	say("%s", action->doing);
	flush_console();
	if (action->verb == VERB_REBOOT)
		reboot_with_parameter();
	(void)reboot(action->command);
	say("the kernel does not: %s", strerror(errno));
	return action->or_else;
}

static const struct action *find(enum verb verb)
{
	for (size_t i = 0; i < ACTIONS; i++) {
		if (actions[i].verb == verb && verb != VERB_STOP)
			return &actions[i];
	}
	return NULL;
}

_Noreturn void verb_run(enum verb verb)
{
	const struct action *action;
	while ((action = find(verb)) != NULL)
		verb = try(action);
	for (;;)
		(void)pause();
}

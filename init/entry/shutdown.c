#include "shutdown.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "say.h"
#include "scope.h"

enum { PAUSE_MS = 5000, FLUSH_MS = 60000 };

enum machine_end shutdown_choose(const struct ended *ended, enum entryconf_exit on_exit)
{
	if (ended->stop != STOP_NONE)
		return ended->stop == STOP_REBOOT ? MACHINE_REBOOT : MACHINE_OFF;
	if (on_exit != ENTRYCONF_EXIT_STATUS)
		return on_exit == ENTRYCONF_EXIT_REBOOT ? MACHINE_REBOOT : MACHINE_OFF;
	bool fine = ended->started && ended->over && WIFEXITED(ended->status) &&
		    WEXITSTATUS(ended->status) == 0;
	return fine ? MACHINE_OFF : MACHINE_REBOOT;
}

void shutdown_say(const char *program, const struct ended *ended)
{
	char name[SIGNAL_NAME_SIZE];
	if (!ended->over)
		return; /* which has been said */
	if (!WIFSIGNALED(ended->status)) {
		say("%s exited with status %d", program, WEXITSTATUS(ended->status));
		return;
	}
	signal_name(WTERMSIG(ended->status), name);
	say("%s was killed by %s%s", program, name,
		WCOREDUMP(ended->status) ? ", and left a core file" : "");
}

/* File systems of memory or of the kernel itself: there is nothing to save. */
static bool is_lasting(const char *type)
{
	static const char *const passing[] = {"proc", "sysfs", "devtmpfs", "tmpfs", "devpts",
		"mqueue", "cgroup", "cgroup2", "debugfs", "tracefs", "securityfs", "rootfs",
		"ramfs", "overlay"};
	for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++) {
		if (strcmp(type, passing[i]) == 0)
			return false;
	}
	return true;
}

static void make_read_only(const char *path)
{
	if (mount(NULL, path, NULL, MS_REMOUNT | MS_RDONLY, NULL) != 0 && errno != EROFS)
		say("warning: %s can't be made read-only: %s", path, strerror(errno));
}

/* The root first: what it writes to can't be read-only before it is itself. Unmounting would not
 * do: the overlay goes on writing to a state partition that is no longer mounted anywhere. */
static void make_all_read_only(void)
{
	sync();
	make_read_only("/");
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *one;
	while (mounts != NULL && (one = getmntent(mounts)) != NULL) {
		if (is_lasting(one->mnt_type) && strcmp(one->mnt_dir, "/") != 0)
			make_read_only(one->mnt_dir);
	}
	if (mounts != NULL)
		(void)endmntent(mounts);
	sync();
}

/* A disk that does not answer may hold whoever writes to it for ever: not process 1. */
static void flush(const char *last_words)
{
	pid_t child = fork();
	if (child > 0) {
		supervise_child(child, FLUSH_MS);
		return;
	}
	make_all_read_only();
	if (last_words != NULL)
		say("%s", last_words);
	if (child < 0)
		return;
	SCOPED_FD console = open("/dev/console", O_WRONLY | O_NOCTTY | O_NONBLOCK);
	if (console >= 0)
		(void)tcdrain(console);
	_exit(0);
}

void shutdown_settle(unsigned patience_ms)
{
	supervise_end_rest(patience_ms);
	flush(NULL);
}

_Noreturn void shutdown_off(enum machine_end end)
{
	(void)reboot(end == MACHINE_REBOOT ? RB_AUTOBOOT : RB_POWER_OFF);
	say("the kernel does not: %s; switch off or reset this machine", strerror(errno));
	(void)reboot((int)RB_HALT_SYSTEM);
	for (;;)
		(void)pause();
}

_Noreturn void shutdown_run(const struct ended *ended, enum machine_end end)
{
	supervise_end_rest(SUPERVISE_REST_MS);
	if (end == MACHINE_REBOOT && ended->stop == STOP_NONE) {
		say("rebooting in %d s", PAUSE_MS / 1000);
		if (supervise_pause(PAUSE_MS) == STOP_POWEROFF)
			end = MACHINE_OFF;
	}
	flush(end == MACHINE_REBOOT ? "rebooting" : "powering off");
	shutdown_off(end);
}

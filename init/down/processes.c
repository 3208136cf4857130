#include "processes.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../clock.h"
#include "../entry/say.h"
#include "scope.h"
#include "watchdog.h"

enum { PATIENCE_MS = 5000, POLL_MS = 20 };

/* State, and session: fields 3 and 6 of proc_pid_stat(5), from " S 1 2 3 ..." on. */
static bool is_other_session(const char *fields)
{
	const char *at = fields;
	for (int blanks = 0; blanks < 3 && at != NULL; blanks++)
		at = strchr(at + 1, ' ');
	if (at == NULL || fields[1] == 'Z')
		return false;
	long session = strtol(at, NULL, 10);
	return session != 0 && session != getsid(0); /* the kernel's processes have none */
}

static bool is_to_end(const char *pid)
{
	char path[32], text[512];
	(void)snprintf(path, sizeof path, "/proc/%.10s/stat", pid);
	SCOPED_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
	if (got <= 0)
		return false;
	text[got] = '\0';
	const char *name_end = strrchr(text, ')'); /* the name may hold anything */
	return name_end != NULL && is_other_session(name_end + 1);
}

/* How many there are. */
static unsigned each(int signal_number)
{
	unsigned count = 0;
	struct dirent *entry;
	DIR *all = opendir("/proc");
	while (all != NULL && (entry = readdir(all)) != NULL) {
		if (!isdigit((unsigned char)entry->d_name[0]) || strcmp(entry->d_name, "1") == 0 ||
			!is_to_end(entry->d_name))
			continue;
		count++;
		if (signal_number != 0)
			(void)kill((pid_t)strtol(entry->d_name, NULL, 10), signal_number);
	}
	if (all != NULL)
		(void)closedir(all);
	return count;
}

static unsigned wait_for_them(void)
{
	unsigned left = 0;
	for (unsigned waited_ms = 0; waited_ms < PATIENCE_MS; waited_ms += POLL_MS) {
		left = each(0);
		if (left == 0)
			break;
		watchdog_feed();
		clock_sleep_ms(POLL_MS);
	}
	return left;
}

void processes_end(void)
{
	if (each(SIGTERM) == 0 || wait_for_them() == 0)
		return;
	(void)each(SIGKILL);
	unsigned left = wait_for_them();
	if (left > 0)
		say("%u process%s can't be ended", left, left == 1 ? "" : "es");
}

#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../entry/say.h"

enum { MOST_DESCRIPTORS = 1024 };

/* systemd comes with all of them, of the old root's /dev. */
static void let_go_of_descriptors(void)
{
	for (int fd = 0; fd < MOST_DESCRIPTORS; fd++)
		(void)close(fd);
	for (int fd = 0; fd <= 2; fd++)
		(void)open("/dev/null", O_RDWR);
}

/* The root is the tmpfs, and this program is in it. */
static bool is_pivoted(void)
{
	struct stat root, program;
	return stat("/", &root) == 0 && stat("/shutdown", &program) == 0 &&
	       root.st_dev == program.st_dev && access("/oldroot", F_OK) == 0;
}

/* What is asked for from here on; /run has no way into itself but by a bind. */
static void bring(const char *name)
{
	char from[8], to[32];
	(void)snprintf(from, sizeof from, "/%s", name);
	(void)snprintf(to, sizeof to, PLACE_HOME "/%s", name);
	if (mkdir(to, 0755) != 0 && errno != EEXIST)
		say("make %s: %s", to, strerror(errno));
	else if (mount(from, to, NULL, MS_BIND, NULL) != 0)
		say("bind %s: %s", from, strerror(errno));
}

/* As systemd does it. */
static int pivot(void)
{
	static const char *const needed[] = {"dev", "proc", "run", "sys"};
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return -1;
	for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
		bring(needed[i]);
	if (mkdir(PLACE_HOME "/oldroot", 0755) != 0 && errno != EEXIST)
		return -1;
	if (chdir(PLACE_HOME) != 0 || syscall(SYS_pivot_root, ".", "oldroot") != 0)
		return -1;
	return chdir("/");
}

bool place_take(void)
{
	if (getpid() == 1 && !is_pivoted() && pivot() != 0)
		say("the root can't be left: %s", strerror(errno));
	bool pivoted = getpid() == 1 && is_pivoted();
	const char *home = pivoted ? "/" : PLACE_HOME;
	if (chdir(home) != 0)
		say("go to %s: %s", home, strerror(errno));
	if (pivoted)
		let_go_of_descriptors();
	return pivoted;
}

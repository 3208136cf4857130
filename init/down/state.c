#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "../clock.h"
#include "../entry/say.h"
#include "scope.h"

static const char device[] = "state", at[] = "mnt"; /* in the working directory: place.h */

enum { PATH_SIZE = 256, POLL_MS = 50, FORCE_MS = 10000 };

/* A mounted file system claims its device for itself. */
static bool is_in_use(void)
{
	SCOPED_FD fd = open(device, O_RDONLY | O_EXCL | O_CLOEXEC);
	return fd < 0 && errno == EBUSY;
}

/* The same file system once more, where it can be reached. The kernel refuses to do so if that
 * would change whether it is read-only. */
static int reach(const char *source, unsigned long flags)
{
	return mount(source, at, "ext4", MS_NOSUID | MS_NODEV | MS_NOEXEC | flags, NULL);
}

/* Whatever still has a file open for writing: the kernel's emergency remount, which does not ask.
 * It goes through all file systems, in its own time. */
static bool force(void)
{
	SCOPED_FD trigger = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);
	if (trigger < 0 || write(trigger, "u", 1) != 1)
		return false;
	for (unsigned waited_ms = 0; waited_ms < FORCE_MS; waited_ms += POLL_MS) {
		struct statvfs fs;
		if (statvfs(at, &fs) == 0 && (fs.f_flag & ST_RDONLY) != 0)
			return true;
		clock_sleep_ms(POLL_MS);
	}
	errno = ETIMEDOUT;
	return false;
}

static bool make_read_only(void)
{
	if (mount(NULL, at, NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0)
		return true;
	say("the state partition is still written to: %s; it is made read-only all the same",
		strerror(errno));
	return force();
}

bool state_settle(void)
{
	char source[PATH_SIZE];
	ssize_t length = readlink(device, source, sizeof source - 1);
	if (length < 0 || !is_in_use())
		return true;
	source[length] = '\0';
	if (mkdir(at, 0700) != 0 && errno != EEXIST) {
		say("the state partition can't be reached: make %s: %s", at, strerror(errno));
		return false;
	}
	bool good = true;
	if (reach(source, MS_RDONLY) != 0)
		good = reach(source, 0) == 0 && make_read_only();
	if (!good)
		say("the state partition is not clean: %s; the next boot replays its journal",
			strerror(errno));
	(void)umount2(at, MNT_DETACH);
	return good;
}

#include "spare.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "scope.h"
#include "state.h"

/* A block each, where those are what there is none of. */
enum { FILES = 8, FILE_BYTES = 4096 };

static const char spare[] = "spare";

static int keep_file(int dir, const char *name, struct error *e)
{
	static const char zeros[FILE_BYTES];
	SCOPED_FD fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return 0;
	if (fd < 0 || files_write_all(fd, zeros, sizeof zeros) != 0)
		return error_errno(e, errno, "write %s/%s on the state partition", spare, name);
	return 0;
}

int spare_keep(int home, struct error *e)
{
	char name[16];
	SCOPED_FD dir = state_open_dir(home, spare, true, e);
	if (dir < 0)
		return -1;
	for (int i = 0; i < FILES; i++) {
		(void)snprintf(name, sizeof name, "%d", i);
		if (keep_file(dir, name, e) != 0)
			return -1;
	}
	return 0;
}

int spare_give(int home, struct error *e)
{
	char name[16];
	int given = 0;
	SCOPED_FD dir = state_open_dir(home, spare, false, e);
	if (dir < 0)
		return -1;
	for (int i = 0; i < FILES; i++) {
		(void)snprintf(name, sizeof name, "%d", i);
		given += unlinkat(dir, name, 0) == 0;
	}
	return given > 0 ? 0 : error_set(e, ERROR_MISSING, 0, "there is nothing in %s", spare);
}

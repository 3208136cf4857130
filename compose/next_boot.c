#include "next_boot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../layers/paths.h"
#include "../layers/scope.h"
#include "../layers/syscalls.h"
#include "output.h"
#include "report.h"

static const char file_name[] = "asked";

int next_boot_open(const struct booted *booted, const char *directory, int *home, struct error *e)
{
	char path[40 + STACK_NAME_SIZE];
	const char *run_path = directory != NULL ? directory : BOOTED_DIRECTORY;
	if (!booted->runs)
		return error_set(e, ERROR_MISSING, 0, "no stack runs here");
	(void)snprintf(path, sizeof path, "state/plyboot/%s", booted->name);
	SCOPED_FD run = open(run_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (run < 0)
		return error_errno(e, errno, "open `%s`", run_path);
	/* The state partition is a mount of its own. */
	*home = sys_openat2(
		run, path, O_RDONLY | O_DIRECTORY, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	if (*home >= 0)
		return 0;
	if (errno == ENOENT)
		return error_set(e, ERROR_MISSING, 0,
			"nothing of %s is kept on this device: there is no `%s/%s`", booted->name,
			run_path, path);
	return error_errno(e, errno, "open `%s/%s`", run_path, path);
}

static int read_text(int fd, struct asked *out, struct error *e)
{
	SCOPED_FREE uint8_t *text = NULL;
	size_t size_bytes;
	struct stat st;
	if (fstat(fd, &st) != 0)
		return error_errno(e, errno, "look at `%s`", file_name);
	if (!S_ISREG(st.st_mode))
		return error_set(e, ERROR_FORMAT, 0, "`%s` is no file", file_name);
	if (input_read_fd(fd, file_name, ASKED_TEXT_SIZE, &text, &size_bytes, e) != 0)
		return -1;
	if (asked_decode((const char *)text, size_bytes, out, e) != 0)
		return error_wrap(e, "`%s`", file_name);
	return 0;
}

int next_boot_read(int home, struct asked *out, bool *there, struct error *e)
{
	SCOPED_FD fd = openat(home, file_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	*there = fd >= 0 || errno != ENOENT;
	if (!*there || (fd >= 0 && read_text(fd, out, e) == 0))
		return 0;
	report_hint("`plyboot reset --cancel` takes it back, whatever it is");
	return fd >= 0 ? -1 : error_errno(e, errno, "open `%s`", file_name);
}

int next_boot_write(int home, const struct asked *asked, struct error *e)
{
	static char text[ASKED_TEXT_SIZE];
	SCOPED_OUTPUT output = OUTPUT_INIT;
	if (asked->count > ASKED_MOST)
		return error_set(e, ERROR_LIMIT, 0, "over %d paths", ASKED_MOST);
	size_t size_bytes = asked_encode(asked, text);
	if (output_open_at(&output, home, file_name, 0600, e) != 0 ||
		output_write(&output, text, size_bytes, e) != 0)
		return -1;
	return output_commit(&output, OUTPUT_REPLACE, e);
}

int next_boot_cancel(int home, struct error *e)
{
	if (unlinkat(home, file_name, 0) != 0)
		return errno == ENOENT ? error_set(e, ERROR_MISSING, 0, "nothing is asked for")
				       : error_errno(e, errno, "remove `%s`", file_name);
	if (fsync(home) != 0)
		return error_errno(e, errno, "flush the directory of `%s`", file_name);
	return 0;
}

int next_boot_add(
	struct asked *asked, const char *given, char normal[ASKED_PATH_SIZE], struct error *e)
{
	char path[LIMIT_PATH_BYTES + 1];
	if (given[0] != '/')
		return error_set(e, ERROR_PATH, 0, "path `%.80s` is not absolute", given);
	while (*given == '/')
		given++;
	if (*given == '\0' || path_normalize(given, path, e) != 0 || path[0] == '\0')
		return *given != '\0' && path[0] != '\0'
			       ? -1
			       : error_set(e, ERROR_PATH, 0,
					 "the root as a whole is not one of its paths");
	if (strlen(path) + 2 > ASKED_PATH_SIZE)
		return error_set(e, ERROR_PATH, 0, "a path of over %d bytes", ASKED_PATH_SIZE - 1);
	(void)snprintf(normal, ASKED_PATH_SIZE, "/%.*s", ASKED_PATH_SIZE - 2, path);
	return asked_add(asked, normal, e);
}

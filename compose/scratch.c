#include "scratch.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "../layers/scope.h"
#include "../layers/store.h"
#include "interrupt.h"
#include "report.h"

int scratch_open(struct scratch *out, struct error *e)
{
	const char *parent = getenv("TMPDIR");
	interrupt_catch();
	if (parent == NULL || parent[0] == '\0')
		parent = "/tmp";
	SCOPED_FREE char *path = NULL;
	if (asprintf(&path, "%s/plyboot-XXXXXX", parent) < 0)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	*out = (struct scratch)SCRATCH_INIT;
	SCOPED_FD parent_fd = open(parent, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (parent_fd < 0)
		return error_errno(e, errno, "open the directory `%s` for temporary files", parent);
	if (mkdtemp(path) == NULL)
		return error_errno(e, errno, "a temporary directory in `%s`", parent);
	(void)snprintf(out->name, sizeof out->name, "%s", strrchr(path, '/') + 1);
	out->parent_fd = scope_take_fd(&parent_fd);
	out->fd =
		openat(out->parent_fd, out->name, O_DIRECTORY | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (out->fd < 0) {
		(void)error_errno(e, errno, "open the temporary directory `%s`", path);
		scratch_remove(out);
		return -1;
	}
	return 0;
}

static const char prefix_within[] = ".new-";
enum { WITHIN_DIGITS = 16 };

bool scratch_has_name(const char *name)
{
	size_t length = strlen(prefix_within);
	return strncmp(name, prefix_within, length) == 0 &&
	       strspn(name + length, "0123456789abcdef") == WITHIN_DIGITS &&
	       name[length + WITHIN_DIGITS] == '\0';
}

int scratch_open_in(int parent_fd, struct scratch *out, struct error *e)
{
	uint64_t random;
	interrupt_catch();
	*out = (struct scratch)SCRATCH_INIT;
	if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
		return error_errno(e, errno, "getrandom");
	(void)snprintf(out->name, sizeof out->name, "%s%0*llx", prefix_within, WITHIN_DIGITS,
		(unsigned long long)random);
	SCOPED_FD own = openat(parent_fd, ".", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (own < 0 || mkdirat(own, out->name, 0700) != 0)
		return error_errno(e, errno, "a temporary directory");
	out->parent_fd = scope_take_fd(&own);
	out->fd =
		openat(out->parent_fd, out->name, O_DIRECTORY | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (out->fd < 0) {
		(void)error_errno(e, errno, "open a temporary directory");
		scratch_remove(out);
		return -1;
	}
	return 0;
}

void scratch_remove(struct scratch *scratch)
{
	int saved = errno;
	struct error e = {.code = ERROR_NONE};
	scope_close(&scratch->fd);
	if (scratch->parent_fd >= 0 && store_remove(scratch->parent_fd, scratch->name, &e) != 0)
		report_warning("a temporary directory stays behind: %s: %s", scratch->name, e.text);
	scope_close(&scratch->parent_fd);
	*scratch = (struct scratch)SCRATCH_INIT;
	errno = saved;
}

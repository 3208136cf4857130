#include "output.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "../layers/scope.h"
#include "interrupt.h"

int write_all(int fd, const void *data, size_t size_bytes)
{
	const uint8_t *at = data;
	while (size_bytes > 0) {
		ssize_t written = write(fd, at, size_bytes);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		at += written;
		size_bytes -= (size_t)written;
	}
	return 0;
}

/* linkat() by descriptor needs /proc: without it, a file that has no name can't get one. */
static bool link_by_fd(int fd, int dir_fd, const char *name)
{
	char self[64];
	(void)snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, self, dir_fd, name, AT_SYMLINK_FOLLOW) == 0;
}

static bool has_proc(int fd)
{
	char self[64];
	(void)snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
	return access(self, F_OK) == 0;
}

static char *temporary_name(const char *name)
{
	static unsigned serial;
	char *text;
	if (asprintf(&text, ".%.200s.%ld-%u", name, (long)getpid(), serial++) < 0)
		return NULL;
	return text;
}

static int open_named(struct output *output, mode_t mode, struct error *e)
{
	output->temporary = temporary_name(output->name);
	if (output->temporary == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	output->fd = openat(output->dir_fd, output->temporary,
		O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR | O_CLOEXEC, mode);
	if (output->fd < 0) {
		int saved = errno;
		free(SCOPE_TAKE(output->temporary));
		return error_errno(e, saved, "a new file beside `%s`", output->name);
	}
	return 0;
}

/* Takes dir_fd. */
static int open_in(
	struct output *output, int dir_fd, const char *name, mode_t mode, struct error *e)
{
	struct stat st;
	interrupt_catch();
	*output = (struct output){.fd = -1, .dir_fd = dir_fd, .name = strdup(name)};
	if (output->name == NULL) {
		output_discard(output);
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	}
	/* Replaced it would be gone: /dev/null, or the disk itself. */
	if (fstatat(dir_fd, name, &st, 0) == 0 && !S_ISREG(st.st_mode)) {
		output_discard(output);
		return error_set(e, ERROR_USAGE, 0, "it is there and no regular file");
	}
	output->fd = openat(dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
	if (output->fd >= 0 && has_proc(output->fd))
		return 0;
	if (output->fd >= 0)
		(void)close(output->fd); /* nothing was written */
	output->fd = -1;
	if (open_named(output, mode, e) != 0) {
		output_discard(output);
		return -1;
	}
	return 0;
}

int output_open_at(
	struct output *output, int dir_fd, const char *name, mode_t mode, struct error *e)
{
	int own = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
	if (own < 0)
		return error_errno(e, errno, "a descriptor for `%s`", name);
	return open_in(output, own, name, mode, e);
}

int output_open(struct output *output, const char *path, mode_t mode, struct error *e)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;
	if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return error_set(e, ERROR_USAGE, 0, "`%s` is no name for a file", path);
	SCOPED_FREE char *dir = slash == NULL   ? strdup(".")
				: slash == path ? strdup("/")
						: strndup(path, (size_t)(slash - path));
	if (dir == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	int dir_fd = open(dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (dir_fd < 0)
		return error_errno(e, errno, "open the directory `%s`", dir);
	if (open_in(output, dir_fd, name, mode, e) != 0)
		return error_wrap(e, "write `%s`", path);
	return 0;
}

int output_write(struct output *output, const void *data, size_t size_bytes, struct error *e)
{
	if (write_all(output->fd, data, size_bytes) != 0)
		return error_errno(e, errno, "write `%s`", output->name);
	return interrupt_check(e);
}

/* A file without a name can't replace one: it gets a temporary name first. */
static int give_temporary_name(struct output *output, struct error *e)
{
	output->temporary = temporary_name(output->name);
	if (output->temporary == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	if (!link_by_fd(output->fd, output->dir_fd, output->temporary)) {
		int saved = errno;
		free(SCOPE_TAKE(output->temporary));
		return error_errno(e, saved, "name `%s`", output->name);
	}
	return 0;
}

static int rename_into_place(struct output *output, enum output_how how, struct error *e)
{
	unsigned flags = how == OUTPUT_NEW ? RENAME_NOREPLACE : 0;
	/* musl 1.2.3 has no function for it. */
	int result = (int)syscall(SYS_renameat2, output->dir_fd, output->temporary, output->dir_fd,
		output->name, flags);
	if (result != 0 && errno == EINVAL && how == OUTPUT_NEW) {
		/* A file system without RENAME_NOREPLACE: link(2) never replaces, either. */
		result = linkat(output->dir_fd, output->temporary, output->dir_fd, output->name, 0);
		if (result == 0)
			(void)unlinkat(output->dir_fd, output->temporary, 0);
	}
	if (result != 0 && errno == EEXIST)
		return error_set(e, ERROR_USAGE, 0, "`%s` is there already", output->name);
	if (result != 0)
		return error_errno(e, errno, "rename to `%s`", output->name);
	free(SCOPE_TAKE(output->temporary));
	return 0;
}

int output_prepare(struct output *output, struct error *e)
{
	if (output->fd < 0)
		return 0;
	if (fsync(output->fd) != 0)
		return error_errno(e, errno, "flush `%s`", output->name);
	if (interrupt_check(e) != 0)
		return -1;
	if (output->temporary == NULL && give_temporary_name(output, e) != 0)
		return -1;
	int fd = scope_take_fd(&output->fd);
	return close(fd) == 0 ? 0 : error_errno(e, errno, "close `%s`", output->name);
}

int output_commit(struct output *output, enum output_how how, struct error *e)
{
	if (output_prepare(output, e) != 0 || rename_into_place(output, how, e) != 0)
		return -1;
	if (fsync(output->dir_fd) != 0 && errno != EINVAL)
		return error_errno(e, errno, "flush the directory of `%s`", output->name);
	output_discard(output);
	return 0;
}

void output_discard(struct output *output)
{
	int saved = errno;
	scope_close(&output->fd);
	if (output->temporary != NULL)
		(void)unlinkat(output->dir_fd, output->temporary, 0);
	scope_close(&output->dir_fd);
	free(output->temporary);
	free(output->name);
	*output = (struct output)OUTPUT_INIT;
	errno = saved;
}

int output_write_file(const char *path, mode_t mode, const void *data, size_t size_bytes,
	enum output_how how, struct error *e)
{
	SCOPED_OUTPUT output = OUTPUT_INIT;
	if (output_open(&output, path, mode, e) != 0)
		return -1;
	if (output_write(&output, data, size_bytes, e) != 0)
		return -1;
	return output_commit(&output, how, e);
}

int input_read_fd(int fd, const char *path, size_t max_bytes, uint8_t **bytes, size_t *size_bytes,
	struct error *e)
{
	size_t capacity = 65536 < max_bytes ? 65536 : max_bytes + 1;
	size_t used = 0;
	SCOPED_FREE uint8_t *buffer = malloc(capacity);
	if (buffer == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory to read `%s`", path);
	for (;;) {
		ssize_t got = read(fd, buffer + used, capacity - used);
		if (interrupt_check(e) != 0)
			return -1;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(e, errno, "read `%s`", path);
		if (got == 0)
			break;
		used += (size_t)got;
		if (used > max_bytes)
			return error_set(e, ERROR_LIMIT, 0, "`%s` is larger than %zu bytes", path,
				max_bytes);
		if (used == capacity) {
			capacity = capacity * 2 < max_bytes ? capacity * 2 : max_bytes + 1;
			uint8_t *larger = realloc(buffer, capacity);
			if (larger == NULL)
				return error_set(
					e, ERROR_NOSPACE, 0, "no memory to read `%s`", path);
			buffer = larger;
		}
	}
	buffer[used] = 0; /* used < capacity: either it was grown, or the limit was not reached */
	*size_bytes = used;
	*bytes = SCOPE_TAKE(buffer);
	return 0;
}

int input_read_file(
	const char *path, size_t max_bytes, uint8_t **bytes, size_t *size_bytes, struct error *e)
{
	SCOPED_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return error_errno(e, errno, "open `%s`", path);
	struct stat st;
	if (fstat(fd, &st) != 0)
		return error_errno(e, errno, "stat `%s`", path);
	if (S_ISDIR(st.st_mode))
		return error_set(e, ERROR_USAGE, 0, "`%s` is a directory", path);
	return input_read_fd(fd, path, max_bytes, bytes, size_bytes, e);
}

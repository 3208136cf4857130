#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "scope.h"

/* Up to `room` bytes; -1 with errno. */
static ssize_t read_up_to(int fd, char *buffer, size_t room)
{
	size_t used = 0;
	while (used < room) {
		ssize_t got = read(fd, buffer + used, room - used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		used += (size_t)got;
	}
	return (ssize_t)used;
}

int files_read(int dir_fd, const char *path, size_t max_bytes, char **bytes, size_t *size_bytes,
	struct error *e)
{
	SCOPED_FD fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(e, errno, "open %s", path);
	SCOPED_FREE char *buffer = NULL;
	size_t used = 0, room = 0;
	do {
		room = room == 0 ? 4096 : room * 2;
		if (room > max_bytes + 1)
			room = max_bytes + 1; /* one more shows that it is longer */
		char *bigger = realloc(buffer, room + 1);
		if (bigger == NULL)
			return error_errno(e, ENOMEM, "memory for %s", path);
		buffer = bigger;
		ssize_t got = read_up_to(fd, buffer + used, room - used);
		if (got < 0)
			return error_errno(e, errno, "read %s", path);
		used += (size_t)got;
	} while (used == room && used <= max_bytes);
	if (used > max_bytes)
		return error_set(e, ERROR_LIMIT, 0, "%s is over %zu bytes", path, max_bytes);
	buffer[used] = '\0';
	*size_bytes = used;
	*bytes = SCOPE_TAKE(buffer);
	return 0;
}

int files_list(int dir_fd, struct path_list *names, struct error *e)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	int result = 0;
	if (directory == NULL) {
		scope_close(&fd);
		return error_errno(e, errno, "read a directory");
	}
	while (result == 0) {
		errno = 0;
		const struct dirent *entry = readdir(directory);
		if (entry == NULL) {
			result = errno == 0 ? 0 : error_errno(e, errno, "read a directory");
			break;
		}
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			result = path_list_add(names, entry->d_name, 0, e);
	}
	(void)closedir(directory);
	return result;
}

int files_write_all(int fd, const char *bytes, size_t size_bytes)
{
	while (size_bytes > 0) {
		ssize_t wrote = write(fd, bytes, size_bytes);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return -1;
		bytes += wrote;
		size_bytes -= (size_t)wrote;
	}
	return 0;
}

int files_write(int dir_fd, const char *name, const char *bytes, size_t size_bytes, struct error *e)
{
	char beside[256];
	(void)snprintf(beside, sizeof beside, "%s.new", name);
	if (unlinkat(dir_fd, beside, 0) != 0 && errno != ENOENT)
		return error_errno(e, errno, "remove %s", beside);
	SCOPED_FD fd =
		openat(dir_fd, beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return error_errno(e, errno, "create %s", beside);
	if (files_write_all(fd, bytes, size_bytes) != 0 || fsync(fd) != 0)
		return error_errno(e, errno, "write %s", beside);
	if (close(scope_take_fd(&fd)) != 0)
		return error_errno(e, errno, "close %s", beside);
	if (renameat(dir_fd, beside, dir_fd, name) != 0)
		return error_errno(e, errno, "rename %s", beside);
	if (fsync(dir_fd) != 0)
		return error_errno(e, errno, "fsync the directory of %s", name);
	return 0;
}

#include "source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ceilings.h"
#include "scope.h"
#include "syscalls.h"

struct source_dir {
	struct source source;
	int dir_fd;
};

struct blob_file {
	struct blob blob;
	int fd;
};

/* Nobody has verified the directory either: no symlinks, and only regular files are ever opened
 * (O_NONBLOCK: a FIFO put there must not hold us). */
static int open_below(int dir_fd, const char *path, int flags)
{
	return sys_openat2(dir_fd, path, flags | O_RDONLY | O_NONBLOCK, 0, SYS_RESOLVE_STRICT);
}

static int open_regular(
	int dir_fd, const char *path, int *out, uint64_t *size_bytes, struct error *e)
{
	SCOPED_FD fd = open_below(dir_fd, path, 0);
	if (fd < 0)
		return error_errno(e, errno, "open %s", path);
	struct stat st;
	if (fstat(fd, &st) != 0)
		return error_errno(e, errno, "stat %s", path);
	if (!S_ISREG(st.st_mode))
		return error_set(e, ERROR_FORMAT, 0, "%s is not a regular file", path);
	*size_bytes = (uint64_t)st.st_size;
	*out = scope_take_fd(&fd);
	return 0;
}

static int read_at(int fd, uint64_t offset, void *buffer, size_t size_bytes, struct error *e)
{
	uint8_t *to = buffer;
	while (size_bytes > 0) {
		ssize_t got = pread(fd, to, size_bytes, (off_t)offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(
				e, errno, "read at byte %llu", (unsigned long long)offset);
		if (got == 0)
			return error_set(e, ERROR_SIZE, 0, "the file ends at byte %llu",
				(unsigned long long)offset);
		to += got;
		offset += (uint64_t)got;
		size_bytes -= (size_t)got;
	}
	return 0;
}

static int list_stacks(struct source *source,
	int (*visit)(void *context, const char *file_name, struct error *e), void *context,
	struct error *e)
{
	const struct source_dir *self = (const struct source_dir *)source;
	SCOPED_FD fd = open_below(self->dir_fd, "stacks", O_DIRECTORY);
	if (fd < 0)
		return error_errno(e, errno, "open stacks/");
	DIR *dir = fdopendir(fd);
	if (dir == NULL)
		return error_errno(e, errno, "read stacks/");
	(void)scope_take_fd(&fd);

	int result = 0;
	while (result == 0) {
		errno = 0;
		const struct dirent *entry = readdir(dir);
		if (entry == NULL) {
			if (errno != 0)
				result = error_errno(e, errno, "read stacks/");
			break;
		}
		size_t length = strlen(entry->d_name);
		if (length > 6 && entry->d_name[0] != '.' &&
			strcmp(entry->d_name + length - 6, ".stack") == 0)
			result = visit(context, entry->d_name, e);
	}
	(void)closedir(dir);
	return result;
}

static int read_stack(struct source *source, const char *file_name, uint8_t **bytes,
	size_t *size_bytes, struct error *e)
{
	const struct source_dir *self = (const struct source_dir *)source;
	char path[7 + 256];
	if (strlen(file_name) > 255)
		return error_set(e, ERROR_FORMAT, 0, "a stack file's name of more than 255 bytes");
	strcpy(path, "stacks/");
	strcat(path, file_name);

	SCOPED_FD fd = -1;
	uint64_t size = 0;
	if (open_regular(self->dir_fd, path, &fd, &size, e) != 0)
		return -1;
	if (size > LIMIT_STACK_FILE_BYTES)
		return error_set(e, ERROR_LIMIT, 0, "%s has %llu bytes, at most %u are allowed",
			path, (unsigned long long)size, LIMIT_STACK_FILE_BYTES);
	SCOPED_FREE uint8_t *buffer = malloc((size_t)size + 1);
	if (buffer == NULL)
		return error_errno(e, ENOMEM, "read %s", path);
	if (read_at(fd, 0, buffer, (size_t)size, e) != 0)
		return error_wrap(e, "%s", path);
	*bytes = SCOPE_TAKE(buffer);
	*size_bytes = (size_t)size;
	return 0;
}

static int blob_read_at(
	struct blob *blob, uint64_t offset, void *buffer, size_t size_bytes, struct error *e)
{
	return read_at(((struct blob_file *)blob)->fd, offset, buffer, size_bytes, e);
}

static int blob_file_descriptor(const struct blob *blob)
{
	return ((const struct blob_file *)blob)->fd;
}

static void blob_file_close(struct blob *blob)
{
	struct blob_file *self = (struct blob_file *)blob;
	(void)close(self->fd);
	free(self);
}

static const struct blob_ops blob_file_ops = {
	.read_at = blob_read_at,
	.descriptor = blob_file_descriptor,
	.close = blob_file_close,
};

static int open_blob(
	struct source *source, const struct digest *digest, struct blob **out, struct error *e)
{
	const struct source_dir *self = (const struct source_dir *)source;
	char path[sizeof "blobs/sha256/" + DIGEST_HEX] = "blobs/sha256/";
	digest_format_hex(digest, path + strlen(path));

	SCOPED_FD fd = -1;
	uint64_t size = 0;
	if (open_regular(self->dir_fd, path, &fd, &size, e) != 0)
		return -1;
	struct blob_file *blob = malloc(sizeof *blob);
	if (blob == NULL)
		return error_errno(e, ENOMEM, "open %s", path);
	*blob = (struct blob_file){
		.blob = {.ops = &blob_file_ops, .size_bytes = size}, .fd = scope_take_fd(&fd)};
	*out = &blob->blob;
	return 0;
}

static void source_dir_close(struct source *source)
{
	struct source_dir *self = (struct source_dir *)source;
	(void)close(self->dir_fd);
	free(self);
}

static const struct source_ops source_dir_ops = {
	.list_stacks = list_stacks,
	.read_stack = read_stack,
	.open_blob = open_blob,
	.close = source_dir_close,
};

int source_dir_open(int dir_fd, struct source **out, struct error *e)
{
	struct source_dir *self = malloc(sizeof *self);
	if (self == NULL)
		return error_errno(e, ENOMEM, "open an OCI layout");
	*self = (struct source_dir){.source = {.ops = &source_dir_ops}, .dir_fd = dir_fd};
	*out = &self->source;
	return 0;
}

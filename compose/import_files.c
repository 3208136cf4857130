#include "import_files.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../layers/paths.h"
#include "../layers/scope.h"
#include "../layers/syscalls.h"
#include "oci.h"
#include "output.h"

enum { LINKS_MOST = 8 };

int import_files_below(int fd, struct import_files *out, struct error *e)
{
	*out = (struct import_files)IMPORT_FILES_INIT;
	out->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return out->fd >= 0 ? 0 : error_errno(e, errno, "a descriptor");
}

static const struct import_member *find(const struct import_files *files, const char *path)
{
	for (size_t i = 0; i < files->count; i++) {
		if (strcmp(files->members[i].name, path) == 0)
			return &files->members[i];
	}
	return NULL;
}

static int find_file(const struct import_files *files, const char *path,
	const struct import_member **out, struct error *e)
{
	const struct import_member *member = find(files, path);
	for (unsigned links = 0; member != NULL && member->link != NULL; links++) {
		if (links == LINKS_MOST)
			return error_set(e, ERROR_PATH, 0, "`%s`: links that lead nowhere", path);
		member = find(files, member->link);
	}
	if (member == NULL)
		return error_set(e, ERROR_MISSING, 0, "`%s` is not there", path);
	*out = member;
	return 0;
}

static int open_below(int dir_fd, const char *path, struct error *e)
{
	/* Without O_NONBLOCK a FIFO would keep us waiting. */
	int fd = sys_openat2(
		dir_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0, SYS_RESOLVE_STRICT);
	struct stat st;
	if (fd < 0 && (errno == ELOOP || errno == EXDEV))
		return error_set(e, ERROR_PATH, 0, "`%s` leads through a link", path);
	if (fd < 0)
		return error_errno(e, errno, "open `%s`", path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		(void)close(fd);
		return error_set(e, ERROR_TYPE, 0, "`%s` is no file", path);
	}
	return fd;
}

int import_files_open(const struct import_files *files, const char *name, int *fd, struct error *e)
{
	const struct import_member *member = NULL;
	char path[LIMIT_PATH_BYTES + 1], number[24];
	if (path_normalize(name, path, e) != 0)
		return -1;
	if (files->is_archive) {
		if (find_file(files, path, &member, e) != 0)
			return -1;
		(void)snprintf(number, sizeof number, "%zu", member->number);
	}
	int opened = open_below(files->fd, files->is_archive ? number : path, e);
	if (opened < 0)
		return -1;
	*fd = opened;
	return 0;
}

bool import_files_has(const struct import_files *files, const char *name)
{
	struct error ignored;
	int fd;
	if (import_files_open(files, name, &fd, &ignored) != 0)
		return false;
	(void)close(fd);
	return true;
}

int import_files_read(const struct import_files *files, const char *name, uint8_t **bytes,
	size_t *size_bytes, struct error *e)
{
	int fd;
	if (import_files_open(files, name, &fd, e) != 0)
		return -1;
	int result = input_read_fd(fd, name, OCI_DOCUMENT_BYTES, bytes, size_bytes, e);
	(void)close(fd);
	return result;
}

void import_files_close(struct import_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		free(files->members[i].name);
		free(files->members[i].link);
	}
	free(files->members);
	scope_close(&files->fd);
	*files = (struct import_files)IMPORT_FILES_INIT;
}

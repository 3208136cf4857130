#include "initramfs_add.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "../layers/scope.h"
#include "output.h"
#include "scan.h"
#include "unzip.h"

enum { FILE_MAX_BYTES = 256 * 1024 * 1024 };

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);
	return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

void initramfs_module_path(
	const struct modules *modules, const struct module *module, char out[LIMIT_PATH_BYTES + 1])
{
	(void)snprintf(out, LIMIT_PATH_BYTES + 1, "lib/modules/%s/%s", modules->release,
		module->path[0] == '/' ? strrchr(module->path, '/') + 1 : module->path);
	for (size_t i = 0; i < 2; i++) {
		static const char *const undone[] = {".gz", ".zst"};
		if (ends_with(out, undone[i]))
			out[strlen(out) - strlen(undone[i])] = '\0';
	}
}

char *initramfs_module_source(const struct modules *modules, const struct module *module)
{
	const bool elsewhere = module->path[0] == '/';
	char *path;
	return asprintf(&path, "%s%s%s", elsewhere ? "" : modules->directory, elsewhere ? "" : "/",
		       module->path) < 0
		       ? NULL
		       : path;
}

static int read_whole(int fd, struct bytes *out, struct error *e)
{
	struct unzip *unzip;
	uint8_t chunk[64 * 1024];
	size_t got = 0;
	if (unzip_open(fd, &unzip, e) != 0)
		return -1;
	int result;
	do {
		result = unzip_read(unzip, chunk, sizeof chunk, &got, e);
		if (result == 0)
			result = bytes_add(out, chunk, got, e);
		if (result == 0 && out->size > FILE_MAX_BYTES)
			result = error_set(e, ERROR_LIMIT, 0, "more than %d bytes", FILE_MAX_BYTES);
	} while (result == 0 && got > 0);
	unzip_close(unzip);
	return result;
}

static int add_module(const struct modules *modules, const struct module *module, struct cpio *cpio,
	struct error *e)
{
	SCOPED_FREE char *from = initramfs_module_source(modules, module);
	SCOPED_BYTES bytes = {0};
	char to[LIMIT_PATH_BYTES + 1];
	if (from == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	SCOPED_FD fd = open(from, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(e, errno, "open the module `%s`", from);
	if (read_whole(fd, &bytes, e) != 0)
		return error_wrap(e, "the module `%s`", from);
	initramfs_module_path(modules, module, to);
	return cpio_add(cpio, to, S_IFREG | 0644, 0, bytes.data, bytes.size, e);
}

int initramfs_add_modules(const struct modules *modules, struct cpio *cpio, struct error *e)
{
	for (size_t i = 0; i < modules->chosen_count; i++) {
		if (add_module(modules, modules->chosen[i], cpio, e) != 0)
			return -1;
	}
	return 0;
}

/* --- --add */

static int add_file(
	const char *source, mode_t mode, const char *to, struct cpio *cpio, struct error *e)
{
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size_bytes;
	if (input_read_file(source, FILE_MAX_BYTES, &bytes, &size_bytes, e) != 0)
		return -1;
	return cpio_add(cpio, to, S_IFREG | (mode & 07777), 0, bytes, size_bytes, e);
}

static int add_entry(const struct scan *scan, const struct scan_entry *entry, const char *to,
	struct cpio *cpio, struct error *e)
{
	SCOPED_FREE char *path = NULL;
	SCOPED_FREE char *source = NULL;
	mode_t mode = entry->st.st_mode;
	const char *slash = entry->path[0] != '\0' ? "/" : "";
	if (asprintf(&path, "%s%s%s", to, slash, entry->path) < 0) {
		path = NULL;
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	}
	if (asprintf(&source, "%s%s%s", scan->root, slash, entry->path) < 0) {
		source = NULL;
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	}
	if (S_ISREG(mode))
		return add_file(source, mode, path, cpio, e);
	const char *target = S_ISLNK(mode) ? entry->link : "";
	return cpio_add(cpio, path, mode, entry->st.st_rdev, target, strlen(target), e);
}

static int add_directory(const char *source, const char *to, struct cpio *cpio, struct error *e)
{
	SCOPED_SCAN scan = SCAN_INIT;
	if (scan_tree(source, true, &scan, e) != 0)
		return -1;
	for (size_t i = 0; i < scan.count; i++) {
		if (add_entry(&scan, &scan.entries[i], to, cpio, e) != 0)
			return -1;
	}
	return 0;
}

static int add_symlink(const char *source, const char *to, struct cpio *cpio, struct error *e)
{
	char target[LIMIT_PATH_BYTES + 1];
	ssize_t length = readlink(source, target, sizeof target);
	if (length < 0)
		return error_errno(e, errno, "read the symlink `%s`", source);
	return cpio_add(cpio, to, S_IFLNK | 0777, 0, target, (size_t)length, e);
}

int initramfs_add_source(const char *text, struct cpio *cpio, struct error *e)
{
	const char *colon = strrchr(text, ':');
	if (colon == NULL || colon == text || colon[1] != '/')
		return error_set(e, ERROR_USAGE, 0, "--add takes SRC:/DEST, and not `%s`", text);
	SCOPED_FREE char *source = strndup(text, (size_t)(colon - text));
	struct stat st;
	if (source == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	if (lstat(source, &st) != 0)
		return error_errno(e, errno, "stat `%s`", source);
	if (S_ISDIR(st.st_mode))
		return add_directory(source, colon + 1, cpio, e);
	if (S_ISLNK(st.st_mode))
		return add_symlink(source, colon + 1, cpio, e);
	if (S_ISREG(st.st_mode))
		return add_file(source, st.st_mode, colon + 1, cpio, e);
	return error_set(e, ERROR_TYPE, 0, "`%s` is neither file, symlink nor directory", source);
}

#include "cpio.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <archive.h>
#include <archive_entry.h>

#include "../layers/paths.h"

const struct cpio_entry *cpio_find(const struct cpio *cpio, const char *path)
{
	path += strspn(path, "/");
	for (size_t i = 0; i < cpio->count; i++) {
		if (strcmp(cpio->entries[i].path, path) == 0)
			return &cpio->entries[i];
	}
	return NULL;
}

static int append(struct cpio *cpio, const struct cpio_entry *entry, struct error *e)
{
	if (cpio->count == cpio->capacity) {
		size_t capacity = cpio->capacity * 2 + 64;
		struct cpio_entry *entries = realloc(cpio->entries, capacity * sizeof *entries);
		if (entries == NULL)
			return error_set(e, ERROR_NOSPACE, 0, "no memory");
		cpio->entries = entries;
		cpio->capacity = capacity;
	}
	struct cpio_entry *new = &cpio->entries[cpio->count++];
	*new = *entry;
	new->path = strdup(entry->path);
	new->data = malloc(entry->size_bytes + 1);
	if (new->path == NULL || new->data == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	if (entry->size_bytes > 0)
		memcpy(new->data, entry->data, entry->size_bytes);
	return 0;
}

static int add_parents(struct cpio *cpio, const char *path, struct error *e)
{
	char parent[LIMIT_PATH_BYTES + 1];
	for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		size_t length = (size_t)(slash - path);
		memcpy(parent, path, length);
		parent[length] = '\0';
		const struct cpio_entry *there = cpio_find(cpio, parent);
		if (there != NULL && !S_ISDIR(there->mode))
			return error_set(e, ERROR_USAGE, 0,
				"/%s can't be below /%s, which is no directory", path, parent);
		if (there == NULL &&
			append(cpio, &(struct cpio_entry){.path = parent, .mode = S_IFDIR | 0755},
				e) != 0)
			return -1;
	}
	return 0;
}

int cpio_add(struct cpio *cpio, const char *path, mode_t mode, dev_t device, const void *data,
	size_t size_bytes, struct error *e)
{
	char normal[LIMIT_PATH_BYTES + 1];
	if (path_normalize(path + strspn(path, "/"), normal, e) != 0)
		return error_wrap(e, "`%s` in the initramfs", path);
	if (normal[0] == '\0')
		return S_ISDIR(mode) ? 0 : error_set(e, ERROR_PATH, 0, "`%s` is no file", path);
	struct cpio_entry *there = (struct cpio_entry *)(uintptr_t)cpio_find(cpio, normal);
	if (there != NULL && S_ISDIR(mode) && S_ISDIR(there->mode)) {
		there->mode = mode;
		return 0;
	}
	if (there != NULL)
		return error_set(e, ERROR_USAGE, 0, "/%s is in the initramfs already", normal);
	if (add_parents(cpio, normal, e) != 0)
		return -1;
	struct cpio_entry entry = {.path = normal,
		.mode = mode,
		.device = device,
		.data = (uint8_t *)(uintptr_t)data,
		.size_bytes = size_bytes};
	return append(cpio, &entry, e);
}

/* --- writing */

static la_ssize_t on_write(
	struct archive *archive, void *context, const void *data, size_t size_bytes)
{
	(void)archive;
	return bytes_add(context, data, size_bytes, NULL) == 0 ? (la_ssize_t)size_bytes : -1;
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct cpio_entry *)a)->path, ((const struct cpio_entry *)b)->path);
}

static struct archive_entry *make_header(
	const struct cpio_entry *entry, size_t number, uint64_t mtime)
{
	struct archive_entry *to = archive_entry_new();
	if (to == NULL)
		return NULL;
	archive_entry_copy_pathname(to, entry->path);
	archive_entry_set_mode(to, entry->mode);
	archive_entry_set_ino64(to, (la_int64_t)number);
	archive_entry_set_nlink(to, S_ISDIR(entry->mode) ? 2 : 1);
	archive_entry_set_mtime(to, (time_t)mtime, 0);
	archive_entry_set_uid(to, 0);
	archive_entry_set_gid(to, 0);
	archive_entry_set_size(to, S_ISREG(entry->mode) ? (la_int64_t)entry->size_bytes : 0);
	if (S_ISCHR(entry->mode) || S_ISBLK(entry->mode))
		archive_entry_set_rdev(to, entry->device);
	if (S_ISLNK(entry->mode)) {
		entry->data[entry->size_bytes] = '\0';
		archive_entry_copy_symlink(to, (const char *)entry->data);
	}
	return to;
}

static bool write_entry(
	struct archive *archive, const struct cpio_entry *entry, size_t number, uint64_t mtime)
{
	struct archive_entry *to = make_header(entry, number, mtime);
	bool ok = to != NULL && archive_write_header(archive, to) == ARCHIVE_OK;
	if (ok && S_ISREG(entry->mode) && entry->size_bytes > 0)
		ok = archive_write_data(archive, entry->data, entry->size_bytes) ==
		     (la_ssize_t)entry->size_bytes;
	archive_entry_free(to);
	return ok;
}

int cpio_write(struct cpio *cpio, uint64_t mtime, struct bytes *out, struct error *e)
{
	struct archive *archive = archive_write_new();
	bool ok = archive != NULL && archive_write_set_format_cpio_newc(archive) == ARCHIVE_OK &&
		  archive_write_set_bytes_per_block(archive, 0) == ARCHIVE_OK &&
		  archive_write_set_bytes_in_last_block(archive, 1) == ARCHIVE_OK &&
		  archive_write_open(archive, out, NULL, on_write, NULL) == ARCHIVE_OK;
	qsort(cpio->entries, cpio->count, sizeof *cpio->entries, compare_entries);
	for (size_t i = 0; ok && i < cpio->count; i++)
		ok = write_entry(archive, &cpio->entries[i], i + 1, mtime);
	ok = ok && archive_write_close(archive) == ARCHIVE_OK;
	int result = 0;
	if (!ok)
		result = error_set(e, ERROR_IO, 0, "the initramfs can't be written: %s",
			archive != NULL && archive_error_string(archive) != NULL
				? archive_error_string(archive)
				: "no memory");
	(void)archive_write_free(archive);
	return result;
}

void cpio_free(struct cpio *cpio)
{
	for (size_t i = 0; i < cpio->count; i++) {
		free(cpio->entries[i].path);
		free(cpio->entries[i].data);
	}
	free(cpio->entries);
	*cpio = (struct cpio){0};
}

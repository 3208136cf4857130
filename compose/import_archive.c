/* The members of an archive: checked names, files under numbers. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../layers/paths.h"
#include "../layers/scope.h"
#include "import_files.h"
#include "interrupt.h"
#include "output.h"
#include "unzip.h"

enum { CHUNK_BYTES = 256 * 1024 };

struct unpacking {
	struct unzip *unzip;
	struct archive *archive;
	struct import_files *files;
	uint64_t size_bytes; /* of all files so far */
	struct error *e;     /* of the reading below libarchive */
	bool failed;         /* ... which says so */
	uint8_t input[CHUNK_BYTES];
	uint8_t chunk[CHUNK_BYTES];
};

static la_ssize_t read_more(struct archive *archive, void *context, const void **bytes)
{
	struct unpacking *self = context;
	size_t got;
	if (unzip_read(self->unzip, self->input, sizeof self->input, &got, self->e) != 0) {
		self->failed = true;
		archive_set_error(archive, EIO, "read");
		return -1;
	}
	*bytes = self->input;
	return (la_ssize_t)got;
}

/* What libarchive says, unless it was we who failed below it. */
static int tar_error(struct unpacking *self, struct error *e)
{
	if (self->failed)
		return -1;
	const char *why = archive_error_string(self->archive);
	return error_set(e, ERROR_TAR, 0, "%s", why != NULL ? why : "damaged");
}

/* --- names */

/* Where a symbolic link of that name leads to: up by its "..", but never out. */
static int resolve(
	const char *name, const char *target, char out[LIMIT_PATH_BYTES + 1], struct error *e)
{
	size_t length = path_parent_length(name);
	if (target[0] == '/' || length + strlen(target) + 2 > LIMIT_PATH_BYTES)
		return error_set(e, ERROR_PATH, 0, "a link that leaves the archive: `%s`", target);
	memcpy(out, name, length);
	out[length] = '\0';
	for (const char *part = target; *part != '\0';) {
		size_t size = strcspn(part, "/");
		if (size == 2 && memcmp(part, "..", 2) == 0) {
			if (length == 0)
				return error_set(e, ERROR_PATH, 0,
					"a link that leaves the archive: `%s`", target);
			length = path_parent_length(out);
		} else if (size > 0 && !(size == 1 && part[0] == '.')) {
			if (length > 0)
				out[length++] = '/';
			memcpy(out + length, part, size);
			length += size;
		}
		out[length] = '\0';
		part += size + (part[size] == '/');
	}
	return 0;
}

static int add_member(struct import_files *files, const char *name, const char *link, size_t number,
	struct error *e)
{
	for (size_t i = 0; i < files->count; i++) {
		if (strcmp(files->members[i].name, name) == 0)
			return error_set(e, ERROR_FORMAT, 0, "it is there twice");
	}
	if (files->count == IMPORT_MEMBERS_MOST)
		return error_set(e, ERROR_LIMIT, 0, "more than %d members", IMPORT_MEMBERS_MOST);
	if (files->count == files->capacity) {
		size_t capacity = files->capacity * 2 + 64;
		struct import_member *members = realloc(files->members, capacity * sizeof *members);
		if (members == NULL)
			return error_set(e, ERROR_NOSPACE, 0, "no memory");
		files->members = members;
		files->capacity = capacity;
	}
	struct import_member member = {.number = number};
	member.name = strdup(name);
	member.link = link == NULL ? NULL : strdup(link);
	if (member.name == NULL || (link != NULL && member.link == NULL)) {
		free(member.name);
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	}
	files->members[files->count++] = member;
	return 0;
}

/* --- files */

static int copy(struct unpacking *self, int fd, struct error *e)
{
	for (;;) {
		la_ssize_t got = archive_read_data(self->archive, self->chunk, sizeof self->chunk);
		if (got < 0)
			return tar_error(self, e);
		if (got == 0)
			return 0;
		if (interrupt_check(e) != 0)
			return -1;
		if (write_all(fd, self->chunk, (size_t)got) != 0)
			return error_errno(e, errno, "write it beside the store");
	}
}

static int unpack_file(
	struct unpacking *self, struct archive_entry *entry, const char *name, struct error *e)
{
	char number[24];
	int64_t size_bytes = archive_entry_size(entry);
	if (size_bytes < 0 || (uint64_t)size_bytes > LIMIT_LAYER_STORED_BYTES - self->size_bytes)
		return error_set(e, ERROR_LIMIT, 0, "more than %" PRIu64 " bytes in all",
			LIMIT_LAYER_STORED_BYTES);
	self->size_bytes += (uint64_t)size_bytes;
	(void)snprintf(number, sizeof number, "%zu", self->files->count);
	if (add_member(self->files, name, NULL, self->files->count, e) != 0)
		return -1;
	SCOPED_FD fd =
		openat(self->files->fd, number, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_errno(e, errno, "a file beside the store");
	return copy(self, fd, e);
}

static int unpack_link(
	struct unpacking *self, const char *name, const char *target, bool hard, struct error *e)
{
	char path[LIMIT_PATH_BYTES + 1];
	if (hard ? path_normalize(target, path, e) != 0 : resolve(name, target, path, e) != 0)
		return -1;
	return add_member(self->files, name, path, 0, e);
}

static int unpack_member(
	struct unpacking *self, struct archive_entry *entry, const char *name, struct error *e)
{
	const char *hard = archive_entry_hardlink(entry), *soft = archive_entry_symlink(entry);
	if (hard != NULL)
		return unpack_link(self, name, hard, true, e);
	switch (archive_entry_filetype(entry)) {
	case AE_IFDIR:
		return 0;
	case AE_IFREG:
		return unpack_file(self, entry, name, e);
	case AE_IFLNK:
		if (soft != NULL)
			return unpack_link(self, name, soft, false, e);
		break;
	default:
		break;
	}
	return error_set(e, ERROR_TYPE, 0, "neither file, directory nor link");
}

static int unpack_all(struct unpacking *self, struct error *e)
{
	for (;;) {
		struct archive_entry *entry;
		char path[LIMIT_PATH_BYTES + 1];
		int status = archive_read_next_header(self->archive, &entry);
		if (status == ARCHIVE_EOF)
			return 0;
		if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
			return tar_error(self, e);
		const char *name = archive_entry_pathname(entry);
		if (name == NULL)
			return error_set(e, ERROR_PATH, 0, "a member without a name");
		if (path_normalize(name, path, e) != 0 || unpack_member(self, entry, path, e) != 0)
			return self->failed ? -1 : error_wrap(e, "the member `%s`", name);
	}
}

/* libarchive stops where the tar ends: a compressed file's checksum is behind that. */
static int read_rest(struct unpacking *self, struct error *e)
{
	for (;;) {
		size_t got;
		if (unzip_read(self->unzip, self->input, sizeof self->input, &got, e) != 0)
			return -1;
		if (got == 0)
			return 0;
	}
}

static int open_tar(struct unpacking *self, struct error *e)
{
	self->archive = archive_read_new();
	if (self->archive == NULL || archive_read_support_format_tar(self->archive) != ARCHIVE_OK)
		return error_set(e, ERROR_NOSPACE, 0, "no memory for reading a tar");
	if (archive_read_open(self->archive, self, NULL, read_more, NULL) != ARCHIVE_OK)
		return tar_error(self, e);
	return 0;
}

int import_files_unpack(int archive_fd, int into_fd, struct import_files *out, struct error *e)
{
	if (import_files_below(into_fd, out, e) != 0)
		return -1;
	out->is_archive = true;
	SCOPED_FREE struct unpacking *self = calloc(1, sizeof *self);
	if (self == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	self->files = out;
	self->e = e;
	if (unzip_open(archive_fd, &self->unzip, e) != 0)
		return -1;
	int result = open_tar(self, e);
	if (result == 0)
		result = unpack_all(self, e);
	if (result == 0)
		result = read_rest(self, e);
	(void)archive_read_free(self->archive);
	unzip_close(self->unzip);
	return result;
}

#include "tar_members.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../layers/paths.h"
#include "../layers/scope.h"

/* Headers are small and far apart. */
enum { CHUNK_BYTES = 16 * 1024 };

struct listing {
	const struct tar_input *input;
	struct archive *archive;
	struct tar_members *out;
	uint64_t at;     /* in the input */
	size_t entries;  /* of any type */
	struct error *e; /* of the reading below libarchive */
	bool failed;     /* ... which says so */
	uint8_t chunk[CHUNK_BYTES];
};

/* --- what libarchive calls */

static la_ssize_t read_more(struct archive *archive, void *context, const void **bytes)
{
	struct listing *self = context;
	size_t got = 0;
	*bytes = self->chunk;
	if (self->at >= self->input->size_bytes)
		return 0;
	if (self->input->read_at(self->input->context, self->at, self->chunk, sizeof self->chunk,
		    &got, self->e) != 0) {
		self->failed = true;
		archive_set_error(archive, EIO, "read");
		return -1;
	}
	self->at += got;
	return (la_ssize_t)got;
}

static la_int64_t skip(struct archive *archive, void *context, la_int64_t request)
{
	struct listing *self = context;
	uint64_t left = self->input->size_bytes - self->at;
	uint64_t now = request < 0 ? 0 : (uint64_t)request < left ? (uint64_t)request : left;
	(void)archive;
	self->at += now;
	return (la_int64_t)now;
}

static int tar_error(const struct listing *self, struct error *e)
{
	if (self->failed)
		return -1;
	const char *why = archive_error_string(self->archive);
	return error_set(e, ERROR_TAR, 0, "%s", why != NULL ? why : "damaged");
}

/* --- members */

static int add(struct listing *self, const char *name, uint64_t offset, uint64_t size_bytes,
	struct error *e)
{
	struct tar_members *out = self->out;
	if (size_bytes > self->input->size_bytes || offset > self->input->size_bytes - size_bytes)
		return error_set(e, ERROR_SIZE, 0, "the tar ends within it");
	if (out->count == out->capacity) {
		size_t capacity = out->capacity * 2 + 64;
		struct tar_member *items = reallocarray(out->items, capacity, sizeof *items);
		if (items == NULL)
			return error_set(e, ERROR_NOSPACE, 0, "no memory");
		out->items = items;
		out->capacity = capacity;
	}
	char *own = strdup(name);
	if (own == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	out->items[out->count++] =
		(struct tar_member){.name = own, .offset = offset, .size_bytes = size_bytes};
	return 0;
}

/* A header has been consumed, all of it, when libarchive hands its entry out: what it consumed of
 * the input until then is where the contents begin. */
static int take(struct listing *self, struct archive_entry *entry, struct error *e)
{
	char path[LIMIT_PATH_BYTES + 1];
	const char *name = archive_entry_pathname(entry);
	int64_t offset = archive_filter_bytes(self->archive, -1);
	int64_t size_bytes = archive_entry_size(entry);
	if (name == NULL)
		return error_set(e, ERROR_PATH, 0, "a member without a name");
	if (path_normalize(name, path, e) != 0)
		return error_wrap(e, "the member `%s`", name);
	if (archive_entry_hardlink(entry) == NULL && archive_entry_filetype(entry) == AE_IFDIR)
		return 0;
	if (archive_entry_hardlink(entry) != NULL || archive_entry_filetype(entry) != AE_IFREG)
		return error_set(e, ERROR_TYPE, 0,
			"the member `%s` is neither a file nor a directory", name);
	if (path[0] == '\0')
		return error_set(
			e, ERROR_PATH, 0, "the member `%s` is a file, and no directory", name);
	if (archive_entry_sparse_count(entry) > 0)
		return error_set(e, ERROR_TYPE, 0, "the member `%s` has holes", name);
	if (offset < 0 || size_bytes < 0)
		return error_set(e, ERROR_TAR, 0, "the member `%s`: no size", name);
	if (add(self, path, (uint64_t)offset, (uint64_t)size_bytes, e) != 0)
		return error_wrap(e, "the member `%s`", name);
	return 0;
}

static int take_all(struct listing *self, struct error *e)
{
	for (;;) {
		struct archive_entry *entry;
		int status = archive_read_next_header(self->archive, &entry);
		if (status == ARCHIVE_EOF)
			return 0;
		/* A warning is about a name's characters. */
		if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
			return tar_error(self, e);
		if (self->entries++ == TAR_MEMBERS_MOST)
			return error_set(
				e, ERROR_LIMIT, 0, "more than %d members", TAR_MEMBERS_MOST);
		if (take(self, entry, e) != 0)
			return -1;
	}
}

static int open_tar(struct listing *self, struct error *e)
{
	self->archive = archive_read_new();
	if (self->archive == NULL || archive_read_support_format_tar(self->archive) != ARCHIVE_OK)
		return error_set(e, ERROR_NOSPACE, 0, "no memory for reading a tar");
	if (archive_read_open2(self->archive, self, NULL, read_more, skip, NULL) != ARCHIVE_OK)
		return tar_error(self, e);
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct tar_member *)a)->name, ((const struct tar_member *)b)->name);
}

/* Which of two would be meant nobody could say. */
static int sort(struct tar_members *members, struct error *e)
{
	if (members->count > 0)
		qsort(members->items, members->count, sizeof *members->items, compare);
	for (size_t i = 1; i < members->count; i++) {
		if (compare(&members->items[i - 1], &members->items[i]) == 0)
			return error_set(e, ERROR_FORMAT, 0, "the member `%s` is there twice",
				members->items[i].name);
	}
	return 0;
}

int tar_members_list(const struct tar_input *input, struct tar_members *out, struct error *e)
{
	*out = (struct tar_members){0};
	SCOPED_FREE struct listing *self = calloc(1, sizeof *self);
	if (self == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	self->input = input;
	self->out = out;
	self->e = e;
	int result = open_tar(self, e);
	if (result == 0)
		result = take_all(self, e);
	(void)archive_read_free(self->archive);
	if (result == 0)
		result = sort(out, e);
	if (result != 0)
		tar_members_free(out);
	return result;
}

void tar_members_free(struct tar_members *members)
{
	for (size_t i = 0; i < members->count; i++)
		free(members->items[i].name);
	free(members->items);
	*members = (struct tar_members){0};
}

const struct tar_member *tar_members_find(const struct tar_members *members, const char *name)
{
	struct tar_member wanted = {.name = (char *)(uintptr_t)name};
	if (members->count == 0)
		return NULL;
	return bsearch(&wanted, members->items, members->count, sizeof wanted, compare);
}

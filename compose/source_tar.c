#include "source_tar.h"

#include <string.h>
#include <sys/stat.h>

#include "../layers/ceilings.h"
#include "../layers/scope.h"
#include "interrupt.h"
#include "tar_members.h"

struct source_tar {
	struct source source;
	int fd;
	struct tar_members members;
};

struct blob_member {
	struct blob blob;
	int fd; /* the source's, which outlives it */
	uint64_t offset;
};

/* --- the file */

static int read_some(void *context, uint64_t offset, void *buffer, size_t size_bytes, size_t *got,
	struct error *e)
{
	const int *fd = context;
	for (;;) {
		ssize_t now = pread(*fd, buffer, size_bytes, (off_t)offset);
		if (interrupt_check(e) != 0)
			return -1;
		if (now < 0 && errno == EINTR)
			continue;
		if (now < 0)
			return error_errno(
				e, errno, "read at byte %llu", (unsigned long long)offset);
		*got = (size_t)now;
		return 0;
	}
}

static int read_exactly(int fd, uint64_t offset, void *buffer, size_t size_bytes, struct error *e)
{
	uint8_t *to = buffer;
	while (size_bytes > 0) {
		size_t got = 0;
		if (read_some(&fd, offset, to, size_bytes, &got, e) != 0)
			return -1;
		if (got == 0)
			return error_set(e, ERROR_SIZE, 0, "the tar ends at byte %llu",
				(unsigned long long)offset);
		to += got;
		offset += got;
		size_bytes -= got;
	}
	return 0;
}

/* --- stacks */

static int list_stacks(struct source *source,
	int (*visit)(void *context, const char *file_name, struct error *e), void *context,
	struct error *e)
{
	const struct source_tar *self = (const struct source_tar *)source;
	for (size_t i = 0; i < self->members.count; i++) {
		const char *name = self->members.items[i].name;
		size_t length = strlen(name);
		if (strncmp(name, "stacks/", 7) != 0 || length < 7 + 7 || name[7] == '.' ||
			strchr(name + 7, '/') != NULL || strcmp(name + length - 6, ".stack") != 0)
			continue;
		int result = visit(context, name + 7, e);
		if (result != 0)
			return result;
	}
	return 0;
}

static int find(const struct source_tar *self, const char *name, const struct tar_member **out,
	struct error *e)
{
	*out = tar_members_find(&self->members, name);
	return *out != NULL ? 0 : error_set(e, ERROR_MISSING, 0, "it has no %s", name);
}

static int read_stack(struct source *source, const char *file_name, uint8_t **bytes,
	size_t *size_bytes, struct error *e)
{
	const struct source_tar *self = (const struct source_tar *)source;
	const struct tar_member *member;
	char path[7 + 256] = "stacks/";
	if (strlen(file_name) > 255)
		return error_set(e, ERROR_FORMAT, 0, "stack file name of more than 255 bytes");
	strcat(path, file_name);
	if (find(self, path, &member, e) != 0)
		return -1;
	if (member->size_bytes > LIMIT_STACK_FILE_BYTES)
		return error_set(e, ERROR_LIMIT, 0, "%s has %llu bytes, at most %u are allowed",
			path, (unsigned long long)member->size_bytes, LIMIT_STACK_FILE_BYTES);
	SCOPED_FREE uint8_t *buffer = malloc((size_t)member->size_bytes + 1);
	if (buffer == NULL)
		return error_errno(e, ENOMEM, "read %s", path);
	if (read_exactly(self->fd, member->offset, buffer, (size_t)member->size_bytes, e) != 0)
		return error_wrap(e, "%s", path);
	*bytes = SCOPE_TAKE(buffer);
	*size_bytes = (size_t)member->size_bytes;
	return 0;
}

/* --- blobs */

static int blob_read_at(
	struct blob *blob, uint64_t offset, void *buffer, size_t size_bytes, struct error *e)
{
	const struct blob_member *self = (const struct blob_member *)blob;
	if (offset > blob->size_bytes || size_bytes > blob->size_bytes - offset)
		return error_set(e, ERROR_SIZE, 0, "the blob ends at byte %llu",
			(unsigned long long)blob->size_bytes);
	return read_exactly(self->fd, self->offset + offset, buffer, size_bytes, e);
}

/* Others' bytes are in that file, too. */
static int blob_descriptor(const struct blob *blob)
{
	(void)blob;
	return -1;
}

static void blob_member_close(struct blob *blob)
{
	free(blob);
}

static const struct blob_ops blob_member_ops = {
	.read_at = blob_read_at,
	.descriptor = blob_descriptor,
	.close = blob_member_close,
};

static int open_blob(
	struct source *source, const struct digest *digest, struct blob **out, struct error *e)
{
	const struct source_tar *self = (const struct source_tar *)source;
	const struct tar_member *member;
	char path[sizeof "blobs/sha256/" + DIGEST_HEX] = "blobs/sha256/";
	digest_format_hex(digest, path + strlen(path));
	if (find(self, path, &member, e) != 0)
		return -1;
	struct blob_member *blob = malloc(sizeof *blob);
	if (blob == NULL)
		return error_errno(e, ENOMEM, "open %s", path);
	*blob = (struct blob_member){
		.blob = {.ops = &blob_member_ops, .size_bytes = member->size_bytes},
		.fd = self->fd,
		.offset = member->offset};
	*out = &blob->blob;
	return 0;
}

static void source_tar_close(struct source *source)
{
	struct source_tar *self = (struct source_tar *)source;
	tar_members_free(&self->members);
	(void)close(self->fd);
	free(self);
}

static const struct source_ops source_tar_ops = {
	.list_stacks = list_stacks,
	.read_stack = read_stack,
	.open_blob = open_blob,
	.close = source_tar_close,
};

int source_tar_open(int fd, struct source **out, struct error *e)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return error_errno(e, errno, "stat");
	struct source_tar *self = malloc(sizeof *self);
	if (self == NULL)
		return error_errno(e, ENOMEM, "open a tar");
	*self = (struct source_tar){.source = {.ops = &source_tar_ops}, .fd = fd};
	const struct tar_input input = {
		.size_bytes = (uint64_t)st.st_size, .read_at = read_some, .context = &fd};
	if (tar_members_list(&input, &self->members, e) == 0) {
		if (tar_members_find(&self->members, "oci-layout") != NULL) {
			*out = &self->source;
			return 0;
		}
		(void)error_set(e, ERROR_FORMAT, 0, "it is no store: it has no file oci-layout");
	}
	tar_members_free(&self->members);
	free(self);
	return -1;
}

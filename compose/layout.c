#include "layout.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "../layers/scope.h"
#include "../layers/syscalls.h"
#include "interrupt.h"
#include "layout_make.h"
#include "report.h"

const char *layout_path(const char *given)
{
	const char *environment = getenv("PLYBOOT_STORE");
	if (given != NULL)
		return given;
	return environment != NULL && environment[0] != '\0' ? environment : "store";
}

/* `out` says which kind. */
static int open_kind(const char *path, bool create, struct layout *out, struct error *e)
{
	out->path = path;
	if (create)
		interrupt_catch();
	int own = -1;
	if (layout_make_open(out, create, e) == 0) {
		own = fcntl(out->fd, F_DUPFD_CLOEXEC, 0);
		if (own < 0)
			(void)error_errno(e, errno, "open the store `%s`", path);
	}
	if (own >= 0 && source_dir_open(own, &out->source, e) == 0) {
		interrupt_source(out->source);
		return 0;
	}
	scope_close(&own);
	layout_close(out);
	return -1;
}

int layout_open(const char *path, bool create, struct layout *out, struct error *e)
{
	*out = (struct layout)LAYOUT_INIT;
	return open_kind(path, create, out, e);
}

int layout_open_image(const char *path, struct layout *out, struct error *e)
{
	*out = (struct layout)LAYOUT_INIT;
	out->is_image = true;
	return open_kind(path, true, out, e);
}

static void forget(struct layout_blobs *blobs)
{
	free(blobs->items);
	*blobs = (struct layout_blobs){0};
}

/* With all digits of the clock, which the kernel's own times don't have: so that it is seen. Those
 * of another user's file only the kernel sets. */
static void touch(const struct layout *layout, const struct digest *digest)
{
	char path[LAYOUT_BLOB_PATH_SIZE];
	struct timespec now[2];
	layout_blob_path(digest, path);
	if (clock_gettime(CLOCK_REALTIME, &now[0]) == 0) {
		now[1] = now[0];
		if (utimensat(layout->fd, path, now, AT_SYMLINK_NOFOLLOW) == 0)
			return;
	}
	(void)utimensat(layout->fd, path, NULL, AT_SYMLINK_NOFOLLOW);
}

/* What was added, too: who adds the same at the same time may still fail. */
void layout_keep(struct layout *layout)
{
	for (size_t i = 0; i < layout->wanted.count; i++)
		touch(layout, &layout->wanted.items[i].digest);
	for (size_t i = 0; i < layout->added.count; i++)
		touch(layout, &layout->added.items[i].digest);
	layout->created = false;
	forget(&layout->added);
	forget(&layout->wanted);
}

static int remember(struct layout_blobs *blobs, const struct digest *digest, struct error *e)
{
	if (blobs->count == blobs->capacity) {
		size_t capacity = blobs->capacity * 2 + 8;
		struct layout_blob *items = reallocarray(blobs->items, capacity, sizeof *items);
		if (items == NULL)
			return error_set(e, ERROR_NOSPACE, 0, "no memory");
		blobs->items = items;
		blobs->capacity = capacity;
	}
	blobs->items[blobs->count++] = (struct layout_blob){.digest = *digest};
	return 0;
}

/* One that was added is in its place: a second one of the same bytes takes it. */
static void note_added(struct layout *layout, const struct digest *digest, const char *path)
{
	struct stat st;
	if (fstatat(layout->fd, path, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	for (size_t i = 0; i < layout->added.count; i++) {
		struct layout_blob *blob = &layout->added.items[i];
		if (!digest_equal(&blob->digest, digest))
			continue;
		blob->inode = st.st_ino;
		blob->written = st.st_mtim;
		blob->changed = st.st_ctim;
	}
}

static bool is_equal(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* Who wants it, too, has replaced it, or touched it when all went well: see layout_keep(). */
static bool is_ours_alone(const struct layout *layout, const struct layout_blob *blob, char *path)
{
	struct stat st;
	layout_blob_path(&blob->digest, path);
	return fstatat(layout->fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_ino == blob->inode && is_equal(&st.st_mtim, &blob->written) &&
	       is_equal(&st.st_ctim, &blob->changed);
}

static void take_out(const struct layout *layout)
{
	char path[LAYOUT_BLOB_PATH_SIZE];
	for (size_t i = 0; i < layout->added.count; i++) {
		if (is_ours_alone(layout, &layout->added.items[i], path))
			(void)unlinkat(layout->fd, path, 0);
	}
}

void layout_close(struct layout *layout)
{
	int saved = errno;
	if (layout->added.count > 0 && layout_lock_try(layout))
		take_out(layout);
	if (layout->created)
		layout_make_undo(layout);
	source_close(layout->source);
	forget(&layout->added);
	forget(&layout->wanted);
	scope_close(&layout->index_fd);
	scope_close(&layout->fd);
	*layout = (struct layout)LAYOUT_INIT;
	errno = saved;
}

void layout_blob_path(const struct digest *digest, char out[LAYOUT_BLOB_PATH_SIZE])
{
	memcpy(out, "blobs/sha256/", 13);
	digest_format_hex(digest, out + 13);
}

/* --- blobs */

int layout_open_directory(const struct layout *layout, const char *name, struct error *e)
{
	int fd = sys_openat2(layout->fd, name, O_DIRECTORY | O_RDONLY, 0, SYS_RESOLVE_STRICT);
	if (fd < 0)
		return error_errno(e, errno, "open %s/ of the store `%s`", name, layout->path);
	return fd;
}

int blob_writer_open(struct layout *layout, struct blob_writer *out, struct error *e)
{
	SCOPED_FD fd = layout_open_directory(layout, "blobs/sha256", e);
	if (fd < 0)
		return -1;
	*out = (struct blob_writer)BLOB_WRITER_INIT;
	sha256_start(&out->hash);
	if (output_open_at(&out->output, fd, "blob", 0644, e) != 0)
		return error_wrap(e, "the store `%s`", layout->path);
	return 0;
}

int blob_writer_write(
	struct blob_writer *writer, const void *data, size_t size_bytes, struct error *e)
{
	sha256_update(&writer->hash, data, size_bytes);
	writer->size_bytes += size_bytes;
	return writer->output.fd < 0 ? 0 : output_write(&writer->output, data, size_bytes, e);
}

void blob_writer_open_existing(struct blob_writer *out)
{
	*out = (struct blob_writer)BLOB_WRITER_INIT;
	sha256_start(&out->hash);
}

int blob_writer_finish(
	struct layout *layout, struct blob_writer *writer, struct digest *out, struct error *e)
{
	char path[LAYOUT_BLOB_PATH_SIZE];
	sha256_finish(&writer->hash, out);
	if (writer->output.fd < 0)
		return remember(&layout->wanted, out, e);
	layout_blob_path(out, path);
	bool existed = faccessat(layout->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	char *name = strdup(path + 13);
	if (name == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	free(writer->output.name);
	writer->output.name = name;
	/* Remembered first: what can't be remembered would stay. */
	if (!existed && remember(&layout->added, out, e) != 0)
		return -1;
	int result = output_commit(&writer->output, OUTPUT_REPLACE, e);
	note_added(layout, out, path);
	return result;
}

void blob_writer_discard(struct blob_writer *writer)
{
	output_discard(&writer->output);
}

static bool has_bytes(
	struct layout *layout, const struct digest *digest, const void *data, size_t size_bytes)
{
	SCOPED_FREE uint8_t *bytes = malloc(size_bytes + 1);
	struct blob *blob;
	struct error ignored;
	if (bytes == NULL ||
		layout->source->ops->open_blob(layout->source, digest, &blob, &ignored) != 0)
		return false;
	bool same = blob->size_bytes == size_bytes &&
		    blob->ops->read_at(blob, 0, bytes, size_bytes, &ignored) == 0 &&
		    memcmp(bytes, data, size_bytes) == 0;
	blob_close(blob);
	return same;
}

int layout_add_blob(struct layout *layout, const void *data, size_t size_bytes, struct digest *out,
	struct error *e)
{
	struct blob_writer writer;
	struct digest digest;
	digest_of(data, size_bytes, &digest);
	if (has_bytes(layout, &digest, data, size_bytes)) {
		*out = digest;
		return remember(&layout->wanted, &digest, e);
	}
	if (blob_writer_open(layout, &writer, e) != 0)
		return -1;
	int result = blob_writer_write(&writer, data, size_bytes, e);
	if (result == 0)
		result = blob_writer_finish(layout, &writer, out, e);
	blob_writer_discard(&writer);
	return result;
}

static int flush(int dir_fd, const char *name, struct error *e)
{
	SCOPED_FD fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_errno(e, errno, "open the blob %s", name);
	if (fchmod(fd, 0644) != 0 || fsync(fd) != 0)
		return error_errno(e, errno, "flush the blob %s", name);
	return interrupt_check(e);
}

int layout_take_blob(struct layout *layout, int dir_fd, const char *name,
	const struct digest *digest, struct error *e)
{
	char path[LAYOUT_BLOB_PATH_SIZE];
	SCOPED_FD blobs_fd = layout_open_directory(layout, "blobs/sha256", e);
	if (blobs_fd < 0 || flush(dir_fd, name, e) != 0)
		return -1;
	layout_blob_path(digest, path);
	bool existed = faccessat(layout->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	if (!existed && remember(&layout->added, digest, e) != 0)
		return -1;
	if (renameat(dir_fd, name, blobs_fd, path + 13) != 0)
		return error_errno(e, errno, "take the blob %s in", name);
	note_added(layout, digest, path);
	if (fsync(blobs_fd) != 0 && errno != EINVAL)
		return error_errno(e, errno, "flush blobs/ of the store `%s`", layout->path);
	return 0;
}

int layout_read_blob(struct layout *layout, const struct digest *digest, size_t max_bytes,
	uint8_t **bytes, size_t *size_bytes, struct error *e)
{
	struct blob *blob;
	struct digest found;
	char text[DIGEST_TEXT_SIZE];
	digest_format(digest, text);
	if (layout->source->ops->open_blob(layout->source, digest, &blob, e) != 0)
		return error_wrap(e, "the store `%s`", layout->path);
	size_t size = (size_t)blob->size_bytes;
	SCOPED_FREE uint8_t *buffer = NULL;
	int result = 0;
	if (blob->size_bytes > max_bytes)
		result = error_set(
			e, ERROR_LIMIT, 0, "the blob %s has more than %zu bytes", text, max_bytes);
	else if ((buffer = malloc(size + 1)) == NULL)
		result = error_set(e, ERROR_NOSPACE, 0, "no memory");
	else
		result = blob->ops->read_at(blob, 0, buffer, size, e);
	blob_close(blob);
	if (result != 0)
		return -1;
	digest_of(buffer, size, &found);
	if (!digest_equal(&found, digest))
		return error_set(e, ERROR_DIGEST, 0, "the blob %s differs from its digest", text);
	*bytes = SCOPE_TAKE(buffer);
	*size_bytes = size;
	return 0;
}

int layout_check_blob(
	struct layout *layout, const struct digest *digest, uint64_t size_bytes, struct error *e)
{
	struct blob *blob;
	char text[DIGEST_TEXT_SIZE];
	digest_format(digest, text);
	if (layout->source->ops->open_blob(layout->source, digest, &blob, e) != 0)
		return error_wrap(e, "the store `%s`", layout->path);
	uint64_t actual = blob->size_bytes;
	blob_close(blob);
	if (actual != size_bytes)
		return error_set(e, ERROR_SIZE, 0, "the blob %s has %llu bytes instead of %llu",
			text, (unsigned long long)actual, (unsigned long long)size_bytes);
	return 0;
}

int layout_write_index(struct layout *layout, const char *text, size_t size_bytes,
	struct output *out, struct error *e)
{
	if (output_open_at(out, layout->fd, "index.json", 0644, e) != 0 ||
		output_write(out, text, size_bytes, e) != 0 || output_write(out, "\n", 1, e) != 0)
		return error_wrap(e, "the index of the store `%s`", layout->path);
	return 0;
}

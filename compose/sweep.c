#include "sweep.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../layers/ceilings.h"
#include "../layers/little_endian.h"
#include "../layers/scope.h"
#include "../layers/store.h"
#include "interrupt.h"
#include "scratch.h"

static void count(struct sweep_total *total, const struct stat *st)
{
	total->count++;
	total->bytes += (uint64_t)st->st_size;
}

/* Blobs that the clock puts into the future are young, too. */
static bool is_young(const struct sweep *self, const struct stat *st)
{
	return self->grace_minutes > 0 &&
	       st->st_mtim.tv_sec > self->now - (time_t)(self->grace_minutes * 60);
}

static int remove_file(struct sweep *self, int dir_fd, const char *name, struct error *e)
{
	if (interrupt_check(e) != 0)
		return -1;
	if (!self->dry_run && unlinkat(dir_fd, name, 0) != 0)
		return error_errno(e, errno, "remove `%s` of the store", name);
	return 0;
}

/* --- piece tables of images: index.json does not name them, and a stack will need them */

struct table {
	uint64_t layer_bytes; /* of the layer whose pieces it lists; 0: it is no piece table */
	uint64_t first_bytes; /* of its first piece */
	struct digest first;
};

static struct table read_table(int dir_fd, const char *name, uint64_t size_bytes)
{
	enum { HEADER = 24, ROW = 48 };
	static const char magic[] = "plyboot pieces 1";
	struct table table = {0};
	uint8_t row[ROW];
	if (size_bytes < HEADER + ROW || size_bytes > LIMIT_PIECE_TABLE_BYTES ||
		(size_bytes - HEADER) % ROW != 0)
		return table;
	SCOPED_FD fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || read(fd, row, HEADER) != HEADER || memcmp(row, magic, strlen(magic)) != 0)
		return table;
	while (read(fd, row, ROW) == ROW) {
		if (table.layer_bytes == 0) {
			table.first_bytes = get_little_endian(row, 8);
			memcpy(table.first.bytes, row + 16, sizeof table.first.bytes);
		}
		table.layer_bytes += get_little_endian(row, 8);
	}
	return table;
}

/* What can't be read is not taken for another's. */
static bool fits(struct sweep *self, const struct table *table, const struct named_blob *layer)
{
	struct error ignored;
	struct blob *blob;
	struct digest digest;
	if (layer->kind != NAMED_LAYER || layer->size_bytes != table->layer_bytes ||
		table->first_bytes > LIMIT_PIECE_BYTES || table->first_bytes > table->layer_bytes)
		return false;
	SCOPED_FREE uint8_t *piece = malloc((size_t)table->first_bytes + 1);
	struct source *source = self->layout->source;
	if (piece == NULL || source->ops->open_blob(source, &layer->digest, &blob, &ignored) != 0)
		return true;
	int result = blob->ops->read_at(blob, 0, piece, (size_t)table->first_bytes, &ignored);
	blob_close(blob);
	digest_of(piece, (size_t)table->first_bytes, &digest);
	return result != 0 || digest_equal(&digest, &table->first);
}

static bool is_of_image(struct sweep *self, int dir_fd, const char *name, uint64_t size_bytes)
{
	struct table table = read_table(dir_fd, name, size_bytes);
	for (size_t i = 0; i < self->named->count && table.layer_bytes > 0; i++) {
		const struct named_owner *owner = &self->named->owners[i];
		for (size_t j = 0; owner->image && j < owner->count; j++) {
			if (fits(self, &table, &owner->blobs[j]))
				return true;
		}
	}
	return false;
}

/* --- one directory after the other */

/* A name of compose/output.c's for what is not finished: ".NAME.PID-SERIAL". Nobody else has the
 * store open, so whoever made it was killed. */
static bool is_leftover(const char *name)
{
	const char *dot = strrchr(name, '.');
	size_t length = strlen(name);
	size_t digits = dot == NULL ? 0 : strspn(dot + 1, "0123456789");
	return name[0] == '.' && dot > name && digits > 0 && dot[1 + digits] == '-' &&
	       isdigit((unsigned char)name[length - 1]) &&
	       strspn(dot + 2 + digits, "0123456789") == strlen(dot + 2 + digits);
}

static int look_at_blob(struct sweep *self, int dir_fd, const char *name,
	const struct digest *digest, const struct stat *st, struct error *e)
{
	if (named_by_any(self->named, digest) ||
		is_of_image(self, dir_fd, name, (uint64_t)st->st_size)) {
		count(&self->kept, st);
		return 0;
	}
	if (is_young(self, st)) {
		count(&self->young, st);
		return 0;
	}
	if (remove_file(self, dir_fd, name, e) != 0)
		return -1;
	printf("%s sha256:%s %" PRIu64 " bytes\n", self->dry_run ? "would remove" : "removed", name,
		(uint64_t)st->st_size);
	count(&self->removed, st);
	return 0;
}

/* A directory that a command had for itself: what it fetched and had not checked. */
static int remove_scratch(
	struct sweep *self, int dir_fd, const char *name, const struct stat *st, struct error *e)
{
	if (interrupt_check(e) != 0)
		return -1;
	if (!self->dry_run && store_remove(dir_fd, name, e) != 0)
		return error_wrap(e, "remove `%s` of the store", name);
	count(&self->leftovers, st);
	return 0;
}

static int look_at(struct sweep *self, int dir_fd, const char *name, bool blobs, struct error *e)
{
	struct digest digest;
	struct stat st;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0 : error_errno(e, errno, "stat `%s` of the store", name);
	if (S_ISDIR(st.st_mode) && scratch_has_name(name))
		return remove_scratch(self, dir_fd, name, &st, e);
	if (!S_ISREG(st.st_mode))
		return 0; /* nothing that we made */
	if (blobs && digest_parse_hex(name, strlen(name), &digest))
		return look_at_blob(self, dir_fd, name, &digest, &st, e);
	if (!is_leftover(name))
		return 0;
	if (remove_file(self, dir_fd, name, e) != 0)
		return -1;
	count(&self->leftovers, &st);
	return 0;
}

static int sweep_directory(struct sweep *self, const char *path, struct error *e)
{
	SCOPED_FD fd = strcmp(path, ".") == 0
			       ? openat(self->layout->fd, ".", O_DIRECTORY | O_RDONLY | O_CLOEXEC)
			       : layout_open_directory(self->layout, path, e);
	if (fd < 0)
		return -1;
	DIR *dir = fdopendir(fd);
	if (dir == NULL)
		return error_errno(e, errno, "list %s/ of the store", path);
	(void)scope_take_fd(&fd);
	int result = 0;
	while (result == 0) {
		errno = 0;
		const struct dirent *entry = readdir(dir);
		if (entry == NULL) {
			if (errno != 0)
				result = error_errno(e, errno, "list %s/ of the store", path);
			break;
		}
		result = look_at(
			self, dirfd(dir), entry->d_name, strcmp(path, "blobs/sha256") == 0, e);
	}
	if (result == 0 && fsync(dirfd(dir)) != 0 && errno != EINVAL)
		result = error_errno(e, errno, "flush %s/ of the store", path);
	(void)closedir(dir);
	return result;
}

int sweep_store(struct sweep *self, struct error *e)
{
	self->now = time(NULL);
	if (sweep_directory(self, "blobs/sha256", e) != 0 ||
		sweep_directory(self, "stacks", e) != 0)
		return -1;
	return sweep_directory(self, ".", e);
}

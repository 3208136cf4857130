#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "scope.h"
#include "store_private.h"
#include "syscalls.h"

static const char new_name[] = "new";

static uint64_t add_saturated(uint64_t a, uint64_t b)
{
	uint64_t sum;
	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static uint64_t multiply_saturated(uint64_t a, uint64_t b)
{
	uint64_t product;
	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

void store_need(const struct layer_record *record, uint64_t page_bytes, uint64_t *tmpfs_bytes,
	uint64_t *kernel_bytes)
{
	/* `unpacked` is rounded to 4096 for each file; larger pages lose up to the difference more.
	 */
	uint64_t rounding = page_bytes > LIMIT_PAGE_BYTES ? page_bytes - LIMIT_PAGE_BYTES : 0;
	*tmpfs_bytes = add_saturated(
		record->unpacked_bytes, multiply_saturated(record->entries, rounding));
	*kernel_bytes = multiply_saturated(record->entries, LIMIT_ENTRY_KERNEL_BYTES);
}

int store_open_below(int dir_fd, const char *path, int flags)
{
	return sys_openat2(dir_fd, path[0] == '\0' ? "." : path, flags, 0, SYS_RESOLVE_STRICT);
}

int store_is_opaque(int fd, bool *out)
{
	char value = '\0';
	if (fgetxattr(fd, "trusted.overlay.opaque", &value, 1) < 0 && errno != ENODATA)
		return -1;
	*out = value == 'y';
	return 0;
}

/* Needs CAP_SYS_ADMIN, which what unpacks does not have to have. */
static int mark_opaque(int root_fd, const struct path_list *opaque, struct error *e)
{
	for (size_t i = 0; i < opaque->count; i++) {
		const char *path = opaque->items[i].path;
		SCOPED_FD fd = store_open_below(root_fd, path, O_RDONLY | O_DIRECTORY);
		if (fd < 0)
			return error_errno(e, errno, "open \"%.80s\"", path);
		if (fsetxattr(fd, "trusted.overlay.opaque", "y", 1, 0) != 0)
			return error_errno(e, errno, "mark \"%.80s\" opaque", path);
	}
	return 0;
}

static int write_implied(int layer_fd, struct path_list *implied, struct error *e)
{
	path_list_sort(implied);
	SCOPED_FD fd = openat(layer_fd, "implied", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
	if (file == NULL)
		return error_errno(e, errno, "write the list of implied directories");
	(void)scope_take_fd(&fd);
	for (size_t i = 0; i < implied->count; i++) {
		const struct path_item *item = &implied->items[i];
		(void)fputc(item->value == IMPLIED_FRESH ? 'f' : 'm', file);
		(void)fwrite(item->path, strlen(item->path) + 1, 1, file);
	}
	bool failed = ferror(file) != 0;
	failed |= fclose(file) != 0;
	if (failed)
		return error_errno(e, errno, "write the list of implied directories");
	return 0;
}

static int unpack_into(int layer_fd, struct source *source, const struct layer_record *record,
	const struct layer_unpack_options *options, struct store_layer *out, struct error *e)
{
	if (mkdirat(layer_fd, "root", 0755) != 0)
		return error_errno(e, errno, "make a layer's root");
	SCOPED_FD root_fd = store_open_below(layer_fd, "root", O_RDONLY | O_DIRECTORY);
	if (root_fd < 0)
		return error_errno(e, errno, "open a layer's root");
	if (fchmod(root_fd, 0755) != 0) /* whatever the umask */
		return error_errno(e, errno, "set mode of a layer's root");
	struct unpack_result result = {0};
	if (layer_unpack(source, record, root_fd, options, &result, e) != 0)
		return -1;
	int status = mark_opaque(root_fd, &result.opaque, e);
	if (status == 0)
		status = write_implied(layer_fd, &result.implied, e);
	out->user_xattrs_skipped = options->user_xattrs_supported ? 0 : result.user_xattrs;
	unpack_result_free(&result);
	return status;
}

static int look_at_root(int store_fd, const char *name, bool *opaque, struct error *e)
{
	char path[DIGEST_HEX + sizeof "/root"];
	(void)snprintf(path, sizeof path, "%s/root", name);
	SCOPED_FD fd = store_open_below(store_fd, path, O_RDONLY | O_DIRECTORY);
	if (fd < 0 || store_is_opaque(fd, opaque) != 0)
		return error_errno(e, errno, "look at a layer's root");
	return 0;
}

static int add_new(int store_fd, const char *id, struct source *source,
	const struct layer_record *record, const struct layer_unpack_options *options,
	struct store_layer *out, struct error *e)
{
	if (store_remove(store_fd, new_name, e) != 0)
		return -1;
	if (mkdirat(store_fd, new_name, 0700) != 0)
		return error_errno(e, errno, "make a place to unpack");
	SCOPED_FD layer_fd = store_open_below(store_fd, new_name, O_RDONLY | O_DIRECTORY);
	if (layer_fd < 0)
		return error_errno(e, errno, "open the place to unpack");
	if (unpack_into(layer_fd, source, record, options, out, e) != 0 ||
		look_at_root(store_fd, new_name, &out->hides_lower, e) != 0)
		return -1;
	if (renameat(store_fd, new_name, store_fd, id) != 0)
		return error_errno(e, errno, "put a layer into the store");
	return 0;
}

int store_add(int store_fd, struct source *source, const struct layer_record *record,
	const struct layer_unpack_options *options, struct store_layer *out, struct error *e)
{
	struct store_layer layer = {0};
	char id[DIGEST_HEX + 1];
	struct stat st;
	if (layer_record_id(record, &layer.id, e) != 0)
		return -1;
	digest_format_hex(&layer.id, id);
	if (fstatat(store_fd, id, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		layer.reused = true;
		if (look_at_root(store_fd, id, &layer.hides_lower, e) != 0)
			return -1;
	} else if (errno != ENOENT) {
		return error_errno(e, errno, "look for a layer in the store");
	} else if (add_new(store_fd, id, source, record, options, &layer, e) != 0) {
		struct error ignored; /* the first reason is the one to tell */
		(void)store_remove(store_fd, new_name, &ignored);
		return -1;
	}
	*out = layer;
	return 0;
}

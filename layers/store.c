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
			return error_errno(e, errno, "open `%.80s`", path);
		if (fsetxattr(fd, "trusted.overlay.opaque", "y", 1, 0) != 0)
			return error_errno(e, errno, "mark `%.80s` opaque", path);
	}
	return 0;
}

static char implied_letter(uint32_t value)
{
	static const char letters[] = {
		[IMPLIED_MERGED] = 'm', [IMPLIED_FRESH] = 'f', [IMPLIED_NOT] = 'w'};
	return letters[value];
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
		(void)fputc(implied_letter(item->value), file);
		(void)fwrite(item->path, strlen(item->path) + 1, 1, file);
	}
	bool failed = ferror(file) != 0;
	failed |= fclose(file) != 0;
	if (failed)
		return error_errno(e, errno, "write the list of implied directories");
	return 0;
}

static int look_at_root(int store_fd, const char *name, bool *opaque, struct error *e)
{
	char path[sizeof((struct store_place *)0)->name + sizeof "/root"];
	(void)snprintf(path, sizeof path, "%s/root", name);
	SCOPED_FD fd = store_open_below(store_fd, path, O_RDONLY | O_DIRECTORY);
	if (fd < 0 || store_is_opaque(fd, opaque) != 0)
		return error_errno(e, errno, "look at a layer's root");
	return 0;
}

int store_look(int store_fd, const struct layer_record *record, bool *there,
	struct store_layer *out, struct error *e)
{
	struct store_layer layer = {0};
	char id[DIGEST_HEX + 1];
	struct stat st;
	if (layer_record_id(record, &layer.id, e) != 0)
		return -1;
	digest_format_hex(&layer.id, id);
	layer.reused = fstatat(store_fd, id, &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (!layer.reused && errno != ENOENT)
		return error_errno(e, errno, "look for a layer in the store");
	if (layer.reused && look_at_root(store_fd, id, &layer.hides_lower, e) != 0)
		return -1;
	*there = layer.reused;
	*out = layer;
	return 0;
}

static int open_place(int store_fd, struct store_place *place, struct error *e)
{
	if (mkdirat(store_fd, place->name, 0700) != 0)
		return error_errno(e, errno, "make a place to unpack");
	place->layer_fd = store_open_below(store_fd, place->name, O_RDONLY | O_DIRECTORY);
	if (place->layer_fd < 0)
		return error_errno(e, errno, "open the place to unpack");
	if (mkdirat(place->layer_fd, "root", 0755) != 0)
		return error_errno(e, errno, "make a layer's root");
	place->root_fd = store_open_below(place->layer_fd, "root", O_RDONLY | O_DIRECTORY);
	if (place->root_fd < 0)
		return error_errno(e, errno, "open a layer's root");
	if (fchmod(place->root_fd, 0755) != 0) /* whatever the umask */
		return error_errno(e, errno, "set mode of a layer's root");
	return 0;
}

int store_begin(int store_fd, const struct digest *id, struct store_place *out, struct error *e)
{
	struct store_place place = STORE_PLACE_NONE;
	digest_format_hex(id, place.id);
	(void)snprintf(place.name, sizeof place.name, "new-%s", place.id);
	if (store_remove(store_fd, place.name, e) != 0)
		return -1;
	if (open_place(store_fd, &place, e) != 0) {
		store_abandon(store_fd, &place);
		return -1;
	}
	*out = place;
	return 0;
}

static void close_place(struct store_place *place)
{
	scope_close(&place->root_fd);
	scope_close(&place->layer_fd);
	*place = STORE_PLACE_NONE;
}

int store_keep(int store_fd, struct store_place *place, struct unpack_result *result,
	struct store_layer *out, struct error *e)
{
	bool hides_lower;
	if (mark_opaque(place->root_fd, &result->opaque, e) != 0 ||
		write_implied(place->layer_fd, &result->implied, e) != 0 ||
		look_at_root(store_fd, place->name, &hides_lower, e) != 0)
		return -1;
	if (renameat(store_fd, place->name, store_fd, place->id) != 0)
		return error_errno(e, errno, "put a layer into the store");
	out->hides_lower = hides_lower;
	close_place(place);
	return 0;
}

void store_abandon(int store_fd, struct store_place *place)
{
	struct error ignored; /* the first reason is the one to tell */
	(void)store_remove(store_fd, place->name, &ignored);
	close_place(place);
}

/* In the caller's process. */
static int unpack_into(int store_fd, struct store_place *place, struct source *source,
	const struct layer_record *record, const struct layer_unpack_options *options,
	struct store_layer *out, struct error *e)
{
	struct unpack_result result = {0};
	if (layer_unpack(source, record, place->root_fd, options, &result, e) != 0)
		return -1;
	out->user_xattrs_skipped = options->user_xattrs_supported ? 0 : result.user_xattrs;
	int status = store_keep(store_fd, place, &result, out, e);
	unpack_result_free(&result);
	return status;
}

int store_add(int store_fd, struct source *source, const struct layer_record *record,
	const struct layer_unpack_options *options, struct store_layer *out, struct error *e)
{
	struct store_layer layer;
	struct store_place place;
	bool there;
	if (store_look(store_fd, record, &there, &layer, e) != 0)
		return -1;
	if (!there) {
		if (store_begin(store_fd, &layer.id, &place, e) != 0)
			return -1;
		if (unpack_into(store_fd, &place, source, record, options, &layer, e) != 0) {
			store_abandon(store_fd, &place);
			return -1;
		}
	}
	*out = layer;
	return 0;
}

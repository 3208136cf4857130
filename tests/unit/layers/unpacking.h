/* Unpacking a tar into a sandbox, and what came of it. */
#ifndef PLYBOOT_TEST_UNPACKING_H
#define PLYBOOT_TEST_UNPACKING_H

#include "counts.h"
#include "layers/unpack.h"
#include "memory_source.h"
#include "sandbox.h"

/* A piece size that fits no header, so that everything lies across two pieces. */
enum { ODD_PIECE_BYTES = 700 };

/* Threads that unpack_layer() asks for. */
static unsigned unpack_workers;

static inline int unpack_layer(struct layer *layer, struct sandbox *sandbox, bool names_only,
	struct unpack_result *out, struct error *e)
{
	const struct layer_unpack_options options = {
		.user_xattrs_supported = true, .names_only = names_only, .workers = unpack_workers};
	*out = (struct unpack_result){0};
	*e = (struct error){0};
	return layer_unpack(
		layer_source(layer), &layer->record, sandbox->root_fd, &options, out, e);
}

/* A tar, signed with exactly the numbers that it has. */
static inline int unpack_tar_bytes(const struct bytes *tar, enum media media,
	struct sandbox *sandbox, bool names_only, struct unpack_result *out, struct error *e)
{
	struct layer layer;
	struct counts counts = counts_of(tar);
	layer_of_tar(&layer, media, tar, ODD_PIECE_BYTES);
	layer.record.unpacked_bytes = counts.bytes;
	layer.record.entries = counts.entries;
	int result = unpack_layer(&layer, sandbox, names_only, out, e);
	layer_free(&layer);
	return result;
}

/* --- what lies in the destination ---------------------------------------------------------------
 */

static inline const char *in_root(const struct sandbox *sandbox, const char *path)
{
	static char full[PATH_MAX];
	(void)snprintf(full, sizeof full, "%s/%s", sandbox->root, path);
	return full;
}

static inline mode_t mode_of(const struct sandbox *sandbox, const char *path)
{
	struct stat st;
	return lstat(in_root(sandbox, path), &st) == 0 ? st.st_mode : 0;
}

static inline bool is_whiteout(const struct sandbox *sandbox, const char *path)
{
	struct stat st;
	return lstat(in_root(sandbox, path), &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == 0;
}

static inline bool is_file(const struct sandbox *sandbox, const char *path, const char *content)
{
	char text[256] = {0};
	struct stat st;
	if (lstat(in_root(sandbox, path), &st) != 0 || !S_ISREG(st.st_mode) ||
		st.st_size != (off_t)strlen(content))
		return false;
	int fd = open(in_root(sandbox, path), O_RDONLY);
	ssize_t got = read(fd, text, sizeof text - 1);
	(void)close(fd);
	return got == (ssize_t)strlen(content) && strcmp(text, content) == 0;
}

/* Is it in the list, and only once? `value` -1: any. */
static inline bool is_listed(const struct path_list *list, const char *path, int value)
{
	size_t found = 0;
	for (size_t i = 0; i < list->count; i++)
		found += strcmp(list->items[i].path, path) == 0 &&
			 (value < 0 || list->items[i].value == (uint32_t)value);
	return found == 1;
}

#endif

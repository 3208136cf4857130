/* What a source's layers depend on, without reading what is in its files. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "../layers/scope.h"
#include "layer_file.h"
#include "run_source.h"
#include "scan.h"
#include "stack_file.h"

/* A file system's clock ticks every 10 ms at the slowest, but for those of whole seconds, where
 * nobody changes a tree twice while it is read. */
enum { TICK_NS = 20 * 1000 * 1000 };

static void add_number(struct sha256 *hash, uint64_t number)
{
	sha256_update(hash, &number, sizeof number);
}

static void add_text(struct sha256 *hash, const char *text)
{
	sha256_update(hash, text, strlen(text) + 1);
}

static void add_stat(struct sha256 *hash, const struct stat *st)
{
	add_number(hash, st->st_dev);
	add_number(hash, st->st_ino);
	add_number(hash, st->st_mode);
	add_number(hash, st->st_uid);
	add_number(hash, st->st_gid);
	add_number(hash, st->st_rdev);
	add_number(hash, (uint64_t)st->st_size);
	add_number(hash, (uint64_t)st->st_mtim.tv_sec);
	add_number(hash, (uint64_t)st->st_mtim.tv_nsec);
	add_number(hash, (uint64_t)st->st_ctim.tv_sec);
	add_number(hash, (uint64_t)st->st_ctim.tv_nsec);
}

static int64_t age_ns(const struct timespec *changed, const struct timespec *now)
{
	return ((int64_t)now->tv_sec - changed->tv_sec) * 1000000000 + now->tv_nsec -
	       changed->tv_nsec;
}

/* A change of this moment could be followed by another one of the same time. */
static bool is_fresh(const struct stat *st)
{
	struct timespec now;
	if (clock_gettime(CLOCK_REALTIME, &now) != 0)
		return false;
	int64_t age = age_ns(&st->st_ctim, &now);
	return age >= 0 && age < TICK_NS;
}

static void wait_a_tick(void)
{
	const struct timespec tick = {.tv_nsec = TICK_NS};
	(void)nanosleep(&tick, NULL);
}

static bool any_fresh(const struct scan *scan)
{
	for (size_t i = 0; i < scan->count; i++) {
		if (is_fresh(&scan->entries[i].st))
			return true;
	}
	return false;
}

static void add_entry(struct sha256 *hash, const struct scan_entry *entry)
{
	add_text(hash, entry->path);
	add_stat(hash, &entry->st);
	add_text(hash, entry->link != NULL ? entry->link : "");
	add_number(hash, entry->xattr_count);
	for (size_t i = 0; i < entry->xattr_count; i++) {
		const struct scan_xattr *xattr = &entry->xattrs[i];
		add_text(hash, xattr->name);
		add_number(hash, xattr->size_bytes);
		sha256_update(hash, xattr->value, xattr->size_bytes);
	}
}

static int identify_tree(
	const struct run_source *source, bool root_owned, struct sha256 *hash, struct error *e)
{
	SCOPED_SCAN scan = SCAN_INIT;
	if (scan_tree(source->path, root_owned, &scan, e) != 0)
		return -1;
	if (any_fresh(&scan)) {
		wait_a_tick();
		scan_free(&scan);
		scan = (struct scan)SCAN_INIT;
		if (scan_tree(source->path, root_owned, &scan, e) != 0)
			return -1;
	}
	add_number(hash, root_owned);
	add_number(hash, scan.count);
	for (size_t i = 0; i < scan.count; i++)
		add_entry(hash, &scan.entries[i]);
	return 0;
}

static int identify_file(const char *path, struct sha256 *hash, struct error *e)
{
	struct stat st;
	if (stat(path, &st) != 0)
		return error_errno(e, errno, "stat `%s`", path);
	if (is_fresh(&st)) {
		wait_a_tick();
		if (stat(path, &st) != 0)
			return error_errno(e, errno, "stat `%s`", path);
	}
	add_stat(hash, &st);
	return 0;
}

static int identify_bytes(const char *path, size_t most_bytes, struct sha256 *hash, struct error *e)
{
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size_bytes;
	if (input_read_file(path, most_bytes, &bytes, &size_bytes, e) != 0)
		return -1;
	add_number(hash, size_bytes);
	sha256_update(hash, bytes, size_bytes);
	return 0;
}

/* The digests in index.json are those of all that the images are made of. */
static int identify_image(const struct run_source *source, struct sha256 *hash, struct error *e)
{
	enum { INDEX_MAX_BYTES = 16 * 1024 * 1024 };
	SCOPED_FREE char *path = NULL;
	if (asprintf(&path, "%s/index.json", source->path) < 0) {
		path = NULL;
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	}
	return identify_bytes(path, INDEX_MAX_BYTES, hash, e);
}

static int identify_stack(const struct run_source *source, struct sha256 *hash, struct error *e)
{
	SCOPED_LAYOUT layout = LAYOUT_INIT;
	struct stack_file file;
	if (layout_open(source->path, false, &layout, e) != 0 ||
		stack_file_open(&layout, source->reference, &file, e) != 0)
		return -1;
	add_number(hash, file.text_bytes);
	sha256_update(hash, file.bytes, file.text_bytes);
	stack_file_close(&file);
	return 0;
}

int run_source_identify(const struct run_source *source, const struct run_reading *reading,
	struct sha256 *hash, struct error *e)
{
	add_number(hash, source->kind);
	add_text(hash, source->reference != NULL ? source->reference : "");
	switch (source->kind) {
	case RUN_SOURCE_DIRECTORY:
		return identify_tree(source, reading->root_owned, hash, e);
	case RUN_SOURCE_TAR:
	case RUN_SOURCE_ARCHIVE:
		return identify_file(source->path, hash, e);
	case RUN_SOURCE_RECORDS:
		return identify_bytes(source->path, LAYER_FILE_MOST_BYTES, hash, e);
	case RUN_SOURCE_STACK:
		return identify_stack(source, hash, e);
	case RUN_SOURCE_IMAGE:
		return identify_image(source, hash, e);
	}
	return -1;
}

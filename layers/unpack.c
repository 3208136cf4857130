#include "unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "gate.h"
#include "scope.h"
#include "tree.h"
#include "xattrs.h"

/*
 * Bytes flow decoder -> gate -> libarchive, pulled by libarchive. The gate has accepted every byte
 * before libarchive sees it; what libarchive then says of an entry is held against what the gate
 * read.
 */
struct unpack {
	struct decoder *decoder;
	struct gate *gate;
	struct archive *archive;
	struct archive_entry *entry;
	struct tree *tree;
	const struct unpack_options *options;
	struct unpack_result result;
	struct error feed_error; /* why the read callback failed: libarchive cannot carry it */
	const struct gate_entry *gated;
	uint64_t implied; /* directories that were counted */
	char path[LIMIT_PATH_BYTES + 1];
	char link[LIMIT_PATH_BYTES + 1];
};

uint64_t unpack_charge(uint64_t file_bytes, uint64_t link_bytes, uint64_t xattr_bytes)
{
	uint64_t pages = (file_bytes + LIMIT_PAGE_BYTES - 1) / LIMIT_PAGE_BYTES;
	return pages * LIMIT_PAGE_BYTES + link_bytes + xattr_bytes;
}

static void beat(const struct unpack *unpack)
{
	if (unpack->options->beats != NULL)
		(*unpack->options->beats)++;
}

static int pull(struct unpack *unpack, const uint8_t **data, size_t *size_bytes, struct error *e)
{
	beat(unpack);
	if (decoder_read(unpack->decoder, data, size_bytes, e) != 0)
		return -1;
	return gate_push(unpack->gate, *data, *size_bytes, e);
}

static la_ssize_t read_for_archive(struct archive *archive, void *context, const void **buffer)
{
	(void)archive;
	struct unpack *unpack = context;
	const uint8_t *data = NULL;
	size_t size_bytes = 0;
	/* Where this fails libarchive never calls it again (archive_read.c, filter->fatal). */
	if (pull(unpack, &data, &size_bytes, &unpack->feed_error) != 0)
		return ARCHIVE_FATAL;
	*buffer = data;
	return (la_ssize_t)size_bytes;
}

static int archive_failed(const struct unpack *unpack, struct error *e)
{
	if (unpack->feed_error.code != ERROR_NONE) {
		if (e != NULL)
			*e = unpack->feed_error;
		return -1;
	}
	const char *why = archive_error_string(unpack->archive);
	return error_set(e, ERROR_TAR, 0, "tar: %s", why != NULL ? why : "damaged");
}

/* The file type that libarchive must have found for what the gate found. */
static mode_t expected_filetype(char type)
{
	switch (type) {
	case '2':
		return AE_IFLNK;
	case '3':
		return AE_IFCHR;
	case '4':
		return AE_IFBLK;
	case '5':
		return AE_IFDIR;
	case '6':
		return AE_IFIFO;
	default:
		return AE_IFREG;
	}
}

/* libarchive 3.6.2 loses a pax linkpath when the header's own is empty, as Go writes it for a
 * target without any ASCII: then it has no say. */
static bool links_agree(const char *theirs, const char *ours)
{
	return theirs == NULL || strcmp(theirs, ours) == 0;
}

static bool readers_agree(const struct gate_entry *gated, struct archive_entry *entry)
{
	const char *path = archive_entry_pathname(entry),
		   *hard_link = archive_entry_hardlink(entry);
	if (path == NULL || strcmp(path, gated->path) != 0 ||
		(uint64_t)archive_entry_size(entry) != gated->size_bytes)
		return false;
	if (gated->type == '1')
		return links_agree(hard_link, gated->link);
	if (archive_entry_filetype(entry) != expected_filetype(gated->type))
		return false;
	if (gated->type == '2')
		return hard_link == NULL && links_agree(archive_entry_symlink(entry), gated->link);
	return hard_link == NULL;
}

static int take_xattr(
	struct unpack *unpack, const struct xattr *xattr, struct xattr_list *list, struct error *e)
{
	if (xattr_check(xattr, unpack->gated->type, e) != 0)
		return error_wrap(e, "`%.80s`", unpack->path);
	if (xattr_is_user(xattr)) {
		unpack->result.user_xattrs++;
		if (unpack->options->refuse_user_xattrs)
			return error_set(
				e, ERROR_XATTR, 0, "`%.80s` has user.* xattrs", unpack->path);
		if (unpack->options->skip_user_xattrs)
			return 0;
	}
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].name, xattr->name) == 0)
			return 0; /* bsdtar writes each twice, in two encodings */
	if (list->count == LIMIT_XATTRS)
		return error_set(e, ERROR_LIMIT, 0, "`%.80s` has more than %u xattrs", unpack->path,
			LIMIT_XATTRS);
	list->items[list->count++] = *xattr;
	return 0;
}

static int take_xattrs(struct unpack *unpack, struct archive_entry *entry, struct xattr_list *list,
	uint64_t *bytes, struct error *e)
{
	list->count = 0;
	*bytes = 0;
	struct xattr xattr;
	(void)archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &xattr.name, &xattr.value, &xattr.size_bytes) ==
		ARCHIVE_OK) {
		if (take_xattr(unpack, &xattr, list, e) != 0)
			return -1;
		*bytes += strlen(xattr.name) + xattr.size_bytes;
	}
	return 0;
}

static int count_entries(struct unpack *unpack, uint64_t more, struct error *e)
{
	struct unpack_result *result = &unpack->result;
	if (more > unpack->options->max_entries - result->entries)
		return error_set(e, ERROR_LIMIT, 0,
			"more than the %llu entries that are signed for",
			(unsigned long long)unpack->options->max_entries);
	result->entries += more;
	return 0;
}

static int count(struct unpack *unpack, uint64_t charge, struct error *e)
{
	struct unpack_result *result = &unpack->result;
	if (count_entries(unpack, 1, e) != 0)
		return -1;
	if (charge > unpack->options->max_unpacked_bytes - result->unpacked_bytes)
		return error_set(e, ERROR_LIMIT, 0,
			"unpacks to more than the %llu bytes that are signed for",
			(unsigned long long)unpack->options->max_unpacked_bytes);
	result->unpacked_bytes += charge;
	return 0;
}

/* Directories that the last entry needed and that had no entry: they take as much as one with. */
static int count_implied(struct unpack *unpack, struct error *e)
{
	uint64_t made = tree_implied_made(unpack->tree), before = unpack->implied;
	unpack->implied = made;
	return count_entries(unpack, made - before, e);
}

static int write_all(int fd, const uint8_t *data, size_t size_bytes)
{
	while (size_bytes > 0) {
		ssize_t wrote = write(fd, data, size_bytes);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return -1;
		data += wrote;
		size_bytes -= (size_t)wrote;
	}
	return 0;
}

static int copy_contents(struct unpack *unpack, int fd, struct error *e)
{
	struct unpack_observer *observer = unpack->options->observer;
	uint64_t written = 0;
	for (;;) {
		const void *data;
		size_t size_bytes;
		la_int64_t offset;
		int status = archive_read_data_block(unpack->archive, &data, &size_bytes, &offset);
		if (status == ARCHIVE_EOF)
			break;
		if (status != ARCHIVE_OK)
			return archive_failed(unpack, e);
		if (offset < 0 || (uint64_t)offset != written)
			return error_set(
				e, ERROR_TYPE, 0, "`%.80s` is a sparse file", unpack->path);
		written += size_bytes;
		if (observer != NULL && observer->content(observer, data, size_bytes, e) != 0)
			return -1;
		if (!unpack->options->names_only && write_all(fd, data, size_bytes) != 0)
			return error_errno(e, errno, "write `%.80s`", unpack->path);
	}
	if (written != unpack->gated->size_bytes)
		return error_set(e, ERROR_TAR, 0, "`%.80s` is cut short", unpack->path);
	return 0;
}

static int add_file(struct unpack *unpack, const struct tree_entry *entry, struct error *e)
{
	SCOPED_FD fd = -1;
	if (tree_begin_file(unpack->tree, entry, &fd, e) != 0 || copy_contents(unpack, fd, e) != 0)
		return -1;
	return tree_end_file(unpack->tree, entry, scope_take_fd(&fd), e);
}

static int add_entry(struct unpack *unpack, const struct tree_entry *entry, struct error *e)
{
	struct unpack_observer *observer = unpack->options->observer;
	if (observer != NULL && observer->entry(observer, entry, unpack->gated->size_bytes, e) != 0)
		return -1;
	switch (entry->type) {
	case '0':
		return add_file(unpack, entry, e);
	case '1':
		return tree_add_hard_link(unpack->tree, entry, e);
	case '2':
		return tree_add_symlink(unpack->tree, entry, e);
	case '5':
		return tree_add_directory(unpack->tree, entry, e);
	default:
		return tree_add_special(unpack->tree, entry, e);
	}
}

static bool has_whiteout_prefix(const char *name)
{
	return strncmp(name, ".wh.", 4) == 0;
}

/* AUFS's own, .wh..wh.plnk and the like, and what lies in them: left out, as all others do. */
static bool is_from_aufs(const char *path)
{
	static const char opaque[] = ".wh..wh..opq";
	for (const char *at = path; (at = strstr(at, ".wh..wh.")) != NULL; at++)
		if ((at == path || at[-1] == '/') &&
			(strcspn(at, "/") != sizeof opaque - 1 ||
				strncmp(at, opaque, sizeof opaque - 1) != 0))
			return true;
	return false;
}

/* Names that begin with .wh. are reserved (OCI image specification, layer.md, "Whiteouts"), also as
 * directories on the way to something. */
static int check_parents(const char *path, struct error *e)
{
	for (const char *at = path; (at = strstr(at, ".wh.")) != NULL; at++)
		if ((at == path || at[-1] == '/') && strchr(at, '/') != NULL)
			return error_set(
				e, ERROR_WHITEOUT, 0, "`%.80s` lies below a whiteout's name", path);
	return 0;
}

static int add_whiteout(struct unpack *unpack, struct error *e)
{
	char *base = unpack->path + (path_base(unpack->path) - unpack->path);
	const char *name = base + 4;
	if (unpack->gated->type != '0' || unpack->gated->size_bytes != 0)
		return error_set(e, ERROR_WHITEOUT, 0, "whiteout `%.80s` is not an empty file",
			unpack->path);
	if (strcmp(name, ".wh..opq") == 0) {
		unpack->path[path_parent_length(unpack->path)] = '\0';
		return tree_add_opaque(unpack->tree, unpack->path, e);
	}
	if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return error_set(e, ERROR_WHITEOUT, 0,
			"whiteout `%.80s` names nothing that could be removed", unpack->path);
	memmove(base, name, strlen(name) + 1);
	struct unpack_observer *observer = unpack->options->observer;
	if (observer != NULL && observer->whiteout(observer, unpack->path, e) != 0)
		return -1;
	return tree_add_whiteout(unpack->tree, unpack->path, e);
}

static int take_link(struct unpack *unpack, struct tree_entry *entry, struct error *e)
{
	entry->link = unpack->gated->link;
	if (entry->type == '1') {
		if (path_normalize(unpack->gated->link, unpack->link, e) != 0)
			return error_wrap(e, "hard link `%.80s`", unpack->path);
		entry->link = unpack->link;
	} else if (entry->type == '2' && strlen(entry->link) > LIMIT_PATH_BYTES) {
		return error_set(e, ERROR_PATH, 0, "the target of symlink `%.80s` is too long",
			unpack->path);
	}
	return 0;
}

static int take_entry(struct unpack *unpack, struct archive_entry *from, struct error *e)
{
	unpack->gated = gate_pop(unpack->gate);
	if (unpack->gated == NULL || !readers_agree(unpack->gated, from))
		return error_set(e, ERROR_TAR, 0, "the entry `%.80s` can be read in two ways",
			unpack->gated != NULL ? unpack->gated->path : "?");
	if (path_normalize(unpack->gated->path, unpack->path, e) != 0)
		return -1;

	struct tree_entry entry = {
		.path = unpack->path,
		.type = unpack->gated->type,
		.mode = (mode_t)archive_entry_perm(from) & 07777,
		.uid = (uid_t)archive_entry_uid(from),
		.gid = (gid_t)archive_entry_gid(from),
		.mtime = unpack->gated->mtime,
		.device = archive_entry_rdev(from),
	};
	uint64_t xattr_bytes;
	if (take_link(unpack, &entry, e) != 0 ||
		take_xattrs(unpack, from, &entry.xattrs, &xattr_bytes, e) != 0)
		return -1;
	uint64_t link_bytes = entry.type == '2' ? strlen(entry.link) : 0;
	if (count(unpack, unpack_charge(unpack->gated->size_bytes, link_bytes, xattr_bytes), e) !=
		0)
		return -1;
	if (is_from_aufs(unpack->path))
		return 0;
	if (check_parents(unpack->path, e) != 0)
		return -1;
	if (has_whiteout_prefix(path_base(unpack->path)))
		return add_whiteout(unpack, e);
	return add_entry(unpack, &entry, e);
}

/* What follows the end is the gate's to judge: libarchive stops reading there. */
static int drain(struct unpack *unpack, struct error *e)
{
	const uint8_t *data;
	size_t size_bytes;
	do {
		if (pull(unpack, &data, &size_bytes, e) != 0)
			return -1;
	} while (size_bytes > 0);
	if (gate_finish(unpack->gate, e) != 0)
		return -1;
	if (gate_pop(unpack->gate) != NULL)
		return error_set(e, ERROR_TAR, 0, "the archive's end can be read in two ways");
	return 0;
}

static int take_all(struct unpack *unpack, struct error *e)
{
	for (;;) {
		int status = archive_read_next_header2(unpack->archive, unpack->entry);
		if (status == ARCHIVE_EOF)
			break;
		/* A warning is about characters that are not ASCII: names are bytes to us, and the
		 * gate has read them too. */
		if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
			return archive_failed(unpack, e);
		beat(unpack);
		if (take_entry(unpack, unpack->entry, e) != 0 || count_implied(unpack, e) != 0)
			return -1;
	}
	if (unpack->feed_error.code != ERROR_NONE)
		return archive_failed(unpack, e);
	return drain(unpack, e);
}

static int finish(struct unpack *unpack, struct error *e)
{
	struct unpack_result *result = &unpack->result;
	if (tree_finish(unpack->tree, &result->opaque, &result->implied, e) != 0)
		return -1;
	if (result->opaque.bytes + result->implied.bytes > LIMIT_LIST_BYTES)
		return error_set(e, ERROR_LIMIT, 0,
			"directories that are opaque, only implied or with whiteouts take more "
			"than %u MiB",
			LIMIT_LIST_BYTES / (1024 * 1024));
	return 0;
}

static int open_parts(struct unpack *unpack, int root_fd, struct error *e)
{
	if (gate_open(&unpack->gate, e) != 0 ||
		tree_open(root_fd, unpack->options->names_only, &unpack->tree, e) != 0)
		return -1;
	unpack->archive = archive_read_new();
	/* Of our own, for libarchive 3.6.2 writes into one that it could not allocate. */
	unpack->entry = archive_entry_new();
	if (unpack->archive == NULL || unpack->entry == NULL)
		return error_errno(e, ENOMEM, "start libarchive");
	/* Plain tar and nothing else: no filter and no other format is registered, or linked in. */
	if (archive_read_support_format_tar(unpack->archive) != ARCHIVE_OK ||
		archive_read_open(unpack->archive, unpack, NULL, read_for_archive, NULL) !=
			ARCHIVE_OK)
		return archive_failed(unpack, e);
	return 0;
}

static void close_parts(struct unpack *unpack)
{
	archive_entry_free(unpack->entry);
	(void)archive_read_free(unpack->archive);
	tree_close(unpack->tree);
	gate_close(unpack->gate);
}

int unpack_tar(struct decoder *decoder, int root_fd, const struct unpack_options *options,
	struct unpack_result *out, struct error *e)
{
	struct unpack *unpack = calloc(1, sizeof *unpack);
	if (unpack == NULL)
		return error_errno(e, ENOMEM, "start unpacking");
	unpack->decoder = decoder;
	unpack->options = options;

	/* libarchive converts names by the locale, of this thread and for this call only. In UTF-8
	 * it would compose what is decomposed (NFC); in "C" it warns, and names stay the bytes they
	 * are. */
	locale_t bytes = newlocale(LC_CTYPE_MASK, "C", (locale_t)0);
	locale_t before = bytes != (locale_t)0 ? uselocale(bytes) : (locale_t)0;
	int result = -1;
	if (open_parts(unpack, root_fd, e) == 0 && take_all(unpack, e) == 0)
		result = finish(unpack, e);
	close_parts(unpack);
	if (bytes != (locale_t)0) {
		(void)uselocale(before);
		freelocale(bytes);
	}
	if (result == 0)
		*out = unpack->result;
	else
		unpack_result_free(&unpack->result);
	free(unpack);
	return result;
}

void unpack_result_free(struct unpack_result *result)
{
	path_list_free(&result->opaque);
	path_list_free(&result->implied);
}

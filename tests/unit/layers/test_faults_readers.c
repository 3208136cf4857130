/* layers/unpack.c: libarchive's word is held against the gate's. Here libarchive is made to say
 * something else. */
#include "faults.h"

#include <archive.h>
#include <archive_entry.h>

#include "unpacking.h"

enum lie {
	NONE,
	NO_ARCHIVE,
	NO_ENTRY,
	NO_FORMAT,
	NO_OPEN,
	NO_REASON,
	NO_PATH,
	OTHER_PATH,
	OTHER_SIZE,
	OTHER_TYPE,
	A_HARD_LINK,
	NO_LINK,
	OTHER_LINK,
	OTHER_HARD_LINK,
	A_SYMLINK_IS_HARD,
	ONE_MORE,
	END_BEFORE,
	END_FOR_FAILURE,
	NEGATIVE_OFFSET,
	LATER_OFFSET,
	LESS_DATA
};
static enum lie lie;

#define WRAP(type, name, parameters, arguments, condition, instead)                                \
	type __real_##name parameters;                                                             \
	type __wrap_##name parameters;                                                             \
	type __wrap_##name parameters                                                              \
	{                                                                                          \
		return (condition) ? (instead) : __real_##name arguments;                          \
	}

WRAP(struct archive *, archive_read_new, (void), (), lie == NO_ARCHIVE, NULL)
WRAP(struct archive_entry *, archive_entry_new, (void), (), lie == NO_ENTRY, NULL)
WRAP(int, archive_read_support_format_tar, (struct archive * a), (a), lie == NO_FORMAT,
	ARCHIVE_FATAL)
WRAP(int, archive_read_open,
	(struct archive * a, void *context, archive_open_callback *open,
		archive_read_callback *read, archive_close_callback *end),
	(a, context, open, read, end), lie == NO_OPEN, ARCHIVE_FATAL)
WRAP(const char *, archive_error_string, (struct archive * a), (a), lie == NO_REASON, NULL)
WRAP(const char *, archive_entry_pathname, (struct archive_entry * entry), (entry),
	lie == NO_PATH || lie == OTHER_PATH, lie == NO_PATH ? NULL : "other")
WRAP(la_int64_t, archive_entry_size, (struct archive_entry * entry), (entry), lie == OTHER_SIZE, 6)
WRAP(mode_t, archive_entry_filetype, (struct archive_entry * entry), (entry), lie == OTHER_TYPE,
	AE_IFIFO)

static bool is_symlink(struct archive_entry *entry)
{
	return __real_archive_entry_filetype(entry) == AE_IFLNK;
}

const char *__real_archive_entry_hardlink(struct archive_entry *entry);
const char *__wrap_archive_entry_hardlink(struct archive_entry *entry);
const char *__wrap_archive_entry_hardlink(struct archive_entry *entry)
{
	const char *real = __real_archive_entry_hardlink(entry);
	bool lies = real != NULL ? lie == OTHER_HARD_LINK
				 : lie == (is_symlink(entry) ? A_SYMLINK_IS_HARD : A_HARD_LINK);
	return lies ? "other" : real;
}

WRAP(const char *, archive_entry_symlink, (struct archive_entry * entry), (entry),
	lie == NO_LINK || lie == OTHER_LINK, lie == NO_LINK ? NULL : "other")

int __real_archive_read_next_header2(struct archive *a, struct archive_entry *entry);
int __wrap_archive_read_next_header2(struct archive *a, struct archive_entry *entry);
int __wrap_archive_read_next_header2(struct archive *a, struct archive_entry *entry)
{
	int real = __real_archive_read_next_header2(a, entry);
	if (real == ARCHIVE_EOF && lie == ONE_MORE)
		return ARCHIVE_OK;
	if (lie == END_BEFORE || (real == ARCHIVE_FATAL && lie == END_FOR_FAILURE))
		return ARCHIVE_EOF;
	return real;
}

int __real_archive_read_data_block(
	struct archive *a, const void **data, size_t *size, la_int64_t *offset);
int __wrap_archive_read_data_block(
	struct archive *a, const void **data, size_t *size, la_int64_t *offset);
int __wrap_archive_read_data_block(
	struct archive *a, const void **data, size_t *size, la_int64_t *offset)
{
	int real = __real_archive_read_data_block(a, data, size, offset);
	if (real == ARCHIVE_OK && lie == LESS_DATA)
		*size -= 1;
	if (real == ARCHIVE_OK && (lie == NEGATIVE_OFFSET || lie == LATER_OFFSET))
		*offset = lie == NEGATIVE_OFFSET ? -1 : 1;
	return real;
}

static const struct item items[] = {{.path = "f", .body = "hello"},
	{.path = "l", .type = '2', .link = "f"}, {.path = "h", .type = '1', .link = "f"}, {0}};

static struct bytes tar_of_items(size_t kept_bytes)
{
	struct bytes tar = {0};
	tar_add_all(&tar, items);
	tar_end(&tar);
	if (kept_bytes != 0)
		tar.size = kept_bytes;
	return tar;
}

/* ERROR_NONE: it must unpack. `kept_bytes`: of the tar, when it is to be cut. */
static void check(const char *name, enum lie what, size_t kept_bytes, enum error_code code)
{
	struct bytes tar = tar_of_items(kept_bytes);
	struct sandbox sandbox;
	struct unpack_result result;
	struct error e;
	if (what == END_FOR_FAILURE)
		tar.data[2 * TAR_BLOCK_BYTES] ^= 1; /* the second header: a wrong checksum */
	sandbox_open(&sandbox);
	lie = what;
	int status = unpack_tar_bytes(&tar, MEDIA_TAR, &sandbox, false, &result, &e);
	lie = NONE;
	if (code == ERROR_NONE)
		ok(status == 0, "%s", name);
	else
		error_is(status, &e, code, "%s", name);
	if (status == 0)
		unpack_result_free(&result);
	ok(sandbox_untouched(&sandbox), "... nothing outside changed");
	sandbox_close(&sandbox);
	bytes_free(&tar);
}

/* A caller that does not care why. */
static void fails_without_an_error_to_fill(void)
{
	struct bytes tar = tar_of_items(100);
	struct layer layer;
	struct sandbox sandbox;
	struct unpack_result result;
	struct stream *stream;
	struct decoder *decoder;
	const struct unpack_options options = {.max_unpacked_bytes = 100, .max_entries = 9};
	bytes_fill(&tar, 'x', TAR_BLOCK_BYTES);
	layer_of_tar(&layer, MEDIA_TAR, &tar, ODD_PIECE_BYTES);
	sandbox_open(&sandbox);
	if (stream_open(layer_source(&layer), &layer.record, &stream, NULL) != 0 ||
		decoder_open(MEDIA_TAR, stream_feed(stream), &decoder, NULL) != 0)
		abort();
	is_int(unpack_tar(decoder, sandbox.root_fd, &options, &result, NULL), -1,
		"a bad tar, and no error to fill");
	decoder_close(decoder);
	stream_close(stream);
	layer_free(&layer);
	sandbox_close(&sandbox);
	bytes_free(&tar);
}

int main(void)
{
	if (!have_root())
		return 0;
	check("as it is", NONE, 0, ERROR_NONE);
	check("libarchive can't start", NO_ARCHIVE, 0, ERROR_NOSPACE);
	check("its entry can't be had", NO_ENTRY, 0, ERROR_NOSPACE);
	check("it does not take tar", NO_FORMAT, 0, ERROR_TAR);
	check("it can't open", NO_OPEN, 0, ERROR_TAR);
	check("it fails and does not say why", NO_REASON, 700, ERROR_TAR);
	check("no path", NO_PATH, 0, ERROR_TAR);
	check("another path", OTHER_PATH, 0, ERROR_TAR);
	check("another size", OTHER_SIZE, 0, ERROR_TAR);
	check("another type", OTHER_TYPE, 0, ERROR_TAR);
	check("a hard link for a file", A_HARD_LINK, 0, ERROR_TAR);
	check("a hard link for a symlink", A_SYMLINK_IS_HARD, 0, ERROR_TAR);
	check("another target of a symlink", OTHER_LINK, 0, ERROR_TAR);
	check("another target of a hard link", OTHER_HARD_LINK, 0, ERROR_TAR);
	check("no target of a symlink: the gate's counts", NO_LINK, 0, ERROR_NONE);
	check("one entry more", ONE_MORE, 0, ERROR_TAR);
	check("an end before the first entry", END_BEFORE, 0, ERROR_TAR);
	check("an end where the gate refused", END_FOR_FAILURE, 0, ERROR_TAR);
	check("contents at a negative offset", NEGATIVE_OFFSET, 0, ERROR_TYPE);
	check("contents with a hole", LATER_OFFSET, 0, ERROR_TYPE);
	check("contents cut short", LESS_DATA, 0, ERROR_TAR);
	fails_without_an_error_to_fill();
	return done();
}

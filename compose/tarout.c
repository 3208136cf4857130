#include "tarout.h"

#include <stdio.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>

#include "../layers/ceilings.h"
#include "../layers/scope.h"
#include "report.h"

enum { CHUNK_BYTES = 256 * 1024 };

struct tarout {
	struct archive *archive;
	tarout_sink *sink;
	void *context;
	struct error failed; /* of the sink; what comes after that goes nowhere */
	uint8_t chunk[CHUNK_BYTES];
};

static la_ssize_t on_write(
	struct archive *archive, void *context, const void *data, size_t size_bytes)
{
	struct tarout *tar = context;
	(void)archive;
	/* libarchive is not told: of an archive that failed it does not give everything back. */
	if (tar->failed.code == ERROR_NONE)
		(void)tar->sink(tar->context, data, size_bytes, &tar->failed);
	return (la_ssize_t)size_bytes;
}

/* A name that is no UTF-8 makes libarchive warn and write it as bytes, with hdrcharset=BINARY: as
 * it should be. Whatever else it warns of was not written as it is. */
static bool is_fine(struct tarout *tar, int result)
{
	static const char binary_name[] = "Can't translate ";
	const char *why = archive_error_string(tar->archive);
	return result == ARCHIVE_OK || (result == ARCHIVE_WARN && why != NULL &&
					       strncmp(why, binary_name, strlen(binary_name)) == 0);
}

static int check(struct tarout *tar, int result, const char *path, struct error *e)
{
	if (tar->failed.code != ERROR_NONE) {
		if (e != NULL)
			*e = tar->failed;
		return -1;
	}
	if (is_fine(tar, result))
		return 0;
	const char *why = archive_error_string(tar->archive);
	return error_set(e, ERROR_IO, 0, "`%s` as a tar entry: %s", path, why != NULL ? why : "?");
}

int tarout_open(tarout_sink *sink, void *context, struct tarout **out, struct error *e)
{
	struct tarout *tar = calloc(1, sizeof *tar);
	if (tar == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	tar->sink = sink;
	tar->context = context;
	tar->archive = archive_write_new();
	/* No blocking: the archive ends with its two zero blocks, and nothing is held back. */
	if (tar->archive == NULL || archive_write_set_format_pax(tar->archive) != ARCHIVE_OK ||
		archive_write_set_format_option(tar->archive, "pax", "xattrheader", "SCHILY") !=
			ARCHIVE_OK ||
		archive_write_set_bytes_per_block(tar->archive, 0) != ARCHIVE_OK ||
		archive_write_set_bytes_in_last_block(tar->archive, 1) != ARCHIVE_OK ||
		archive_write_open(tar->archive, tar, NULL, on_write, NULL) != ARCHIVE_OK) {
		tarout_close(tar);
		return error_set(e, ERROR_NOSPACE, 0, "libarchive can't write pax");
	}
	*out = tar;
	return 0;
}

static int copy_contents(struct tarout *tar, const struct scan *scan,
	const struct scan_entry *entry, struct error *e)
{
	SCOPED_FD fd = -1;
	if (scan_open_file(scan, entry, &fd, e) != 0)
		return -1;
	uint64_t left = (uint64_t)entry->st.st_size;
	while (left > 0) {
		size_t want = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
		ssize_t got = read(fd, tar->chunk, want);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(e, errno, "read `%s`", entry->path);
		if (got == 0)
			return error_set(
				e, ERROR_IO, 0, "`%s` was cut while it was read", entry->path);
		bool whole = archive_write_data(tar->archive, tar->chunk, (size_t)got) == got;
		if (check(tar, whole ? ARCHIVE_OK : ARCHIVE_FATAL, entry->path, e) != 0)
			return -1;
		left -= (uint64_t)got;
	}
	return scan_check_file(entry, fd, e);
}

/* mtime is the only time: no birth, access and change times, which no two trees share.
 *
 * libarchive 3.6.2 writes a time before 1970 as sign and number of the seconds, then the
 * nanoseconds: -2 s and +0.1 s become "-2.1". Given -1 s and +0.9 s it writes the "-1.9" that pax
 * wants. Of the last second before 1970 ("-0.9") the fraction can't be said that way, and is
 * dropped. */
static void set_mtime(struct archive_entry *to, const struct timespec *mtime, const char *path)
{
	time_t seconds = mtime->tv_sec;
	long nanoseconds = mtime->tv_nsec;
	if (seconds < -1 && nanoseconds > 0) {
		seconds++;
		nanoseconds = 1000000000 - nanoseconds;
	} else if (seconds == -1 && nanoseconds > 0) {
		report_warning("the time of `%s`, in the last second before 1970, is kept without "
			       "its fraction",
			path);
		nanoseconds = 0;
	}
	archive_entry_set_mtime(to, seconds, nanoseconds);
}

static void fill(struct archive_entry *to, const struct scan_entry *entry, const char *link_to)
{
	const struct stat *st = &entry->st;
	archive_entry_copy_pathname(to, entry->path[0] == '\0' ? "./" : entry->path);
	archive_entry_set_mode(to, st->st_mode);
	archive_entry_set_uid(to, st->st_uid);
	archive_entry_set_gid(to, st->st_gid);
	set_mtime(to, &st->st_mtim, entry->path);
	archive_entry_set_size(to, 0);
	if (link_to != NULL) {
		archive_entry_copy_hardlink(to, link_to);
		return;
	}
	if (S_ISREG(st->st_mode) && !entry->emptied)
		archive_entry_set_size(to, st->st_size);
	if (S_ISLNK(st->st_mode))
		archive_entry_copy_symlink(to, entry->link);
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		archive_entry_set_rdev(to, st->st_rdev);
	for (size_t i = 0; i < entry->xattr_count; i++)
		archive_entry_xattr_add_entry(to, entry->xattrs[i].name, entry->xattrs[i].value,
			entry->xattrs[i].size_bytes);
}

int tarout_add(struct tarout *tar, const struct scan *scan, const struct scan_entry *entry,
	const char *link_to, struct error *e)
{
	struct archive_entry *to = archive_entry_new();
	if (to == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	fill(to, entry, link_to);
	int result = check(tar, archive_write_header(tar->archive, to), entry->path, e);
	archive_entry_free(to);
	if (result == 0 && link_to == NULL && S_ISREG(entry->st.st_mode) && !entry->emptied)
		result = copy_contents(tar, scan, entry, e);
	if (result == 0)
		result = check(tar, archive_write_finish_entry(tar->archive), entry->path, e);
	return result;
}

int tarout_add_made(struct tarout *tar, const char *path, mode_t mode, time_t mtime,
	const void *data, size_t size_bytes, struct error *e)
{
	struct archive_entry *to = archive_entry_new();
	if (to == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	archive_entry_copy_pathname(to, path);
	archive_entry_set_mode(to, mode);
	archive_entry_set_uid(to, 0);
	archive_entry_set_gid(to, 0);
	archive_entry_set_mtime(to, mtime, 0);
	archive_entry_set_size(to, (la_int64_t)size_bytes);
	int result = check(tar, archive_write_header(tar->archive, to), path, e);
	archive_entry_free(to);
	if (result == 0 && size_bytes > 0) {
		bool whole = archive_write_data(tar->archive, data, size_bytes) ==
			     (la_ssize_t)size_bytes;
		result = check(tar, whole ? ARCHIVE_OK : ARCHIVE_FATAL, path, e);
	}
	if (result == 0)
		result = check(tar, archive_write_finish_entry(tar->archive), path, e);
	return result;
}

int tarout_add_whiteout(struct tarout *tar, const char *path, struct error *e)
{
	char name[LIMIT_PATH_BYTES + 8];
	const char *slash = strrchr(path, '/');
	int parent = slash == NULL ? 0 : (int)(slash + 1 - path);
	if (strlen(path + parent) + 4 > LIMIT_COMPONENT_BYTES)
		return error_set(e, ERROR_LIMIT, 0,
			"the name of `%s` is too long for a whiteout of it", path);
	(void)snprintf(name, sizeof name, "%.*s.wh.%s", parent, path, path + parent);
	return tarout_add_made(tar, name, S_IFREG, 0, NULL, 0, e);
}

int tarout_add_opaque(struct tarout *tar, const char *path, struct error *e)
{
	char name[LIMIT_PATH_BYTES + 16];
	(void)snprintf(name, sizeof name, "%s%s.wh..wh..opq", path, path[0] != '\0' ? "/" : "");
	return tarout_add_made(tar, name, S_IFREG, 0, NULL, 0, e);
}

int tarout_finish(struct tarout *tar, struct error *e)
{
	return check(tar, archive_write_close(tar->archive), "the end", e);
}

void tarout_close(struct tarout *tar)
{
	if (tar == NULL)
		return;
	/* Closing writes the archive's end, should it not have been written: no more of it is
	 * wanted. */
	tar->failed.code = ERROR_IO;
	(void)archive_write_free(tar->archive);
	free(tar);
}

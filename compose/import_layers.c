/* Layers on their way into the store. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../layers/scope.h"
#include "../layers/syscalls.h"
#include "as_is.h"
#include "import.h"
#include "interrupt.h"
#include "measure.h"
#include "piecing.h"
#include "report.h"

enum { PIECE_BYTES = 1024 * 1024 };

static const char *kind_of(enum media media)
{
	static const char *const names[MEDIA_TYPES] = {"tar", "gzip", "zstd"};
	return names[media];
}

/* Cut what `fd` has into pieces, through a writer that keeps it or only hashes it. */
static int cut(int fd, struct piece_writer *writer, struct layer_record *record,
	struct digest *decoded, struct error *e)
{
	int result = as_is_cut(fd, PIECE_BYTES, writer, &record->media, decoded, e);
	if (result == 0)
		result = piece_writer_finish(writer, record, e);
	piece_writer_close(writer);
	return result;
}

/* The blob may be in the store. It counts only if its bytes are those: they are hashed as they are
 * read. */
static bool cut_stored(struct layout *layout, const struct digest *digest,
	struct layer_record *record, struct digest *decoded)
{
	char path[LAYOUT_BLOB_PATH_SIZE];
	struct piece_writer writer;
	struct error ignored;
	layout_blob_path(digest, path);
	SCOPED_FD fd = sys_openat2(layout->fd, path, O_RDONLY | O_CLOEXEC, 0, SYS_RESOLVE_STRICT);
	if (fd < 0)
		return false;
	piece_writer_open_existing(layout, &writer);
	return cut(fd, &writer, record, decoded, &ignored) == 0 &&
	       digest_equal(&record->digest, digest);
}

static int check_size(const struct import_layer *layer, int fd, struct error *e)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return error_errno(e, errno, "stat");
	if (layer->pinned && (uint64_t)st.st_size != layer->size_bytes)
		return error_set(e, ERROR_SIZE, 0, "it has %lld bytes instead of %" PRIu64,
			(long long)st.st_size, layer->size_bytes);
	if ((uint64_t)st.st_size > LIMIT_LAYER_STORED_BYTES)
		return error_set(e, ERROR_LIMIT, 0, "it has %lld bytes; at most %" PRIu64,
			(long long)st.st_size, LIMIT_LAYER_STORED_BYTES);
	return 0;
}

/* bzip2 and xz would be seen as a tar, and refused as a damaged one. */
static int check_compression(int fd, struct error *e)
{
	uint8_t magic[6] = {0};
	const char *name = NULL;
	if (pread(fd, magic, sizeof magic, 0) < 0)
		return error_errno(e, errno, "read");
	if (memcmp(magic, "BZh", 3) == 0)
		name = "bzip2";
	else if (memcmp(magic,
			 "\xfd"
			 "7zXZ",
			 6) == 0)
		name = "xz";
	if (name == NULL)
		return 0;
	report_hint("`skopeo copy --dest-compress-format zstd` stores it anew");
	return error_set(e, ERROR_TYPE, 0, "it is compressed by %s, which /init can't read", name);
}

/* All of it, before anything decodes it. */
static int hash_source(
	const struct import_layer *layer, int fd, struct digest *out, struct error *e)
{
	enum { CHUNK_BYTES = 256 * 1024 };
	static uint8_t chunk[CHUNK_BYTES];
	struct sha256 hash;
	ssize_t got;
	sha256_start(&hash);
	while ((got = read(fd, chunk, sizeof chunk)) != 0) {
		if (interrupt_check(e) != 0)
			return -1;
		if (got < 0)
			return error_errno(e, errno, "read");
		sha256_update(&hash, chunk, (size_t)got);
	}
	sha256_finish(&hash, out);
	if (layer->pinned && !digest_equal(out, &layer->digest))
		return error_set(e, ERROR_DIGEST, 0, "its bytes have another digest");
	return lseek(fd, 0, SEEK_SET) == 0 ? 0 : error_errno(e, errno, "read it again");
}

static int cut_from_source(struct layout *layout, int fd, struct layer_record *record,
	struct digest *decoded, struct error *e)
{
	struct piece_writer writer;
	if (piece_writer_open(layout, &writer, e) != 0)
		return -1;
	return cut(fd, &writer, record, decoded, e);
}

/* From the store, if it has the blob, else from the source. */
static int store_layer(struct layout *layout, const struct import_files *files,
	const struct import_layer *layer, struct layer_record *record, struct digest *decoded,
	struct error *e)
{
	struct digest digest;
	int opened;
	if (import_files_open(files, layer->file, &opened, e) != 0)
		return -1;
	SCOPED_FD fd = opened;
	if (check_size(layer, fd, e) != 0 || hash_source(layer, fd, &digest, e) != 0 ||
		check_compression(fd, e) != 0)
		return -1;
	if (!cut_stored(layout, &digest, record, decoded) &&
		cut_from_source(layout, fd, record, decoded, e) != 0)
		return -1;
	/* The file may have changed since. */
	return digest_equal(&record->digest, &digest)
		       ? 0
		       : error_set(e, ERROR_DIGEST, 0, "its bytes have another digest");
}

static int check(const struct import_layer *layer, const struct layer_record *record,
	const struct digest *decoded, const struct digest *diff_id, struct error *e)
{
	if (!digest_equal(decoded, diff_id))
		return error_set(e, ERROR_DIGEST, 0,
			"uncompressed, it has another digest than the config says");
	if (layer->pinned && record->media != layer->media)
		return error_set(e, ERROR_TYPE, 0, "it is stored as %s, and its media type says %s",
			kind_of(record->media), kind_of(layer->media));
	return 0;
}

static int take_layer(struct layout *layout, const struct import_files *files,
	struct import_layer *layer, const struct digest *diff_id, enum user_xattrs user_xattrs,
	struct layer_record *record, struct error *e)
{
	struct digest decoded;
	if (store_layer(layout, files, layer, record, &decoded, e) != 0)
		return -1;
	if (check(layer, record, &decoded, diff_id, e) != 0)
		return -1;
	layer->digest = record->digest;
	layer->size_bytes = record->stored_bytes;
	layer->media = record->media;
	if (measure_layer(layout, user_xattrs, record, e) != 0)
		return report_status(e->code) == STATUS_REFUSED
			       ? error_wrap(e, "/init would refuse it")
			       : error_wrap(e, "checking it in TMPDIR");
	return 0;
}

/*
 * The same layer twice: overlayfs refuses a directory that is a lower already, and needs it once
 * only. What a layer sets, adds or removes is so when it has been applied, whatever was there
 * before; so the uppermost one alone gives the same tree.
 */
static bool repeats(const struct import_image *image, size_t at)
{
	const struct digest *diff_ids = image->config.diff_ids;
	for (size_t i = at + 1; i < image->layer_count; i++) {
		if (digest_equal(&diff_ids[i], &diff_ids[at]))
			return true;
	}
	return false;
}

static int name_layer(const struct import_image *image, size_t at, struct error *e)
{
	char text[DIGEST_TEXT_SIZE] = "";
	if (image->layers[at].pinned)
		digest_format(&image->layers[at].digest, text);
	return error_wrap(e, "layer %zu (%s)", at + 1,
		image->layers[at].pinned ? text : image->layers[at].file);
}

int import_take_layers(struct layout *layout, const struct import_files *files,
	struct import_image *image, enum user_xattrs user_xattrs, struct layer_record *records,
	struct error *e)
{
	size_t count = 0;
	for (size_t i = 0; i < image->layer_count; i++) {
		struct import_layer *layer = &image->layers[i];
		struct layer_record record = {0};
		layer->repeated = repeats(image, i);
		if (interrupt_check(e) != 0)
			return -1;
		if (take_layer(layout, files, layer, &image->config.diff_ids[i], user_xattrs,
			    &record, e) != 0)
			return name_layer(image, i, e);
		if (!layer->repeated)
			records[count++] = record;
	}
	return 0;
}

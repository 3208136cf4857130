#include "packing.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "as_is.h"
#include "measure.h"
#include "report.h"

const char *const packing_compressions[] = {"zstd", "gzip", "none", NULL};
const char *const packing_compressions_of_tar[] = {"zstd", "gzip", "none", "as-is", NULL};
const char *const packing_user_xattrs[] = {"required", "optional", NULL};

static const struct {
	const char *name;
	enum media media;
	int level, max_level;
} compressions[] = {
	{"zstd", MEDIA_TAR_ZSTD, 3, 22}, {"gzip", MEDIA_TAR_GZIP, 6, 9}, {"none", MEDIA_TAR, 0, 0},
	{"as-is", MEDIA_TYPES, 0, 0}, /* whatever the file's own is */
};

static const char *compression_of(enum media media)
{
	size_t i = 0;
	while (compressions[i].media != media)
		i++;
	return compressions[i].name;
}

bool packing_is_as_is(const struct packing_options *options)
{
	return strcmp(options->compress, "as-is") == 0;
}

static int choose(
	const struct packing_options *options, struct piecing_settings *out, struct error *e)
{
	size_t i = 0;
	while (strcmp(compressions[i].name, options->compress) != 0)
		i++;
	out->media = compressions[i].media;
	out->piece_bytes = (size_t)options->piece_bytes;
	out->level = options->level == 0 ? compressions[i].level : (int)options->level;
	if (out->level > compressions[i].max_level)
		return error_set(e, ERROR_USAGE, 0, "--compress %s has no level %d",
			options->compress, out->level);
	return 0;
}

int packing_open(const struct packing_options *options, struct packing *out, struct error *e)
{
	struct piecing_settings settings;
	*out = (struct packing)PACKING_INIT;
	out->options = options;
	if (choose(options, &settings, e) != 0 ||
		output_open(&out->output, options->output, 0644, e) != 0 ||
		layout_open(layout_path(options->store), true, &out->layout, e) != 0)
		return -1;
	out->media = settings.media;
	if (piece_writer_open(&out->layout, &out->writer, e) != 0 ||
		(settings.media != MEDIA_TYPES &&
			piecing_open(&out->writer, &settings, &out->piecing, e) != 0)) {
		packing_close(out);
		return -1;
	}
	return 0;
}

int packing_refuse_store(const struct packing *packing, const struct scan *scan, struct error *e)
{
	const struct layout *store = &packing->layout;
	struct stat st;
	if (fstat(store->fd, &st) != 0)
		return error_errno(e, errno, "stat `%s`", store->path);
	for (size_t i = 0; i < scan->count; i++) {
		const struct stat *entry = &scan->entries[i].st;
		if (entry->st_dev == st.st_dev && entry->st_ino == st.st_ino) {
			report_hint("keep it elsewhere: --store DIR, or PLYBOOT_STORE");
			return error_set(e, ERROR_USAGE, 0, "the store `%s` lies in `%s` itself",
				store->path, scan->root);
		}
	}
	return 0;
}

int packing_write(void *packing, const void *data, size_t size_bytes, struct error *e)
{
	struct packing *self = packing;
	return piecing_write(self->piecing, data, size_bytes, e);
}

int packing_keep(struct packing *packing, int fd, struct error *e)
{
	return as_is_cut(fd, (size_t)packing->options->piece_bytes, &packing->writer,
		&packing->media, NULL, e);
}

static void say(const struct packing *packing, const struct layer_record *record)
{
	char digest[DIGEST_TEXT_SIZE];
	digest_format(&record->digest, digest);
	printf("%s\n%s: %s, %" PRIu64 " bytes stored, %" PRIu64 " unpacked, %" PRIu64 " entries\n",
		digest, packing->options->output, compression_of(record->media),
		record->stored_bytes, record->unpacked_bytes, record->entries);
}

int packing_finish(struct packing *packing, struct error *e)
{
	const struct packing_options *options = packing->options;
	enum user_xattrs user_xattrs = strcmp(options->user_xattrs, "optional") == 0
					       ? USER_XATTRS_OPTIONAL
					       : USER_XATTRS_REQUIRED;
	struct layer_record record = {.media = packing->media};
	char text[LAYER_RECORD_TEXT_SIZE];
	size_t size_bytes;
	if ((packing->piecing != NULL && piecing_finish(packing->piecing, e) != 0) ||
		piece_writer_finish(&packing->writer, &record, e) != 0)
		return -1;
	if (measure_layer(&packing->layout, user_xattrs, &record, e) != 0)
		return report_status(e->code) == STATUS_REFUSED
			       ? error_wrap(e, "/init would refuse this layer")
			       : error_wrap(e, "checking the layer in TMPDIR");
	if (layer_record_encode(&record, text, &size_bytes, e) != 0 ||
		output_write(&packing->output, text, size_bytes, e) != 0 ||
		output_commit(&packing->output, OUTPUT_REPLACE, e) != 0)
		return -1;
	layout_keep(&packing->layout);
	say(packing, &record);
	return 0;
}

void packing_close(struct packing *packing)
{
	piecing_close(packing->piecing);
	packing->piecing = NULL;
	piece_writer_close(&packing->writer);
	output_discard(&packing->output);
	layout_close(&packing->layout);
}

#include "entry_layer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../layers/scope.h"
#include "clock.h"
#include "embedded.h"
#include "measure.h"
#include "piecing.h"
#include "tarout.h"

static int find_program(const char *architecture, const struct embedded **program, struct error *e)
{
	*program = embedded_entry(architecture);
	if (*program == NULL)
		return error_set(e, ERROR_MISSING, 0, "this command carries no /%s for `%s`",
			ENTRYCONF_PROGRAM, architecture);
	return 0;
}

static int write_tar(struct piecing *piecing, const struct embedded *program, const char *text,
	size_t text_bytes, struct error *e)
{
	uint64_t seconds = 0;
	bool set;
	struct tarout *tar;
	if (clock_source_date(&set, &seconds, e) != 0 ||
		tarout_open(piecing_write, piecing, &tar, e) != 0)
		return -1;
	time_t mtime = (time_t)seconds;
	int result =
		tarout_add_made(tar, ENTRYCONF_DIRECTORY "/", S_IFDIR | 0755, mtime, NULL, 0, e);
	if (result == 0)
		result = tarout_add_made(tar, ENTRYCONF_PROGRAM, S_IFREG | 0755, mtime,
			program->start, (size_t)(program->end - program->start), e);
	if (result == 0)
		result = tarout_add_made(
			tar, ENTRYCONF_PATH, S_IFREG | 0644, mtime, text, text_bytes, e);
	if (result == 0)
		result = tarout_finish(tar, e);
	tarout_close(tar);
	return result;
}

static int write_layer(struct piece_writer *writer, const struct embedded *program,
	const char *text, size_t text_bytes, struct layer_record *record, struct error *e)
{
	static const struct piecing_settings settings = {
		.media = MEDIA_TAR_ZSTD, .level = 3, .piece_bytes = 1024 * 1024};
	struct piecing *piecing;
	record->media = settings.media;
	if (piecing_open(writer, &settings, &piecing, e) != 0)
		return -1;
	int result = write_tar(piecing, program, text, text_bytes, e);
	if (result == 0)
		result = piecing_finish(piecing, e);
	piecing_close(piecing);
	return result == 0 ? piece_writer_finish(writer, record, e) : -1;
}

int entry_layer_add(struct layout *layout, const struct entryconf *conf, const char *architecture,
	struct layer_record *out, struct error *e)
{
	SCOPED_FREE char *text = NULL;
	size_t text_bytes;
	const struct embedded *program;
	struct piece_writer writer = PIECE_WRITER_INIT;
	struct layer_record record = {0};
	if (find_program(architecture, &program, e) != 0)
		return -1;
	if (entryconf_encode(conf, &text, &text_bytes, e) != 0)
		return error_wrap(e, "what entry.conf would say");
	int result = piece_writer_open(layout, &writer, e);
	if (result == 0)
		result = write_layer(&writer, program, text, text_bytes, &record, e);
	piece_writer_close(&writer);
	if (result != 0 || measure_layer(layout, USER_XATTRS_REQUIRED, &record, e) != 0)
		return -1;
	*out = record;
	return 0;
}

char *entry_layer_directory(const char *given)
{
	char *out = malloc(strlen(given) + 2);
	if (out == NULL)
		return NULL;
	size_t used = 0; /* of "/part/part"; nothing stands for / */
	while (*given != '\0') {
		size_t length = strcspn(given, "/");
		if (length == 2 && memcmp(given, "..", 2) == 0) {
			while (used > 0 && out[--used] != '/')
				;
		} else if (length > 0 && (length != 1 || given[0] != '.')) {
			out[used++] = '/';
			memcpy(out + used, given, length);
			used += length;
		}
		given += length + (given[length] == '/');
	}
	if (used == 0)
		out[used++] = '/';
	out[used] = '\0';
	return out;
}

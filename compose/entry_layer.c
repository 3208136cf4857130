#include "entry_layer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../layers/scope.h"
#include "clock.h"
#include "embedded.h"
#include "made_layer.h"
#include "piecing.h"

static int find_program(const char *architecture, const struct embedded **program, struct error *e)
{
	*program = embedded_entry(architecture);
	if (*program == NULL)
		return error_set(e, ERROR_MISSING, 0, "this command carries no /%s for `%s`",
			ENTRYCONF_PROGRAM, architecture);
	return 0;
}

struct entry_files {
	const struct embedded *program;
	const char *text;
	size_t text_bytes;
};

static int add_files(
	struct tarout *tar, const struct entry_files *files, time_t mtime, struct error *e)
{
	const struct embedded *program = files->program;
	if (tarout_add_made(tar, ENTRYCONF_DIRECTORY "/", S_IFDIR | 0755, mtime, NULL, 0, e) != 0 ||
		tarout_add_made(tar, ENTRYCONF_PROGRAM, S_IFREG | 0755, mtime, program->start,
			(size_t)(program->end - program->start), e) != 0 ||
		tarout_add_made(tar, ENTRYCONF_PATH, S_IFREG | 0644, mtime, files->text,
			files->text_bytes, e) != 0)
		return -1;
	return tarout_finish(tar, e);
}

static int write_tar(void *context, void *piecing, struct error *e)
{
	uint64_t seconds = 0;
	bool set;
	struct tarout *tar;
	if (clock_source_date(&set, &seconds, e) != 0 ||
		tarout_open(piecing_write, piecing, &tar, e) != 0)
		return -1;
	int result = add_files(tar, context, (time_t)seconds, e);
	tarout_close(tar);
	return result;
}

int entry_layer_add(struct layout *layout, const struct entryconf *conf, const char *architecture,
	struct layer_record *out, struct error *e)
{
	SCOPED_FREE char *text = NULL;
	struct entry_files files;
	if (find_program(architecture, &files.program, e) != 0)
		return -1;
	if (entryconf_encode(conf, &text, &files.text_bytes, e) != 0)
		return error_wrap(e, "what entry.conf would say");
	files.text = text;
	return made_layer_add(layout, write_tar, &files, USER_XATTRS_REQUIRED, out, e);
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

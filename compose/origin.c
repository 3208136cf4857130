#include "origin.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../layers/scope.h"
#include "../layers/tar_field.h"
#include "bytes.h"
#include "report.h"
#include "source_tar.h"

bool origin_is_path(const char *operand)
{
	size_t length = strlen(operand);
	return strchr(operand, '/') != NULL ||
	       (length > 4 && strcmp(operand + length - 4, ".tar") == 0);
}

static int open_tar(const char *path, struct origin *out, struct error *e)
{
	/* O_NONBLOCK: a FIFO must not keep us waiting. */
	SCOPED_FD fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	if (fd < 0)
		return error_errno(e, errno, "open `%s`", path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return error_set(
			e, ERROR_FORMAT, 0, "`%s` is neither a directory nor a regular file", path);
	if (source_tar_open(fd, &out->source, e) != 0) {
		report_hint("a plain tar of a store is meant, such as `plyboot export "
			    "--with-stack` writes");
		return error_wrap(e, "`%s`", path);
	}
	(void)scope_take_fd(&fd);
	return 0;
}

int origin_open(const char *path, struct origin *out, struct error *e)
{
	struct stat st;
	*out = (struct origin)ORIGIN_INIT;
	out->path = path;
	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		return open_tar(path, out, e);
	if (layout_open(path, false, &out->layout, e) != 0)
		return -1;
	out->source = out->layout.source;
	return 0;
}

void origin_close(struct origin *origin)
{
	if (origin->source != origin->layout.source)
		source_close(origin->source);
	layout_close(&origin->layout);
	*origin = (struct origin)ORIGIN_INIT;
}

/* --- which stack */

/* NAME-VERSION.stack, as its own file says it: else it is nobody's that could be installed. */
static bool take_apart(const char *file_name, size_t *name_length, uint64_t *version)
{
	size_t length = strlen(file_name) - strlen(".stack");
	size_t dash = length;
	while (dash > 0 && file_name[dash - 1] != '-')
		dash--;
	*name_length = dash > 0 ? dash - 1 : 0;
	return dash > 1 && strlen(file_name) < STACK_FILE_NAME_SIZE &&
	       tar_decimal(file_name + dash, length - dash, version);
}

struct choosing {
	char newest[STACK_FILE_NAME_SIZE]; /* "": none so far */
	size_t name_length;                /* of its name */
	uint64_t version;
	bool names_differ;
	struct bytes all; /* for the message */
};

static int consider(void *context, const char *file_name, struct error *e)
{
	struct choosing *self = context;
	size_t name_length;
	uint64_t version;
	if (!take_apart(file_name, &name_length, &version))
		return 0;
	if (self->all.size < ERROR_TEXT_SIZE &&
		bytes_print(&self->all, e, " %.*s", (int)(strlen(file_name) - strlen(".stack")),
			file_name) != 0)
		return -1;
	bool is_first = self->newest[0] == '\0';
	self->names_differ |=
		!is_first && (name_length != self->name_length ||
				     memcmp(file_name, self->newest, name_length) != 0);
	if (is_first || version > self->version) {
		(void)snprintf(self->newest, sizeof self->newest, "%s", file_name);
		self->name_length = name_length;
		self->version = version;
	}
	return 0;
}

static int conclude(const struct origin *origin, const struct choosing *choosing, struct error *e)
{
	if (choosing->newest[0] == '\0') {
		report_hint("`plyboot export --with-stack` writes a stack with all that it needs");
		return error_set(e, ERROR_MISSING, 0, "`%s` has no stacks", origin->path);
	}
	if (!choosing->names_differ)
		return 0;
	report_hint("say which one: plyboot install --store %s NAME-VERSION", origin->path);
	return error_set(e, ERROR_USAGE, 0, "`%s` has stacks of several names:%.*s", origin->path,
		(int)choosing->all.size, (const char *)choosing->all.data);
}

int origin_choose(struct origin *origin, char out[STACK_FILE_NAME_SIZE], struct error *e)
{
	struct choosing choosing = {0};
	int result = origin->source->ops->list_stacks(origin->source, consider, &choosing, e);
	if (result == 0)
		result = conclude(origin, &choosing, e);
	if (result == 0)
		memcpy(out, choosing.newest, sizeof choosing.newest);
	bytes_free(&choosing.all);
	return result;
}

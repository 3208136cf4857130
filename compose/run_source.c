#include "run_source.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../layers/scope.h"
#include "layer_file.h"
#include "report.h"

static char *below(const char *directory, const char *name)
{
	char *path;
	return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

static bool has(const char *directory, const char *name)
{
	SCOPED_FREE char *path = below(directory, name);
	return path != NULL && access(path, F_OK) == 0;
}

/* --- which stack */

/* "NAME-VERSION.stack" of a store, where NAME-VERSION, NAME:VERSION or NAME is meant. */
static bool stack_matches(const char *file, const char *wanted, uint64_t *version)
{
	char name[STACK_FILE_NAME_SIZE];
	size_t length = strlen(file);
	if (length < sizeof ".stack" || length >= sizeof name)
		return false;
	memcpy(name, file, length - 6);
	name[length - 6] = '\0';
	char *dash = strrchr(name, '-');
	if (dash == NULL || !number_parse(dash + 1, version))
		return false;
	if (wanted == NULL || strcmp(name, wanted) == 0)
		return true;
	size_t name_length = (size_t)(dash - name);
	if (strncmp(name, wanted, name_length) != 0)
		return false;
	return wanted[name_length] == '\0' ||
	       (wanted[name_length] == ':' && strcmp(wanted + name_length + 1, dash + 1) == 0);
}

/* Of those that match the highest version, as NAME-VERSION in *out; NULL: none. */
static int choose_stack(
	const struct layout_stacks *stacks, const char *wanted, char **out, struct error *e)
{
	const char *best = NULL;
	uint64_t version, highest = 0;
	for (size_t i = 0; i < stacks->count; i++) {
		const char *name = stacks->names[i];
		if (!stack_matches(name, wanted, &version))
			continue;
		size_t length = (size_t)(strrchr(name, '-') - name);
		if (best != NULL && (strncmp(best, name, length) != 0 || best[length] != '-'))
			return error_set(e, ERROR_USAGE, 0,
				"the store has stacks of several names: say which, as STORE:%.*s",
				(int)length, name);
		if (best == NULL || version > highest) {
			best = name;
			highest = version;
		}
	}
	*out = best == NULL ? NULL : strndup(best, strlen(best) - 6);
	return best != NULL && *out == NULL ? error_set(e, ERROR_NOSPACE, 0, "no memory") : 0;
}

static int look_for_stack(struct run_source *source, const char *wanted, struct error *e)
{
	SCOPED_LAYOUT layout = LAYOUT_INIT;
	struct layout_stacks stacks = {0};
	struct error none;
	char *chosen;
	if (!has(source->path, "stacks"))
		return 0;
	if (layout_open(source->path, false, &layout, e) != 0)
		return -1;
	if (layout_list_stacks(&layout, &stacks, &none) != 0)
		return none.code == ERROR_MISSING ? 0 : error_set(e, none.code, 0, "%s", none.text);
	int result = choose_stack(&stacks, wanted, &chosen, e);
	layout_stacks_free(&stacks);
	if (result == 0 && chosen != NULL) {
		free(source->reference);
		source->reference = chosen;
		source->kind = RUN_SOURCE_STACK;
	}
	return result;
}

/* --- what it is */

/* "PATH" or "PATH:REFERENCE"; what exists counts. */
static int split(const char *given, struct run_source *out, struct error *e)
{
	out->path = strdup(given);
	if (out->path == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	const char *colon = given;
	while (access(out->path, F_OK) != 0 && (colon = strchr(colon, ':')) != NULL) {
		size_t length = (size_t)(colon++ - given);
		memcpy(out->path, given, length);
		out->path[length] = '\0';
		free(out->reference);
		out->reference = strdup(colon);
		if (out->reference == NULL)
			return error_set(e, ERROR_NOSPACE, 0, "no memory");
	}
	if (access(out->path, F_OK) == 0)
		return 0;
	report_hint("it is a directory, a tar, a .layer file, or STORE:NAME of a stack or an "
		    "image; what "
		    "a registry has, `plyboot import` puts into a store");
	return error_errno(e, ENOENT, "--root `%s`", given);
}

static int look_at_directory(struct run_source *source, struct error *e)
{
	source->kind = RUN_SOURCE_DIRECTORY;
	if (has(source->path, "oci-layout")) {
		source->kind = RUN_SOURCE_IMAGE;
		return look_for_stack(source, source->reference, e);
	}
	if (source->reference != NULL)
		return error_set(e, ERROR_FORMAT, 0, "`%s` is no store: it has no file oci-layout",
			source->path);
	return 0;
}

static int look_at_file(struct run_source *source, struct error *e)
{
	char start[sizeof LAYER_FILE_BEGINS] = "";
	SCOPED_FD fd = open(source->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || read(fd, start, sizeof start - 1) < 0)
		return error_errno(e, errno, "read `%s`", source->path);
	source->kind = strcmp(start, LAYER_FILE_BEGINS) == 0 ? RUN_SOURCE_RECORDS : RUN_SOURCE_TAR;
	if (source->reference != NULL)
		return error_set(e, ERROR_USAGE, 0,
			"`%s` has no name behind it, as :%s, unless it is oci-archive:%s or "
			"docker-archive:%s",
			source->path, source->reference, source->given, source->given);
	return 0;
}

static int look(struct run_source *source, struct error *e)
{
	static const char *const archives[] = {"oci-archive:", "docker-archive:"};
	struct stat st;
	const char *rest = source->given;
	bool archive = false;
	for (size_t i = 0; i < 2 && !archive; i++) {
		archive = strncmp(source->given, archives[i], strlen(archives[i])) == 0;
		rest += archive ? strlen(archives[i]) : 0;
	}
	if (split(rest, source, e) != 0)
		return -1;
	if (stat(source->path, &st) != 0)
		return error_errno(e, errno, "stat `%s`", source->path);
	if (archive) {
		source->kind = RUN_SOURCE_ARCHIVE;
		return 0;
	}
	if (S_ISDIR(st.st_mode))
		return look_at_directory(source, e);
	if (S_ISREG(st.st_mode))
		return look_at_file(source, e);
	return error_set(e, ERROR_TYPE, 0, "`%s` is neither a directory nor a file", source->path);
}

int run_source_open(const char *given, struct run_source *out, struct error *e)
{
	*out = (struct run_source){.given = given};
	if (look(out, e) == 0)
		return 0;
	run_source_free(out);
	return -1;
}

void run_source_free(struct run_source *source)
{
	free(source->path);
	free(source->reference);
	*source = (struct run_source){0};
}

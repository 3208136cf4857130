#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../layers/scope.h"
#include "modules_private.h"
#include "output.h"
#include "report.h"

enum { FILE_MAX_BYTES = 32 * 1024 * 1024 };

void module_name(const char *from, size_t length, char out[MODULE_NAME_SIZE])
{
	for (size_t i = 0; i < length; i++) {
		if (from[i] == '/') {
			from += i + 1;
			length -= i + 1;
			i = (size_t)-1;
		}
	}
	size_t used = 0;
	for (; used < length && used + 1 < MODULE_NAME_SIZE && from[used] != '.'; used++)
		out[used] = from[used] == '-' ? '_' : from[used];
	out[used] = '\0';
}

bool next_line(const char **text, struct words *out)
{
	const char *at = *text;
	out->count = 0;
	if (*at == '\0')
		return false;
	for (;;) {
		at += strspn(at, " \t\r");
		if (*at == '\n' || *at == '\0')
			break;
		size_t length = strcspn(at, " \t\r\n");
		if (out->count < LINE_WORDS) {
			out->start[out->count] = at;
			out->length[out->count++] = length;
		}
		at += length;
	}
	*text = *at == '\n' ? at + 1 : at;
	return true;
}

/* --- finding the directory */

static bool has_dep(const char *directory)
{
	SCOPED_FREE char *path = NULL;
	if (asprintf(&path, "%s/modules.dep", directory) < 0)
		path = NULL;
	return path != NULL && access(path, F_OK) == 0;
}

/* The one release in `parent` that has a modules.dep. */
static int only_release(const char *parent, char **out, struct error *e)
{
	DIR *dir = opendir(parent);
	SCOPED_FREE char *found = NULL;
	int result = 0;
	const struct dirent *entry;
	while (result == 0 && dir != NULL && (entry = readdir(dir)) != NULL) {
		SCOPED_FREE char *path = NULL;
		if (entry->d_name[0] == '.')
			continue;
		if (asprintf(&path, "%s/%s", parent, entry->d_name) < 0) {
			path = NULL;
			result = error_set(e, ERROR_NOSPACE, 0, "no memory");
		} else if (has_dep(path) && found != NULL) {
			result = error_set(e, ERROR_USAGE, 0,
				"several kernels in `%s`: name one, such as %s", parent, path);
		} else if (has_dep(path)) {
			found = SCOPE_TAKE(path);
		}
	}
	if (dir != NULL)
		(void)closedir(dir);
	*out = SCOPE_TAKE(found);
	return result;
}

static int find_directory(const char *path, char **out, struct error *e)
{
	static const char *const below[] = {"lib/modules", "usr/lib/modules"};
	*out = NULL;
	if (has_dep(path)) {
		*out = strdup(path);
		return *out != NULL ? 0 : error_set(e, ERROR_NOSPACE, 0, "no memory");
	}
	for (size_t i = 0; i < 2 && *out == NULL; i++) {
		SCOPED_FREE char *parent = NULL;
		if (asprintf(&parent, "%s/%s", path, below[i]) < 0) {
			parent = NULL;
			return error_set(e, ERROR_NOSPACE, 0, "no memory");
		}
		if (only_release(parent, out, e) != 0)
			return -1;
	}
	if (*out != NULL)
		return 0;
	report_hint("it takes a lib/modules/RELEASE, or a root that has one; `depmod` writes "
		    "modules.dep");
	return error_set(e, ERROR_MISSING, 0, "no modules.dep in or below `%s`", path);
}

/* --- reading what depmod wrote */

static int read_text(
	const char *directory, const char *name, bool needed, char **out, struct error *e)
{
	SCOPED_FREE char *path = NULL;
	uint8_t *bytes;
	size_t size_bytes;
	if (asprintf(&path, "%s/%s", directory, name) < 0) {
		path = NULL;
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	}
	if (!needed && access(path, F_OK) != 0) {
		*out = strdup("");
		return *out != NULL ? 0 : error_set(e, ERROR_NOSPACE, 0, "no memory");
	}
	if (input_read_file(path, FILE_MAX_BYTES, &bytes, &size_bytes, e) != 0)
		return -1;
	*out = (char *)bytes;
	return 0;
}

/* "kernel/fs/ext4/ext4.ko: kernel/lib/crc16.ko ..." */
static int add_module(struct modules *modules, char *line, struct error *e)
{
	char name[MODULE_NAME_SIZE];
	char *colon = strchr(line, ':');
	if (colon == NULL)
		return 0;
	*colon = '\0';
	struct module *all = realloc(modules->all, (modules->count + 1) * sizeof *all);
	if (all == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	modules->all = all;
	module_name(line, strlen(line), name);
	struct module *module = &all[modules->count++];
	*module = (struct module){
		.name = strdup(name), .path = strdup(line), .needs = strdup(colon + 1)};
	if (module->name == NULL || module->path == NULL || module->needs == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	return 0;
}

static int read_dep(struct modules *modules, struct error *e)
{
	SCOPED_FREE char *text = NULL;
	if (read_text(modules->directory, "modules.dep", true, &text, e) != 0)
		return -1;
	char *rest = text;
	for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
		if (add_module(modules, line, e) != 0)
			return -1;
	}
	return 0;
}

static int read_all(struct modules *modules, struct error *e)
{
	if (read_dep(modules, e) != 0 ||
		read_text(modules->directory, "modules.builtin", false, &modules->builtin, e) !=
			0 ||
		read_text(modules->directory, "modules.alias", false, &modules->alias, e) != 0 ||
		read_text(modules->directory, "modules.softdep", false, &modules->softdep, e) != 0)
		return -1;
	modules->chosen = calloc(modules->count + 1, sizeof *modules->chosen);
	return modules->chosen != NULL ? 0 : error_set(e, ERROR_NOSPACE, 0, "no memory");
}

/* A release is what the kernel says of itself; the directory has its name. */
static int name_release(struct modules *modules, struct error *e)
{
	SCOPED_FREE char *real = realpath(modules->directory, NULL);
	if (real == NULL)
		return error_errno(e, errno, "`%s`", modules->directory);
	modules->release = strdup(strrchr(real, '/') + 1);
	return modules->release != NULL ? 0 : error_set(e, ERROR_NOSPACE, 0, "no memory");
}

int modules_open(const char *path, struct modules *out, struct error *e)
{
	*out = (struct modules){0};
	if (find_directory(path, &out->directory, e) == 0 && name_release(out, e) == 0 &&
		read_all(out, e) == 0)
		return 0;
	modules_free(out);
	return -1;
}

void modules_free(struct modules *modules)
{
	for (size_t i = 0; i < modules->count; i++) {
		free(modules->all[i].name);
		free(modules->all[i].path);
		free(modules->all[i].needs);
	}
	free(modules->all);
	free(modules->builtin);
	free(modules->alias);
	free(modules->softdep);
	free(modules->chosen);
	free(modules->release);
	free(modules->directory);
	*modules = (struct modules){0};
}

#include "scan_xattrs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "../layers/ceilings.h"
#include "../layers/scope.h"
#include "overlay_marks.h"
#include "report.h"

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* What unpacking a layer may set. */
static bool belongs(const char *name)
{
	if (starts_with(name, "user."))
		return !starts_with(name, "user.overlay.");
	return strcmp(name, "security.capability") == 0 ||
	       strcmp(name, "system.posix_acl_access") == 0 ||
	       strcmp(name, "system.posix_acl_default") == 0;
}

/* Once for each name: a tree with SELinux's labels has one on every file. */
static void warn_left_out(const char *name, const char *path)
{
	enum { MAX_TOLD = 16 };
	static char told[MAX_TOLD][LIMIT_XATTR_NAME_BYTES + 1];
	static size_t told_count;
	for (size_t i = 0; i < told_count; i++) {
		if (strcmp(told[i], name) == 0)
			return;
	}
	if (told_count == MAX_TOLD)
		return;
	strncpy(told[told_count++], name, LIMIT_XATTR_NAME_BYTES); /* the rest is zeros */
	report_warning(
		"the extended attribute %s is left out (first at `%s`): a layer can't hold it",
		name, path);
}

static int add(struct scan_entry *entry, const char *name, const uint8_t *value, size_t size_bytes,
	struct error *e)
{
	struct scan_xattr *xattrs =
		realloc(entry->xattrs, (entry->xattr_count + 1) * sizeof *xattrs);
	if (xattrs == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory for attributes");
	entry->xattrs = xattrs;
	struct scan_xattr new = {
		.name = strdup(name), .value = malloc(size_bytes + 1), .size_bytes = size_bytes};
	if (new.name == NULL || new.value == NULL) {
		free(new.name);
		free(new.value);
		return error_set(e, ERROR_NOSPACE, 0, "no memory for attributes");
	}
	memcpy(new.value, value, size_bytes);
	size_t at = entry->xattr_count++;
	while (at > 0 && strcmp(xattrs[at - 1].name, name) > 0) {
		xattrs[at] = xattrs[at - 1];
		at--;
	}
	xattrs[at] = new;
	return 0;
}

static int read_one(const char *path, const char *name, struct scan_entry *entry, struct error *e)
{
	uint8_t value[LIMIT_XATTR_VALUE_BYTES];
	ssize_t size = lgetxattr(path, name, value, sizeof value);
	if (size < 0 && errno == ENODATA)
		return 0; /* gone since it was listed */
	if (size < 0)
		return error_errno(e, errno, "read the attribute %s of `%s`", name, entry->path);
	return add(entry, name, value, (size_t)size, e);
}

static int read_any(const char *path, const char *name, enum scan_marks marks,
	struct scan_entry *entry, struct error *e)
{
	bool noted = false;
	if (overlay_marks_note(path, name, marks, entry, &noted, e) != 0)
		return -1;
	if (noted)
		return 0;
	if (belongs(name))
		return read_one(path, name, entry, e);
	warn_left_out(name, entry->path);
	return 0;
}

int scan_read_xattrs(int dir_fd, const char *name, enum scan_marks marks, struct scan_entry *entry,
	struct error *e)
{
	/* The only way to ask about a symlink or a device by descriptor and name. */
	char path[320];
	char names[LIMIT_XATTR_VALUE_BYTES];
	(void)snprintf(
		path, sizeof path, "/proc/self/fd/%d/%s", dir_fd, name[0] == '\0' ? "." : name);
	ssize_t size = llistxattr(path, names, sizeof names);
	if (size < 0 && (errno == ENOTSUP || errno == ENOSYS))
		return 0;
	if (size < 0)
		return error_errno(e, errno, "list the attributes of `%s`", entry->path);
	for (const char *at = names; at < names + size; at += strlen(at) + 1) {
		if (read_any(path, at, marks, entry, e) != 0)
			return -1;
	}
	return 0;
}

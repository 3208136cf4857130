#include "overlay_marks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/xattr.h>

#include "../layers/scope.h"
#include "report.h"

enum kind {
	KIND_OPAQUE,
	KIND_WHITEOUT,
	KIND_BOOKKEEPING, /* nothing that shows on the mounted overlay */
	KIND_FLAGS,       /* left out with a warning, as any attribute that a layer can't have */
	KIND_FOREIGN,
};

static const struct mark {
	const char *name;
	enum kind kind;
	const char *what, *hint; /* of a foreign one */
} known[] = {
	{"opaque", KIND_OPAQUE, "a mark of an unknown kind", NULL},
	{"whiteout", KIND_WHITEOUT, "a whiteout that is no empty file", NULL},
	{"origin", KIND_BOOKKEEPING, NULL, NULL},
	{"impure", KIND_BOOKKEEPING, NULL, NULL},
	{"nlink", KIND_BOOKKEEPING, NULL, NULL},
	{"upper", KIND_BOOKKEEPING, NULL, NULL},
	{"uuid", KIND_BOOKKEEPING, NULL, NULL},
	{"protattr", KIND_FLAGS, NULL, NULL}, /* chattr's immutable and append-only */
	{"redirect", KIND_FOREIGN, "it was renamed, and what is in it lies in a lower layer",
		"on the mounted overlay, copy it (cp -a), remove it, and rename the copy; mount "
		"with redirect_dir=nofollow from then on"},
	{"metacopy", KIND_FOREIGN, "its contents lie in a lower layer",
		"on the mounted overlay, open it for writing (: >>FILE), which copies them up; "
		"mount with metacopy=off from then on"},
};

static const struct mark unknown = {NULL, KIND_FOREIGN, "no layer can say that", NULL};

static const struct mark nested = {NULL, KIND_FOREIGN,
	"it belongs to an overlay inside of this one",
	"leave that one out: --exclude its directory"};

static const char *behind(const char *name, const char *prefix)
{
	size_t length = strlen(prefix);
	return strncmp(name, prefix, length) == 0 ? name + length : NULL;
}

/* What follows "trusted.overlay." or "user.overlay.", NULL of another name. */
static const char *suffix_of(const char *name)
{
	const char *suffix = behind(name, "trusted.overlay.");
	return suffix != NULL ? suffix : behind(name, "user.overlay.");
}

static const struct mark *find(const char *suffix)
{
	if (behind(suffix, "overlay.") != NULL)
		return &nested;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (strcmp(known[i].name, suffix) == 0)
			return &known[i];
	}
	return &unknown;
}

static int note_foreign(const char *name, struct scan_entry *entry, struct error *e)
{
	if (entry->foreign_mark != NULL)
		return 0;
	entry->foreign_mark = strdup(name);
	return entry->foreign_mark != NULL ? 0 : error_set(e, ERROR_NOSPACE, 0, "no memory");
}

/* "y"; or, from Linux 6.7, "x": there are whiteouts below that are files with the mark. */
static int note_opaque(
	const char *path, const char *name, struct scan_entry *entry, struct error *e)
{
	char value = '\0';
	ssize_t size = lgetxattr(path, name, &value, 1);
	if (size < 0 && errno == ENODATA)
		return 0; /* gone since it was listed */
	if (size < 0 && errno != ERANGE)
		return error_errno(e, errno, "read the attribute %s of `%s`", name, entry->path);
	if (size != 1 || (value != 'y' && value != 'x') || !S_ISDIR(entry->st.st_mode))
		return note_foreign(name, entry, e);
	entry->opaque = value == 'y';
	return 0;
}

static int note(const char *path, const char *name, enum kind kind, struct scan_entry *entry,
	bool *noted, struct error *e)
{
	*noted = kind != KIND_FLAGS;
	switch (kind) {
	case KIND_OPAQUE:
		return note_opaque(path, name, entry, e);
	case KIND_WHITEOUT:
		entry->whiteout = S_ISREG(entry->st.st_mode) && entry->st.st_size == 0;
		return entry->whiteout ? 0 : note_foreign(name, entry, e);
	case KIND_FOREIGN:
		return note_foreign(name, entry, e);
	default:
		return 0;
	}
}

int overlay_marks_note(const char *path, const char *name, enum scan_marks marks,
	struct scan_entry *entry, bool *noted, struct error *e)
{
	const char *suffix = suffix_of(name);
	*noted = false;
	if (marks == SCAN_MARKS_NONE || suffix == NULL)
		return 0;
	const struct mark *mark = find(suffix);
	bool user = name[0] == 'u';
	if (user && marks == SCAN_MARKS_UNSURE && mark->kind != KIND_BOOKKEEPING) {
		*noted = true;
		return note_foreign(name, entry, e);
	}
	if (user != (marks == SCAN_MARKS_USER))
		return 0; /* an attribute like another */
	return note(path, name, mark->kind, entry, noted, e);
}

static int refuse(const struct scan *scan, const struct scan_entry *entry, struct error *e)
{
	const char *name = entry->foreign_mark;
	const struct mark *mark = find(suffix_of(name));
	if (scan->marks == SCAN_MARKS_UNSURE && name[0] == 'u') {
		report_hint("--marks user, if the overlay was mounted with userxattr; --marks "
			    "trusted, if it was not");
		return error_set(e, ERROR_XATTR, 0,
			"`%s/%s` has %s, which only counts in an overlay mounted with userxattr",
			scan_root_of(scan, entry), entry->path, name);
	}
	report_hint("%s", mark->hint != NULL ? mark->hint : "leave it out: --exclude");
	return error_set(e, ERROR_XATTR, 0, "`%s/%s` has %s: %s", scan_root_of(scan, entry),
		entry->path, name, mark->what);
}

int overlay_marks_refuse(const struct scan *scan, struct error *e)
{
	for (size_t i = 0; i < scan->count; i++) {
		if (scan->entries[i].foreign_mark != NULL)
			return refuse(scan, &scan->entries[i], e);
	}
	return 0;
}

/* Reading one says "no such attribute" to who may not; removing one tells the two apart. */
int overlay_marks_check_readable(struct error *e)
{
	SCOPED_FD fd = memfd_create("plyboot", MFD_CLOEXEC);
	if (fd < 0)
		return error_errno(e, errno, "a file in memory");
	if (fremovexattr(fd, "trusted.plyboot") == 0 || errno != EPERM)
		return 0;
	report_hint("run it as root; of an overlay mounted with userxattr: --marks user");
	return error_set(e, ERROR_IO, EPERM, "read overlayfs's marks, trusted.overlay.*");
}

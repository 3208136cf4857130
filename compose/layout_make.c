/* A store appears whole, and for all who begin with it at once; or it goes again. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "../layers/scope.h"
#include "interrupt.h"
#include "layout_make.h"
#include "output.h"
#include "report.h"

static const char layout_file[] = "{\"imageLayoutVersion\": \"1.0.0\"}\n";
static const char index_file[] = "{\"schemaVersion\":2,\"manifests\":[]}\n";

static const char *const directories[] = {"blobs", "blobs/sha256", "stacks"};

static size_t directory_count(const struct layout *layout)
{
	return layout->is_image ? 2 : 3;
}

/* What a fresh file system has in its root is nothing. */
static bool is_nothing(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "lost+found") == 0;
}

static bool is_empty(int dir_fd)
{
	int own = openat(dir_fd, ".", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	DIR *dir = own < 0 ? NULL : fdopendir(own);
	bool empty = dir != NULL;
	const struct dirent *entry;
	while (empty && (entry = readdir(dir)) != NULL)
		empty = is_nothing(entry->d_name);
	if (dir != NULL)
		(void)closedir(dir);
	else
		scope_close(&own);
	return empty;
}

static int write_small(int dir_fd, const char *name, const char *text, struct error *e)
{
	SCOPED_OUTPUT output = OUTPUT_INIT;
	if (output_open_at(&output, dir_fd, name, 0644, e) != 0 ||
		output_write(&output, text, strlen(text), e) != 0)
		return -1;
	return output_commit(&output, OUTPUT_REPLACE, e);
}

static int make_directories(const struct layout *layout, struct error *e)
{
	for (size_t i = 0; i < directory_count(layout); i++) {
		if (mkdirat(layout->fd, directories[i], 0755) != 0 && errno != EEXIST)
			return error_errno(e, errno, "make the directory `%s`", directories[i]);
	}
	return 0;
}

/* oci-layout comes last: with it, the layout is one. */
static int populate(const struct layout *layout, struct error *e)
{
	if (make_directories(layout, e) != 0 ||
		write_small(layout->fd, "index.json", index_file, e) != 0)
		return -1;
	return write_small(layout->fd, "oci-layout", layout_file, e);
}

/* Not what another one has put something into, or is about to. */
void layout_make_undo(struct layout *layout)
{
	struct error ignored;
	if (!layout_lock_try(layout))
		return;
	for (size_t i = directory_count(layout); i-- > 0;) {
		if (unlinkat(layout->fd, directories[i], AT_REMOVEDIR) != 0 && errno != ENOENT) {
			(void)make_directories(layout, &ignored);
			return;
		}
	}
	(void)unlinkat(layout->fd, "oci-layout", 0);
	(void)unlinkat(layout->fd, "index.json", 0);
	if (layout->made_directory)
		(void)rmdir(layout->path);
}

static bool is_layout(const struct layout *layout)
{
	return faccessat(layout->fd, "oci-layout", F_OK, 0) == 0;
}

static int check_or_populate(struct layout *layout, bool create, struct error *e)
{
	if (is_layout(layout))
		return create ? make_directories(layout, e) : 0;
	if (!create || !is_empty(layout->fd))
		return error_set(e, ERROR_FORMAT, 0, "`%s` is no store: it has no file oci-layout",
			layout->path);
	layout->created = true;
	return populate(layout, e);
}

/* --- opening */

/* Who made it may have taken it away before the lock was ours. */
static bool is_there(const struct layout *layout)
{
	struct stat held, there;
	return fstat(layout->fd, &held) == 0 && stat(layout->path, &there) == 0 &&
	       held.st_dev == there.st_dev && held.st_ino == there.st_ino;
}

/* 1: made, and taken away before it was opened. */
static int open_directory(struct layout *layout, bool create, struct error *e)
{
	struct stat st;
	if (create) {
		layout->made_directory = mkdir(layout->path, 0755) == 0;
		if (!layout->made_directory && errno != EEXIST)
			return error_errno(e, errno, "make the store `%s`", layout->path);
	}
	layout->fd = open(layout->path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (layout->fd >= 0)
		return 0;
	int why = errno;
	bool is_link = lstat(layout->path, &st) == 0 && S_ISLNK(st.st_mode);
	if (create && why == ENOENT && !is_link)
		return 1;
	report_hint("`--store DIR` or PLYBOOT_STORE says where the store is; `plyboot pack` "
		    "makes one");
	return error_errno(e, why, "open the store `%s`", layout->path);
}

/* Whoever populates it is alone in it. 1: another one is at that, or has just taken it away. */
static int enter(struct layout *layout, bool create, struct error *e)
{
	if (create && !is_layout(layout)) {
		if (!layout_lock_try(layout) || !is_there(layout))
			return 1;
		return check_or_populate(layout, true, e) == 0 ? layout_lock_shared(layout, e) : -1;
	}
	if (layout_lock_shared(layout, e) != 0)
		return -1;
	if (create && (!is_there(layout) || !is_layout(layout)))
		return 1;
	return check_or_populate(layout, create, e);
}

/* When several begin with a store that is not there, one makes it, and the others get that. */
int layout_make_open(struct layout *layout, bool create, struct error *e)
{
	enum { TRIES = 2000, PAUSE_MS = 5 };
	const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
	for (int tries = 0; tries < TRIES; tries++) {
		int result = open_directory(layout, create, e);
		if (result == 0)
			result = enter(layout, create, e);
		if (result <= 0)
			return result;
		scope_close(&layout->fd);
		layout->fd = -1;
		if (interrupt_check(e) != 0)
			return -1;
		(void)nanosleep(&pause, NULL);
	}
	return error_set(e, ERROR_IO, 0,
		"another plyboot is making the store `%s`, and does not end", layout->path);
}

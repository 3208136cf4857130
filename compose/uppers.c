#include "uppers.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "../layers/paths.h"
#include "../layers/scope.h"
#include "../layers/store.h"
#include "../layers/syscalls.h"
#include "output.h"

static int open_below(int dir_fd, const char *path, int flags, struct error *e)
{
	int fd = sys_openat2(dir_fd, path, O_RDONLY | O_NOFOLLOW | flags, 0, SYS_RESOLVE_STRICT);
	return fd >= 0 ? fd : error_errno(e, errno, "open %s", path);
}

static int open_directory(int dir_fd, const char *path, struct error *e)
{
	return open_below(dir_fd, path, O_DIRECTORY, e);
}

static int open_number(const struct uppers *uppers, unsigned long number, struct error *e)
{
	char name[16];
	(void)snprintf(name, sizeof name, "%lu", number);
	return open_directory(uppers->archive_fd, name, e);
}

static int has(int dir_fd, const char *name, struct error *e)
{
	struct stat st;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : error_errno(e, errno, "look at %s", name);
}

/* What is no regular file is not read. */
static int read_file(int dir_fd, const char *name, size_t max_bytes, uint8_t **bytes,
	size_t *size_bytes, struct error *e)
{
	struct stat st;
	SCOPED_FD fd = open_below(dir_fd, name, O_NONBLOCK, e);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) != 0)
		return error_errno(e, errno, "look at %s", name);
	if (!S_ISREG(st.st_mode))
		return error_set(e, ERROR_FORMAT, 0, "%s is no file", name);
	return input_read_fd(fd, name, max_bytes, bytes, size_bytes, e);
}

/* --- what there is */

/* An owner or a mark that can't be read is none: the upper itself is there all the same. */
static void read_owner(int fd, struct archived_upper *out)
{
	struct owners owners;
	size_t size_bytes;
	SCOPED_FREE uint8_t *text = NULL;
	if (read_file(fd, "made-for", OWNERS_TEXT_SIZE, &text, &size_bytes, NULL) != 0 ||
		owners_decode((const char *)text, size_bytes, &owners, NULL) != 0 ||
		owners.count == 0)
		return;
	out->owned = true;
	out->owner = owners.list[0];
}

static void read_mark(int fd, struct archived_upper *out)
{
	size_t size_bytes;
	SCOPED_FREE uint8_t *text = NULL;
	if (read_file(fd, ASIDE_MARK, ASIDE_MARK_SIZE, &text, &size_bytes, NULL) != 0)
		return;
	(void)aside_mark_decode((const char *)text, size_bytes, &out->mark, NULL);
}

static int add(struct uppers *uppers, unsigned long number, struct error *e)
{
	struct error why;
	struct archived_upper upper = {.number = number};
	SCOPED_FD fd = open_number(uppers, number, &why);
	if (fd < 0 && (why.sys_errno == ENOTDIR || why.sys_errno == ELOOP))
		return 0;
	if (fd < 0) {
		*e = why;
		return -1;
	}
	int mark = has(fd, ASIDE_MARK, e);
	int asked = mark < 0 ? -1 : has(fd, ASIDE_REQUEST, e);
	int there = asked < 0 ? -1 : has(fd, "upper", e);
	if (there <= 0)
		return there;
	upper.aside = mark > 0;
	upper.asked = asked > 0;
	read_owner(fd, &upper);
	read_mark(fd, &upper);
	struct archived_upper *list =
		realloc(uppers->list, (uppers->count + 1) * sizeof *uppers->list);
	if (list == NULL)
		return error_errno(e, ENOMEM, "memory for the archive");
	uppers->list = list;
	list[uppers->count++] = upper;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const struct archived_upper *one = a, *other = b;
	return one->number < other->number ? -1 : 1;
}

static int read_archive(struct uppers *uppers, struct error *e)
{
	const struct dirent *entry;
	int result = 0, fd = openat(uppers->archive_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	if (directory == NULL) {
		scope_close(&fd);
		return error_errno(e, errno, "read the archive");
	}
	while (result == 0 && (entry = readdir(directory)) != NULL) {
		unsigned long number;
		if (aside_number_parse(entry->d_name, &number))
			result = add(uppers, number, e);
	}
	(void)closedir(directory);
	if (uppers->count > 0)
		qsort(uppers->list, uppers->count, sizeof *uppers->list, by_number);
	return result;
}

static int open_home(
	const struct booted *booted, const char *run, struct uppers *out, struct error *e)
{
	char path[STACK_NAME_SIZE + 16];
	const char *directory = run != NULL ? run : BOOTED_DIRECTORY;
	if (!booted->runs)
		return error_set(e, ERROR_MISSING, 0, "no stack runs here");
	SCOPED_FD top = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (top < 0)
		return error_errno(e, errno, "open %s", directory);
	SCOPED_FD state = openat(top, "state", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (state < 0 && errno == ENOENT)
		return error_set(e, ERROR_MISSING, 0, "this boot has no state partition");
	if (state < 0)
		return error_errno(e, errno, "open %s/state", directory);
	(void)snprintf(path, sizeof path, "plyboot/%s", booted->name);
	out->home_fd = open_directory(state, path, e);
	return out->home_fd < 0 ? error_wrap(e, "the state partition") : 0;
}

static int open_archive(struct uppers *out, struct error *e)
{
	int there = has(out->home_fd, "archive", e);
	if (there <= 0)
		return there;
	out->archive_fd = open_directory(out->home_fd, "archive", e);
	if (out->archive_fd < 0)
		return -1;
	if (flock(out->archive_fd, LOCK_EX) != 0)
		return error_errno(e, errno, "lock the archive");
	return read_archive(out, e);
}

int uppers_open(const struct booted *booted, const char *run, struct uppers *out, struct error *e)
{
	SCOPED_UPPERS uppers = UPPERS_INIT;
	if (open_home(booted, run, &uppers, e) != 0 || open_archive(&uppers, e) != 0)
		return -1;
	*out = uppers;
	uppers = (struct uppers)UPPERS_INIT;
	return 0;
}

void uppers_close(struct uppers *uppers)
{
	scope_close(&uppers->home_fd);
	scope_close(&uppers->archive_fd);
	free(uppers->list);
	*uppers = (struct uppers)UPPERS_INIT;
}

struct archived_upper *uppers_find(const struct uppers *uppers, unsigned long number)
{
	for (size_t i = 0; i < uppers->count; i++)
		if (uppers->list[i].number == number)
			return &uppers->list[i];
	return NULL;
}

/* --- how much it is */

struct measuring {
	int top_fd;
	struct path_list directories;
	struct upper_amount amount;
};

static void count_bytes(struct measuring *self, const struct stat *st)
{
	uint64_t bytes = (uint64_t)st->st_blocks * 512;
	self->amount.bytes +=
		S_ISDIR(st->st_mode) || st->st_nlink == 0 ? bytes : bytes / st->st_nlink;
}

static int count_name(
	struct measuring *self, int dir_fd, const char *path, const char *name, struct error *e)
{
	struct stat st;
	char below[LIMIT_PATH_BYTES + 256 + 1];
	self->amount.files++;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0 : error_errno(e, errno, "look at %s", name);
	count_bytes(self, &st);
	int length = snprintf(below, sizeof below, "%s/%s", path, name);
	if (!S_ISDIR(st.st_mode) || length >= (int)LIMIT_PATH_BYTES)
		return 0;
	return path_list_add(&self->directories, below, 0, e);
}

static int count_directory(struct measuring *self, const char *path, struct error *e)
{
	const struct dirent *entry;
	int result = 0, fd = open_directory(self->top_fd, path, e);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	if (directory == NULL) {
		scope_close(&fd);
		return fd < 0 ? -1 : error_errno(e, errno, "read %s", path);
	}
	while (result == 0 && (entry = readdir(directory)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			result = count_name(self, fd, path, entry->d_name, e);
	(void)closedir(directory);
	return result;
}

int uppers_measure(const struct uppers *uppers, const struct archived_upper *upper,
	struct upper_amount *out, struct error *e)
{
	struct stat st;
	struct measuring self = {.directories = {.count = 0}};
	SCOPED_FD fd = open_number(uppers, upper->number, e);
	if (fd < 0)
		return -1;
	self.top_fd = fd;
	/* When it was renamed: nothing else has changed it since then. */
	if (fstatat(fd, "upper", &st, AT_SYMLINK_NOFOLLOW) != 0)
		return error_errno(e, errno, "look at number %lu", upper->number);
	self.amount.archived = st.st_ctime;
	count_bytes(&self, &st);
	int result = path_list_add(&self.directories, "upper", 0, e);
	for (size_t i = 0; result == 0 && i < self.directories.count; i++)
		result = count_directory(&self, self.directories.items[i].path, e);
	path_list_free(&self.directories);
	if (result == 0)
		*out = self.amount;
	return result;
}

/* --- changes */

int uppers_ask(
	const struct uppers *uppers, struct archived_upper *upper, bool wanted, struct error *e)
{
	SCOPED_FD dir = open_number(uppers, upper->number, e);
	if (dir < 0)
		return -1;
	if (!wanted && unlinkat(dir, ASIDE_REQUEST, 0) != 0)
		return error_errno(e, errno, "take back what was asked for");
	if (wanted) {
		SCOPED_FD fd = openat(dir, ASIDE_REQUEST,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0)
			return error_errno(e, errno, "ask for number %lu", upper->number);
	}
	if (fsync(dir) != 0)
		return error_errno(e, errno, "write it to the disk");
	upper->asked = wanted;
	return 0;
}

int uppers_remove(const struct uppers *uppers, const struct archived_upper *upper, struct error *e)
{
	static const char dropped[] = "dropped"; /* /init removes it as well */
	char name[16];
	(void)snprintf(name, sizeof name, "%lu", upper->number);
	if (store_remove(uppers->home_fd, dropped, e) != 0)
		return -1;
	if (renameat(uppers->archive_fd, name, uppers->home_fd, dropped) != 0 ||
		fsync(uppers->home_fd) != 0 || fsync(uppers->archive_fd) != 0)
		return error_errno(e, errno, "remove number %lu", upper->number);
	return store_remove(uppers->home_fd, dropped, e);
}

bool uppers_is_free(const struct archived_upper *upper)
{
	return !upper->aside && !upper->asked;
}

int uppers_remove_all(const struct uppers *uppers, bool dry_run, struct error *e)
{
	for (size_t i = 0; i < uppers->count; i++) {
		const struct archived_upper *upper = &uppers->list[i];
		if (!uppers_is_free(upper)) {
			printf("archived upper %lu stays: it is %s\n", upper->number,
				upper->asked ? "asked for" : "set aside");
			continue;
		}
		if (!dry_run && uppers_remove(uppers, upper, e) != 0)
			return -1;
		printf("archived upper %lu %s\n", upper->number,
			dry_run ? "would be removed" : "removed");
	}
	return 0;
}

#include "run_sweep.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "../layers/digest.h"
#include "../layers/scope.h"
#include "../layers/store.h"

struct aged {
	char name[DIGEST_HEX + 1];
	struct timespec used;
	uint64_t bytes;
};

struct aged_list {
	size_t count;
	struct aged *items;
};

void run_sweep_remove(int cache_fd, const char *name)
{
	struct error ignored;
	SCOPED_FD fd = openat(cache_fd, name, O_DIRECTORY | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0)
		return;
	if (store_remove(cache_fd, name, &ignored) != 0)
		(void)unlinkat(cache_fd, name, 0);
}

/* What its files take on the disk; of a package's modules, the directories below count, too. */
static uint64_t bytes_in(int dir_fd, const char *name, int depth)
{
	uint64_t bytes = 0;
	int fd = openat(dir_fd, name, O_DIRECTORY | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	if (dir == NULL) {
		scope_close(&fd);
		return 0;
	}
	while ((entry = readdir(dir)) != NULL) {
		struct stat st;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
			fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		bytes += (uint64_t)st.st_blocks * 512;
		if (S_ISDIR(st.st_mode) && depth > 0)
			bytes += bytes_in(dirfd(dir), entry->d_name, depth - 1);
	}
	(void)closedir(dir);
	return bytes;
}

static bool is_entry(const char *name)
{
	return strlen(name) == DIGEST_HEX && strspn(name, "0123456789abcdef") == DIGEST_HEX;
}

static void note(struct aged_list *list, int cache_fd, const char *name)
{
	enum { DEPTH = 16 };
	struct stat st;
	struct aged *items = reallocarray(list->items, list->count + 1, sizeof *items);
	if (items == NULL)
		return;
	list->items = items;
	if (fstatat(cache_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	struct aged *item = &items[list->count++];
	memcpy(item->name, name, DIGEST_HEX + 1);
	item->used = st.st_mtim;
	item->bytes = bytes_in(cache_fd, name, DEPTH);
}

static int compare_ages(const void *a, const void *b)
{
	const struct timespec *x = &((const struct aged *)a)->used;
	const struct timespec *y = &((const struct aged *)b)->used;
	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? -1 : 1;
	return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

static void make_room(int cache_fd, struct aged_list *list, uint64_t most_bytes)
{
	uint64_t total = 0;
	for (size_t i = 0; i < list->count; i++)
		total += list->items[i].bytes;
	if (list->count > 1)
		qsort(list->items, list->count, sizeof list->items[0], compare_ages);
	for (size_t i = 0; i < list->count && total > most_bytes; i++) {
		run_sweep_remove(cache_fd, list->items[i].name);
		if (faccessat(cache_fd, list->items[i].name, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
			total -= list->items[i].bytes;
	}
}

static void sweep(int cache_fd, uint64_t most_bytes)
{
	struct aged_list list = {0};
	int own = openat(cache_fd, ".", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	DIR *dir = own < 0 ? NULL : fdopendir(own);
	const struct dirent *entry;
	if (dir == NULL) {
		scope_close(&own);
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (scratch_has_name(entry->d_name))
			run_sweep_remove(cache_fd, entry->d_name); /* unless its maker lives */
		else if (is_entry(entry->d_name))
			note(&list, cache_fd, entry->d_name);
	}
	(void)closedir(dir);
	make_room(cache_fd, &list, most_bytes);
	free(list.items);
}

int run_sweep_lock(int cache_fd, struct error *e)
{
	SCOPED_FD lock = openat(cache_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0 || flock(lock, LOCK_EX) != 0)
		return error_errno(e, errno, "lock the cache");
	return scope_take_fd(&lock);
}

int run_sweep_begin(int cache_fd, uint64_t most_bytes, struct scratch *out, struct error *e)
{
	SCOPED_FD lock = run_sweep_lock(cache_fd, e);
	if (lock < 0)
		return -1;
	sweep(cache_fd, most_bytes);
	if (scratch_open_in(cache_fd, out, e) != 0)
		return -1;
	if (flock(out->fd, LOCK_EX) != 0) {
		(void)error_errno(e, errno, "lock a directory of the cache");
		scratch_remove(out);
		return -1;
	}
	return 0;
}

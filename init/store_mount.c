#include "store_mount.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "console.h"
#include "files.h"
#include "meminfo.h"
#include "need.h"
#include "scope.h"
#include "store.h"
#include "syscalls.h"

static const unsigned long flags = MS_NOSUID | MS_NODEV;

static uint64_t add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

bool store_mount_has(const struct store_mount *store, const struct digest *id)
{
	char name[DIGEST_HEX + 1];
	struct stat st;
	digest_format_hex(id, name);
	return store->fd >= 0 && fstatat(store->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

struct in_store {
	const struct store_mount *store;
	const struct digest *ids;
};

static bool is_there(const void *context, size_t index)
{
	const struct in_store *in = context;
	return store_mount_has(in->store, &in->ids[index]);
}

static int check_room(const struct need *need, struct error *e)
{
	const uint64_t mib = 1024 * 1024;
	uint64_t available;
	uint64_t wanted = need_bytes(need);
	SCOPED_FREE char *text = NULL;
	size_t size_bytes;
	if (files_read(AT_FDCWD, "/proc/meminfo", 65536, &text, &size_bytes, e) != 0)
		return -1;
	if (!meminfo_bytes(text, "MemAvailable", &available))
		return error_set(e, ERROR_KERNEL, 0, "/proc/meminfo has no line MemAvailable");
	console_debug("store: %llu MiB wanted, %llu MiB of memory available",
		(unsigned long long)(wanted / mib), (unsigned long long)(available / mib));
	if (wanted > available)
		return error_set(e, ERROR_NOSPACE, 0,
			"the layers need %llu MiB of memory, %llu MiB are available",
			(unsigned long long)(wanted / mib + 1),
			(unsigned long long)(available / mib));
	return 0;
}

/* Huge pages save a quarter of the unpacking; a kernel without them says EINVAL. */
static int mount_first(struct store_mount *store, const char *size, struct error *e)
{
	char options[128];
	if (mkdir(STORE_MOUNT_PATH, 0700) != 0 && errno != EEXIST)
		return error_errno(e, errno, "make " STORE_MOUNT_PATH);
	(void)snprintf(options, sizeof options, "mode=0700,huge=within_size,%s", size);
	if (mount("plyboot-store", STORE_MOUNT_PATH, "tmpfs", flags, options) != 0) {
		(void)snprintf(options, sizeof options, "mode=0700,%s", size);
		if (mount("plyboot-store", STORE_MOUNT_PATH, "tmpfs", flags, options) != 0)
			return error_set(
				e, ERROR_KERNEL, errno, "mount the store's tmpfs (%s)", options);
	}
	store->fd = open(STORE_MOUNT_PATH, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (store->fd < 0)
		return error_errno(e, errno, "open " STORE_MOUNT_PATH);
	return 0;
}

static bool is_one_of(const char *name, const struct digest *ids, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char id[DIGEST_HEX + 1];
		digest_format_hex(&ids[i], id);
		if (strcmp(name, id) == 0)
			return true;
	}
	return false;
}

void store_mount_drop_others(
	struct store_mount *store, const struct digest *ids, size_t count, const char *synthetic)
{
	int fd = store->fd < 0 ? -1 : openat(store->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		struct error why;
		if (entry->d_name[0] == '.' || strcmp(entry->d_name, synthetic) == 0 ||
			is_one_of(entry->d_name, ids, count))
			continue;
		console_debug("store: %.12s is not needed any more", entry->d_name);
		if (store_remove(store->fd, entry->d_name, &why) != 0)
			console_debug("store: %s", why.text);
	}
	if (directory != NULL)
		(void)closedir(directory);
}

int store_mount_prepare(struct store_mount *store, const struct stack *stack,
	const struct digest *ids, struct error *e)
{
	const struct in_store in = {.store = store, .ids = ids};
	struct need need =
		need_of(stack, (uint64_t)sysconf(_SC_PAGESIZE), store->cpus, is_there, &in);
	struct statfs used = {0};
	char size[80];
	if (check_room(&need, e) != 0) {
		store_mount_drop_others(store, ids, stack->layer_count, "");
		if (check_room(&need, e) != 0)
			return -1;
	}
	if (store->fd >= 0 && fstatfs(store->fd, &used) != 0)
		return error_errno(e, errno, "statfs of the store");
	uint64_t bytes = (uint64_t)(used.f_blocks - used.f_bfree) * (uint64_t)used.f_bsize;
	uint64_t inodes = (uint64_t)(used.f_files - used.f_ffree);
	/* In range: check_room held the sum against real memory. */
	(void)snprintf(size, sizeof size, "size=%llu,nr_inodes=%llu",
		(unsigned long long)add(bytes, need.tmpfs_bytes),
		(unsigned long long)add(inodes, need.inodes));
	if (store->fd < 0)
		return mount_first(store, size, e);
	if (mount(NULL, STORE_MOUNT_PATH, NULL, MS_REMOUNT | flags, size) != 0)
		return error_set(e, ERROR_KERNEL, errno, "enlarge the store (%s)", size);
	return 0;
}

int store_mount_freeze(struct store_mount *store, struct error *e)
{
	(void)store;
	if (mount(NULL, STORE_MOUNT_PATH, NULL, MS_REMOUNT | MS_RDONLY | flags, NULL) != 0)
		return error_set(e, ERROR_KERNEL, errno, "make the store read-only");
	return 0;
}

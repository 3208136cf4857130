/* init/store_mount.c, and the catalogue's "needs more than the store or the RAM": NOSPACE with both
 * numbers, before anything is mounted. In a mount namespace of its own. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "errors.h"
#include "init/files.h"
#include "init/store_mount.h"
#include "init/meminfo.h"

static const uint64_t mib = 1024 * 1024;

static struct layer_record layers[LIMIT_LAYERS];
static struct digest ids[LIMIT_LAYERS];

static struct stack stack_of(size_t count, uint64_t unpacked_bytes, uint64_t entries)
{
	for (size_t i = 0; i < count; i++) {
		layers[i] = (struct layer_record){.unpacked_bytes = unpacked_bytes,
			.entries = entries,
			.largest_piece_bytes = 4096};
		ids[i] = (struct digest){{(uint8_t)i, (uint8_t)(i >> 8)}};
	}
	return (struct stack){.layer_count = count, .layers = layers};
}

static uint64_t available_mib(void)
{
	char *text = NULL;
	size_t size;
	uint64_t bytes = 0;
	if (files_read(AT_FDCWD, "/proc/meminfo", 65536, &text, &size, NULL) != 0 ||
		!meminfo_bytes(text, "MemAvailable", &bytes))
		abort();
	free(text);
	return bytes / mib;
}

static bool is_mounted(void)
{
	struct statfs fs;
	struct stat here, above;
	return statfs(STORE_MOUNT_PATH, &fs) == 0 && stat(STORE_MOUNT_PATH, &here) == 0 &&
	       stat("/run/plyboot", &above) == 0 && here.st_dev != above.st_dev;
}

/* What is wanted is in the message, and what there is, to within what others use meanwhile. */
static void refuses_what_does_not_fit(size_t count, uint64_t unpacked_bytes, uint64_t entries)
{
	struct store_mount store = {.fd = -1};
	struct stack stack = stack_of(count, unpacked_bytes, entries);
	struct error e = {0};
	uint64_t least = count * (unpacked_bytes + entries * LIMIT_ENTRY_KERNEL_BYTES) / mib;
	unsigned long long wanted = 0, available = 0;
	uint64_t before = available_mib();
	error_is(store_mount_prepare(&store, &stack, ids, &e), &e, ERROR_NOSPACE,
		"catalogue: limits: needs more than the RAM, %zu layers: NOSPACE", count);
	uint64_t after = available_mib(), low = before < after ? before : after,
		 high = before < after ? after : before;
	int numbers = sscanf(e.text, "the layers need %llu MiB of memory, %llu MiB are available",
		&wanted, &available);
	ok(numbers == 2 && wanted > least && wanted < least + 32 && available * 10 > low * 8 &&
			available * 8 < high * 10,
		"... with both numbers: %s", e.text);
	ok(store.fd == -1 && !is_mounted(), "... and nothing is mounted");
}

static void takes_what_fits(void)
{
	struct store_mount store = {.fd = -1};
	struct stack stack = stack_of(2, mib, 100);
	struct error e = {0};
	struct statfs fs;
	bool good = store_mount_prepare(&store, &stack, ids, &e) == 0;
	ok(good && store.fd >= 0 && is_mounted(), "... its twin, which fits, has its store %s",
		e.text);
	ok(good && fstatfs(store.fd, &fs) == 0 &&
			(uint64_t)fs.f_blocks * (uint64_t)fs.f_bsize >= 2 * mib &&
			(uint64_t)fs.f_blocks * (uint64_t)fs.f_bsize < 16 * mib &&
			fs.f_files >= 200,
		"... of a size that has room for it");
	int fd = openat(store.fd, "full", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ok(fd >= 0 && ftruncate(fd, 2 * (off_t)mib) == 0 &&
			posix_fallocate(fd, 0, 2 * (off_t)mib) == 0,
		"... which holds what is signed");
	ok(posix_fallocate(fd, 0, 64 * (off_t)mib) == ENOSPC, "... and not much more");
	(void)close(fd);
	(void)close(store.fd);
	(void)umount(STORE_MOUNT_PATH);
}

int main(void)
{
	if (geteuid() != 0) {
		printf("1..0 # SKIP needs root\n");
		return 0;
	}
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
		mount("test", "/run", "tmpfs", 0, NULL) != 0 || mkdir("/run/plyboot", 0755) != 0)
		abort();
	/* What it says on the console is not part of it. */
	int silent = open("/dev/null", O_WRONLY | O_CLOEXEC);
	(void)dup2(silent, 2);
	(void)close(silent);
	refuses_what_does_not_fit(LIMIT_LAYERS, LIMIT_LAYER_UNPACKED_BYTES, 1);
	refuses_what_does_not_fit(LIMIT_LAYERS, 0, LIMIT_LAYER_ENTRIES);
	takes_what_fits();
	return done();
}

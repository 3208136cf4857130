/*
 * A directory on tmpfs that a target unpacks in, with canaries round the destination, and the look
 * afterwards that finds whatever was made or changed outside of it:
 *
 *     canary/file, canary/directory/file, canary/link    never to be touched
 *     work/beside                                        a file next to the destinations
 *     work/<name>                                        a destination
 *
 * As root the process has it as its "/" while it unpacks, so that absolute names and any number of
 * ".." lead to canaries too, and no bug can reach the machine's own files. The working directory
 * stays, for libFuzzer writes what crashed by a relative path. PLYBOOT_FUZZ_OPEN in the environment
 * leaves the root alone: then a crash can be shown with function names.
 */
#ifndef PLYBOOT_FUZZ_CANARIES_H
#define PLYBOOT_FUZZ_CANARIES_H

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "must.h"
#include "store.h"

enum { CANARIES = 8 };

static const char *const canary_paths[CANARIES] = {".", "canary", "canary/file", "canary/directory",
	"canary/directory/file", "canary/link", "work/beside", "work"};

static struct {
	char path[64];
	int fd, work_fd; /* the directory, and work/ in it */
	struct stat before[CANARIES];
	int root_fd, working_fd; /* of the process: -1 unless it may change its root */
} canaries = {.path = "/dev/shm/plyboot-fuzz.XXXXXX", .fd = -1, .root_fd = -1};

static inline void canaries_remove(void)
{
	struct error e = {0};
	must(store_remove(AT_FDCWD, canaries.path, &e) == 0);
}

static inline void canaries_make_file(const char *path)
{
	int fd = openat(canaries.fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	must(fd >= 0 && write(fd, "tweet", 5) == 5 && close(fd) == 0);
}

/* Whatever is done to a file, its ctime moves, if only to the clock's next tick; so does that of a
 * directory whose names change. */
static inline void canaries_look(struct stat now[CANARIES])
{
	for (int i = 0; i < CANARIES; i++)
		must(fstatat(canaries.fd, canary_paths[i], &now[i], AT_SYMLINK_NOFOLLOW) == 0);
}

static inline void canaries_open(void)
{
	if (canaries.fd >= 0)
		return;
	must(mkdtemp(canaries.path) != NULL && atexit(canaries_remove) == 0);
	canaries.fd = open(canaries.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(canaries.fd >= 0 && mkdirat(canaries.fd, "canary", 0750) == 0 &&
		mkdirat(canaries.fd, "canary/directory", 0700) == 0 &&
		mkdirat(canaries.fd, "work", 0755) == 0 &&
		symlinkat("file", canaries.fd, "canary/link") == 0);
	canaries_make_file("canary/file");
	canaries_make_file("canary/directory/file");
	canaries_make_file("work/beside");
	canaries.work_fd = openat(canaries.fd, "work", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(canaries.work_fd >= 0);
	canaries_look(canaries.before);
	must(usleep(20000) == 0); /* ticks of the clock that ctime is taken from */
	if (geteuid() != 0 || getenv("PLYBOOT_FUZZ_OPEN") != NULL)
		return;
	canaries.root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	canaries.working_fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	must(canaries.root_fd >= 0 && canaries.working_fd >= 0);
}

/* Run it where nothing else is to be seen. */
static inline void canaries_run(void (*job)(void *context), void *context)
{
	if (canaries.root_fd >= 0)
		must(chroot(canaries.path) == 0);
	job(context);
	if (canaries.root_fd >= 0)
		must(fchdir(canaries.root_fd) == 0 && chroot(".") == 0 &&
			fchdir(canaries.working_fd) == 0);
}

/* A new destination; the caller closes it. */
static inline int canaries_destination(const char *name)
{
	must(mkdirat(canaries.work_fd, name, 0700) == 0);
	int fd = openat(canaries.work_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(fd >= 0);
	return fd;
}

static inline bool canary_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_mode == b->st_mode && a->st_uid == b->st_uid &&
	       a->st_gid == b->st_gid && a->st_size == b->st_size && a->st_nlink == b->st_nlink &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Once the destinations are removed: nothing else may be there, and nothing have changed. Of work/
 * itself only the owner and mode, for destinations came and went in it. */
static inline void canaries_must_be_untouched(void)
{
	struct stat now[CANARIES];
	canaries_look(now);
	for (int i = 0; i < CANARIES - 1; i++)
		must(canary_same(&now[i], &canaries.before[i]));
	const struct stat *work = &now[CANARIES - 1], *before = &canaries.before[CANARIES - 1];
	must(work->st_mode == before->st_mode && work->st_uid == before->st_uid &&
		work->st_gid == before->st_gid && flistxattr(canaries.work_fd, NULL, 0) == 0);
	DIR *dir = fdopendir(openat(canaries.fd, "work", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	must(dir != NULL);
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
		must(strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
			strcmp(entry->d_name, "beside") == 0);
	must(closedir(dir) == 0);
}

#endif

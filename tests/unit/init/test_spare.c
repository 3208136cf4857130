/* init/spare.c: on a file system that is full, and on one where somebody was there before. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "errors.h"
#include "init/spare.h"

static const char place[] = "/run/full";

/* With so many inodes, its root's among them. */
static int mounted(const char *options)
{
	(void)umount2(place, MNT_DETACH);
	if (mkdir(place, 0755) != 0 && errno != EEXIST)
		abort();
	if (mount("test", place, "tmpfs", 0, options) != 0)
		abort();
	return open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int fill_inodes(int home)
{
	char name[16];
	for (int i = 0;; i++) {
		(void)snprintf(name, sizeof name, "f%d", i);
		int fd = openat(home, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0)
			return i;
		(void)close(fd);
	}
}

static void keeps_and_gives(void)
{
	struct stat st;
	struct error e = {0};
	int home = mounted("nr_inodes=30");
	error_is(spare_give(home, &e), &e, ERROR_MISSING, "nothing to give, to begin with");
	ok(spare_keep(home, &e) == 0, "some is kept: %s", e.text);
	ok(fstatat(home, "spare/7", &st, 0) == 0 && st.st_blocks * 512 == 4096,
		"... each of it a block");
	ok(fstatat(home, "spare/8", &st, 0) != 0 && errno == ENOENT, "... and no more than that");
	ok(spare_keep(home, &e) == 0, "... once");
	(void)fill_inodes(home);
	ok(fill_inodes(home) == 0, "the file system is full");
	ok(spare_give(home, &e) == 0, "it is given");
	ok(mkdirat(home, "one", 0700) == 0 && mkdirat(home, "two", 0700) == 0, "... and has use");
	error_is(spare_give(home, &e), &e, ERROR_MISSING, "what was given is gone");
	error_is(spare_keep(home, &e), &e, ERROR_NOSPACE, "what is free is kept, and that is less");
	ok(fill_inodes(home) == 0, "... all of it");
	ok(spare_give(home, &e) == 0, "... and is given again");
	(void)close(home);
}

static void follows_no_link(void)
{
	struct stat st;
	struct error e = {0};
	int home = mounted("nr_inodes=30");
	if (mkdirat(home, "elsewhere", 0700) != 0 || symlinkat("elsewhere", home, "spare") != 0)
		abort();
	error_is(spare_keep(home, &e), &e, ERROR_IO, "a link in its place");
	error_is(spare_give(home, &e), &e, ERROR_IO, "... to give by, either");
	ok(fstatat(home, "elsewhere/0", &st, 0) != 0, "... is not followed");
	if (unlinkat(home, "spare", 0) != 0 || mkdirat(home, "spare", 0700) != 0 ||
		symlinkat("../elsewhere/file", home, "spare/0") != 0)
		abort();
	ok(spare_keep(home, &e) == 0, "a link among the files");
	ok(fstatat(home, "elsewhere/file", &st, 0) != 0, "... is not followed");
	(void)close(home);
}

int main(void)
{
	if (geteuid() != 0) {
		printf("1..0 # SKIP needs root\n");
		return 0;
	}
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
		mount("test", "/run", "tmpfs", 0, NULL) != 0)
		abort();
	keeps_and_gives();
	follows_no_link();
	return done();
}

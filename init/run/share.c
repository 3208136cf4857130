#include "share.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../entry/surroundings.h"

/* Nothing is cached beyond what mmap(2) needs: the host may change the files meanwhile. With larger
 * messages than the kernel's 128 KiB of default, reading is faster. */
#define OPTIONS "trans=virtio,version=9p2000.L,cache=mmap,msize=262144"

/* How much of an absolute path is there. */
static size_t measure_existing(const char *path)
{
	char part[RUNPORT_MAX_PATH + 1];
	struct stat st;
	size_t there = 1;
	for (size_t length = 1; length <= strlen(path); length++) {
		if (path[length] != '/' && path[length] != '\0')
			continue;
		memcpy(part, path, length);
		part[length] = '\0';
		if (stat(part, &st) != 0)
			break;
		there = length;
	}
	return there;
}

static int mount_one(size_t i, struct job_share *share, struct error *e)
{
	char tag[32];
	unsigned long flags = MS_NODEV | MS_NOSUID | (share->writable ? 0 : MS_RDONLY);
	(void)snprintf(tag, sizeof tag, RUNPORT_SHARE_TAG "%zu", i);
	share->there_bytes = measure_existing(share->target);
	/* Also goes there, which makes what is missing. */
	if (surroundings_enter(share->target, e) != 0)
		return -1;
	if (mount(tag, share->target, "9p", flags, OPTIONS) == 0)
		return 0;
	if (errno == ENODEV)
		return error_set(e, ERROR_KERNEL, 0,
			"the kernel has no 9p: it needs NET_9P, NET_9P_VIRTIO and 9P_FS");
	return error_set(e, ERROR_KERNEL, errno, "mount the host's directory on %s", share->target);
}

int share_mount_all(struct job *job, struct error *e)
{
	for (size_t i = 0; i < job->share_count; i++) {
		if (mount_one(i, &job->shares[i], e) != 0)
			return -1;
	}
	return surroundings_enter("/", e);
}

/* On the root's own file system: what was made below another mount is not in its upper. */
static bool is_of_root(const char *path)
{
	struct stat root, st;
	return stat("/", &root) == 0 && lstat(path, &st) == 0 && st.st_dev == root.st_dev;
}

/* From the deepest up; slashes may be several. */
static void withdraw(const struct job_share *share)
{
	char path[RUNPORT_MAX_PATH + 1];
	size_t length = strlen(share->target);
	memcpy(path, share->target, length + 1);
	while (length > share->there_bytes && is_of_root(path) && rmdir(path) == 0) {
		while (length > 1 && path[length - 1] == '/')
			length--;
		while (length > 1 && path[length - 1] != '/')
			length--;
		while (length > 1 && path[length - 1] == '/')
			length--;
		path[length] = '\0';
	}
}

void share_withdraw_all(const struct job *job)
{
	static const char elsewhere[] = "/run/";
	for (size_t i = job->share_count; i > 0; i--) {
		const struct job_share *share = &job->shares[i - 1];
		if (strncmp(share->target, elsewhere, strlen(elsewhere)) == 0)
			continue;
		(void)umount2(share->target, MNT_DETACH); /* the command may have done it */
		withdraw(share);
	}
}

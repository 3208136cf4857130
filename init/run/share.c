#include "share.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mount.h>

#include "../entry/surroundings.h"

/* Nothing is cached beyond what mmap(2) needs: the host may change the files meanwhile. With larger
 * messages than the kernel's 128 KiB of default, reading is faster. */
#define OPTIONS "trans=virtio,version=9p2000.L,cache=mmap,msize=262144"

static int mount_one(size_t i, const struct job_share *share, struct error *e)
{
	char tag[32];
	unsigned long flags = MS_NODEV | MS_NOSUID | (share->writable ? 0 : MS_RDONLY);
	(void)snprintf(tag, sizeof tag, RUNPORT_SHARE_TAG "%zu", i);
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

int share_mount_all(const struct job *job, struct error *e)
{
	for (size_t i = 0; i < job->share_count; i++) {
		if (mount_one(i, &job->shares[i], e) != 0)
			return -1;
	}
	return surroundings_enter("/", e);
}

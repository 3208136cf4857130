/* What is mounted: /proc/self/mountinfo, proc_pid_mountinfo(5). */
#ifndef PLYBOOT_DOWN_MOUNTINFO_H
#define PLYBOOT_DOWN_MOUNTINFO_H

#include <stddef.h>

struct mount_point {
	const char *path;
	const char *type;
};

/* Split `text` in place, into at most `max` mounts that point into it, in its order: how many there
 * are. Lines that are none are passed over. With `out` NULL nothing is changed, and the number is
 * that of the lines: room enough. */
size_t mountinfo_parse(char *text, struct mount_point *out, size_t max);

/* So that none is before one that is mounted below it. */
void mountinfo_deepest_first(struct mount_point *mounts, size_t count);

#endif

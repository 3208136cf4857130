/* Directories of the host, by 9p. */
#ifndef PLYBOOT_RUN_SHARE_H
#define PLYBOOT_RUN_SHARE_H

#include "job.h"

/* Mount them all where the job says, in its order; what is missing of a target is made.
 * ERROR_KERNEL, ERROR_TYPE, ERROR_IO, ERROR_MISSING, ERROR_NOSPACE. */
int share_mount_all(struct job *job, struct error *e);

/* Take the mounts that lie in the root itself away again, with the directories that were made for
 * them: those that are still empty. */
void share_withdraw_all(const struct job *job);

#endif

/* A store in a plain tar, read in place: what `plyboot export --with-stack` writes, or `tar -cf
 * FILE.tar -C STORE .` */
#ifndef PLYBOOT_SOURCE_TAR_H
#define PLYBOOT_SOURCE_TAR_H

#include "../layers/source.h"

/* Takes `fd`, of a regular file, on success. ERROR_FORMAT: it has no file oci-layout, or one that
 * is no store's; errors of tar_members_list(). Its blobs can't be read any more once a signal came
 * (interrupt.h). */
int source_tar_open(int fd, struct source **out, struct error *e);

#endif

/* The layers partition as a source of stacks and blobs, without mounting it. */
#ifndef PLYBOOT_EXT4_SOURCE_H
#define PLYBOOT_EXT4_SOURCE_H

#include "../layers/source.h"
#include "ext4_read.h"

/* `fs` is copied; what it reads from stays the caller's, and must outlive the source. Errors of the
 * source are those of ext4_find() as well. ERROR_NOSPACE. */
int ext4_source_open(const struct ext4 *fs, struct source **out, struct error *e);

#endif

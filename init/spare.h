/*
 * overlayfs makes an inode or two of its own at each mount of an upper. On a state partition
 * without a free one it could not be mounted any more, and its owner would find nothing of what is
 * on it. So a few files are kept there, and given up for as long as the mount takes.
 */
#ifndef PLYBOOT_SPARE_H
#define PLYBOOT_SPARE_H

#include "error.h"

/* In a home on the state partition; those that are there stay. */
int spare_keep(int home, struct error *e);

/* They are gone. ERROR_MISSING when none were there. */
int spare_give(int home, struct error *e);

#endif

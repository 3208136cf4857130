/* From the initramfs to the new root. */
#ifndef PLYBOOT_HANDOVER_H
#define PLYBOOT_HANDOVER_H

#include "report.h"

/* Can `root` (a path) be handed over to? The init is there, a file, executable, found without
 * leaving the root; and so are the directories that the mounts go to (made where the root can be
 * written). Nothing has happened yet when this fails. ERROR_MISSING, ERROR_TYPE, ERROR_IO. */
int handover_check(const char *root, const char *init, struct error *e);

/* Carry the mounts over, make `root` the root, delete the initramfs, write the report, run the
 * init. Returns only when that failed, and then there is no way back. */
int handover_run(const char *root, const char *init, struct report *report, struct error *e);

#endif

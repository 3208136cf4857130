/* Files from this machine that go into an initramfs. */
#ifndef PLYBOOT_INITRAMFS_ADD_H
#define PLYBOOT_INITRAMFS_ADD_H

#include "../layers/ceilings.h"
#include "cpio.h"
#include "modules.h"

/* Where a module lies in the initramfs, without a leading slash: lib/modules/RELEASE/... without
 * .gz and .zst, for those are undone (the cpio is compressed as a whole). */
void initramfs_module_path(
	const struct modules *modules, const struct module *module, char out[LIMIT_PATH_BYTES + 1]);

/* Where it is on this machine: the caller's to free; NULL: no memory. An absolute path in
 * modules.dep is one of a module elsewhere. */
char *initramfs_module_source(const struct modules *modules, const struct module *module);

/* The chosen ones. */
int initramfs_add_modules(const struct modules *modules, struct cpio *cpio, struct error *e);

/* "SRC:DEST": a file, a symlink, or a directory with all that is in it; owners become 0:0. */
int initramfs_add_source(const char *text, struct cpio *cpio, struct error *e);

#endif

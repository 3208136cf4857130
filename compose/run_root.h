/* The root that `plyboot run` boots: a disk with one signed stack, and an initramfs that trusts its
 * key. */
#ifndef PLYBOOT_RUN_ROOT_H
#define PLYBOOT_RUN_ROOT_H

#include "run_cache.h"
#include "run_source.h"

struct run_root {
	const struct run_source *sources; /* bottom first; the caller's */
	size_t source_count;
	struct run_reading reading;
	const char *modules;  /* of the kernel, as modules_open() takes them; NULL: all built in */
	bool shares, network; /* which need modules of their own */
};

#define RUN_ROOT_DISK "disk"
#define RUN_ROOT_INITRAMFS "initramfs"

/*
 * Have it: the directory `out` then holds both files, from the cache, or made. On top of the
 * sources comes a layer with /.plyboot/run, the stack's init. The key that signs it is made for it,
 * and forgotten. ERROR_MISSING: no such program for the architecture, a module or a program that is
 * not there; and all that reading the sources has to say.
 */
int run_root_take(
	struct run_root *root, struct run_cache *cache, struct run_entry *out, struct error *e);

#endif

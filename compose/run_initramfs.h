/* The initramfs of a guest that runs one command: /init, one key, nothing kept. */
#ifndef PLYBOOT_RUN_INITRAMFS_H
#define PLYBOOT_RUN_INITRAMFS_H

#include <stdbool.h>

#include "../layers/digest.h"
#include "../layers/key.h"

#define RUN_INITRAMFS_STACK "run"

struct run_initramfs {
	const char *architecture;
	const char *modules; /* as modules_open() takes them; NULL: none */
	bool shares, network;
	const struct public_key *key;
};

/* Hash which modules it takes, and that they are the same files, without reading them.
 * ERROR_MISSING. */
int run_initramfs_identify(
	const struct run_initramfs *wanted, struct sha256 *hash, struct error *e);

/* Write it. ERROR_MISSING: no /init for the architecture, or no such module. */
int run_initramfs_write(
	const struct run_initramfs *wanted, int dir_fd, const char *name, struct error *e);

#endif

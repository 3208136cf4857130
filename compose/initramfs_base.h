/* What every initramfs of ours has: the directories and devices, a program that this command
 * carries, the keys that are trusted. Errors are those of cpio_add(). */
#ifndef PLYBOOT_INITRAMFS_BASE_H
#define PLYBOOT_INITRAMFS_BASE_H

#include "../layers/key.h"
#include "cpio.h"
#include "embedded.h"

int initramfs_add_base(struct cpio *cpio, struct error *e);

int initramfs_add_program(
	struct cpio *cpio, const char *path, const struct embedded *program, struct error *e);

int initramfs_add_key(struct cpio *cpio, const struct public_key *key, struct error *e);

#endif

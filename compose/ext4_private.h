/* What the two halves of reading an ext4 share: its structures (ext4_read.c), and where the blocks
 * of a file are (ext4_map.c). */
#ifndef PLYBOOT_EXT4_PRIVATE_H
#define PLYBOOT_EXT4_PRIVATE_H

#include "ext4_read.h"

/* A run of blocks of a file: `physical` 0 is a hole. */
struct ext4_run {
	uint64_t physical, blocks;
};

/* ERROR_FORMAT. Returns -1. */
int ext4_damaged(struct error *e, const char *what);

/* Bytes of one block. ERROR_FORMAT: there is no such block; ERROR_IO. */
int ext4_read_bytes(
	const struct ext4 *fs, uint64_t block, uint64_t at, void *to, size_t size, struct error *e);

/* The run that block `logical` of a file is in, from there on: at least one block, all within the
 * file system. `scratch` has room for a block. ERROR_FORMAT, ERROR_IO. */
int ext4_find_run(const struct ext4 *fs, const struct ext4_file *file, uint64_t logical,
	uint8_t *scratch, struct ext4_run *out, struct error *e);

#endif

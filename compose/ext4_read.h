/*
 * Files of an ext4 file system, without mounting it (Documentation/filesystems/ext4 of the kernel).
 * Read only, and strict: extents and block maps, directories by their entries one after another (as
 * those of a hash tree can be read, too), no symlink followed. Nothing that it reads is believed:
 * places and lengths are checked against the file system's size, every loop ends.
 */
#ifndef PLYBOOT_EXT4_READ_H
#define PLYBOOT_EXT4_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../layers/error.h"
#include "../layers/gpt.h"

enum { EXT4_ROOT = 2, EXT4_NAME_SIZE = 255 + 1, EXT4_MAX_BLOCK_BYTES = 65536 };

struct ext4 {
	gpt_read read; /* at a byte offset of the file system */
	void *context;
	uint64_t blocks, free_blocks;
	uint32_t block_bytes, inodes, free_inodes, inodes_per_group, inode_bytes, descriptor_bytes;
	uint32_t first_block, incompat, ro_compat;
};

/* Take the superblock of a file system in `size_bytes` bytes. ERROR_IO; ERROR_DEVICE: no ext4;
 * ERROR_SIZE: it is larger than that; ERROR_FORMAT: numbers that can't be. Features are for
 * ext4_unknown() and ext4_unread() to say. */
int ext4_open(gpt_read read, void *context, uint64_t size_bytes, struct ext4 *out, struct error *e);

/* Features that Linux 6.1 doesn't mount (`write`: to be written to). 0: none. */
uint32_t ext4_unknown(const struct ext4 *fs, bool write);

/* Features that Linux knows and this reader doesn't: nothing can be looked at. 0: none. */
uint32_t ext4_unread(const struct ext4 *fs);

/* Its journal has to be replayed first: what is read is older. (It is mounted, or was not
 * unmounted.) */
bool ext4_needs_replay(const struct ext4 *fs);

/* Linux mounts it read-only, whatever was asked for. */
bool ext4_is_readonly(const struct ext4 *fs);

struct ext4_file {
	uint32_t number;
	uint16_t mode; /* with its type */
	uint64_t size_bytes;
	bool has_extents;
	uint8_t map[60]; /* the root of their tree, or 15 numbers of blocks */
};

/* ERROR_IO, ERROR_FORMAT. */
int ext4_file(const struct ext4 *fs, uint32_t number, struct ext4_file *out, struct error *e);

/* Exactly so many bytes; holes are zeros. ERROR_SIZE: the file ends before; ERROR_IO, ERROR_FORMAT.
 * Several threads may. */
int ext4_read_at(const struct ext4 *fs, const struct ext4_file *file, uint64_t offset, void *buffer,
	size_t size_bytes, struct error *e);

/* Each name of a directory but "." and "..", until `visit` returns non-zero, which is returned. */
int ext4_list(const struct ext4 *fs, const struct ext4_file *directory,
	int (*visit)(void *context, const char *name, uint32_t number, struct error *e),
	void *context, struct error *e);

/* "a/b/c" from the root. ERROR_MISSING. */
int ext4_find(const struct ext4 *fs, const char *path, struct ext4_file *out, struct error *e);

#endif

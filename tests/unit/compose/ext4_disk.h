/* A file system made by hand: 64 blocks, one group, of 1 KiB or more each. The root has a file,
 * `file`, whose third block is a hole. */
#ifndef PLYBOOT_TEST_EXT4_DISK_H
#define PLYBOOT_TEST_EXT4_DISK_H

#include "compose/ext4_read.h"
#include "little_endian.h"
#include "tap.h"

enum { BLOCK = 1024, BLOCKS = 64, TABLE = 5, ROOT_BLOCK = 20, FILE_BLOCK = 30, FILE_INODE = 12 };
enum { FILE_BYTES = 2 * BLOCK + 5, SUPERBLOCK = 1024 };

static uint8_t disk[BLOCKS * EXT4_MAX_BLOCK_BYTES];
static uint32_t block_bytes = BLOCK;
static unsigned reads_left; /* the last of them fails; 0: none does */

static inline int read_disk(void *context, uint64_t offset, void *buffer, size_t size_bytes)
{
	uint64_t end = (uint64_t)BLOCKS * block_bytes;
	(void)context;
	if (reads_left > 0 && --reads_left == 0)
		return -1;
	if (offset > end || size_bytes > end - offset)
		return -1;
	memcpy(buffer, disk + offset, size_bytes);
	return 0;
}

static inline void put_u16(uint8_t *at, unsigned value)
{
	put_little_endian(at, 2, value);
}

static inline uint8_t *block(unsigned number)
{
	return disk + (size_t)number * block_bytes;
}

static inline uint8_t *inode(unsigned number)
{
	return block(TABLE) + (size_t)(number - 1) * 128;
}

/* A node of a tree: its entries are put behind it by put_extent() and put_index(). */
static inline void put_node(uint8_t *node, unsigned entries, unsigned depth)
{
	put_u16(node, 0xf30a);
	put_u16(node + 2, entries);
	put_u16(node + 4, 4);
	put_u16(node + 6, depth);
}

static inline void put_extent(
	uint8_t *node, unsigned number, uint32_t logical, uint32_t start, unsigned blocks)
{
	uint8_t *entry = node + 12 + (size_t)12 * number;
	put_u32(entry, logical);
	put_u16(entry + 4, blocks);
	put_u16(entry + 6, 0);
	put_u32(entry + 8, start);
}

static inline void put_index(uint8_t *node, unsigned number, uint32_t logical, uint32_t child)
{
	uint8_t *entry = node + 12 + (size_t)12 * number;
	put_u32(entry, logical);
	put_u32(entry + 4, child);
	put_u16(entry + 8, 0);
}

/* One extent, of so many blocks from `start`. */
static inline void put_inode(
	unsigned number, unsigned mode, uint32_t size, uint32_t start, unsigned blocks)
{
	uint8_t *to = inode(number);
	put_u16(to, mode);
	put_u32(to + 4, size);
	put_u32(to + 0x20, 0x80000);
	put_node(to + 0x28, 1, 0);
	put_extent(to + 0x28, 0, 0, start, blocks);
}

static inline uint8_t *put_name(uint8_t *to, uint32_t number, const char *name, unsigned length)
{
	put_u32(to, number);
	put_u16(to + 4, length);
	to[6] = (uint8_t)strlen(name);
	memcpy(to + 8, name, strlen(name));
	return to + length;
}

/* Of blocks of so many KiB, as a power of two. */
static inline void make_disk_of(unsigned log_block)
{
	uint8_t *sb = disk + SUPERBLOCK;
	block_bytes = 1024u << log_block;
	unsigned first = log_block == 0;
	memset(disk, 0, (size_t)BLOCKS * block_bytes);
	put_u32(sb, 32);
	put_u32(sb + 4, BLOCKS);
	put_u32(sb + 0xc, 20);
	put_u32(sb + 0x10, 10);
	put_u32(sb + 0x14, first);
	put_u32(sb + 0x18, log_block);
	put_u32(sb + 0x28, 32);
	put_u16(sb + 0x38, 0xef53);
	put_u16(sb + 0x3a, 1);
	put_u32(sb + 0x4c, 1);
	put_u16(sb + 0x58, 128);
	put_u32(sb + 0x60, 0x42); /* filetype, extents */
	put_u32(block(first + 1) + 8, TABLE);
	put_inode(EXT4_ROOT, 040755, block_bytes, ROOT_BLOCK, 1);
	put_inode(FILE_INODE, 0100644, 2 * block_bytes + 5, FILE_BLOCK, 2);
	memset(block(FILE_BLOCK), 'a', block_bytes);
	memset(block(FILE_BLOCK + 1), 'b', block_bytes);
	uint8_t *at = put_name(block(ROOT_BLOCK), EXT4_ROOT, ".", 12);
	at = put_name(at, EXT4_ROOT, "..", 12);
	put_name(at, FILE_INODE, "file", block_bytes - 24);
}

static inline void make_disk(void)
{
	make_disk_of(0);
}

static inline int open_disk(struct ext4 *fs, struct error *e)
{
	return ext4_open(read_disk, NULL, (uint64_t)BLOCKS * block_bytes, fs, e);
}

static inline int find(struct ext4_file *file, const char *path, struct error *e)
{
	struct ext4 fs;
	*e = (struct error){0};
	return open_disk(&fs, e) != 0 ? -1 : ext4_find(&fs, path, file, e);
}

/* What is wrong now is found when `file` is looked for and read; then all is as it was. */
static inline void refuses(enum error_code code, const char *name)
{
	uint8_t bytes[FILE_BYTES];
	struct ext4_file file;
	struct ext4 fs;
	struct error e;
	int result = find(&file, "file", &e);
	if (result == 0 && open_disk(&fs, &e) == 0)
		result = ext4_read_at(&fs, &file, 0, bytes, sizeof bytes, &e);
	ok(result == -1 && e.code == code && e.text[0] != '\0', "%s", name);
	make_disk();
}

#endif

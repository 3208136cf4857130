/* A file system made here by hand: 64 blocks of 1 KiB, one group; what is wrong with it is refused.
 * And one of as many blocks that mke2fs made, without extents. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "compose/ext4_read.h"
#include "little_endian.h"
#include "tap.h"

enum { BLOCK = 1024, BLOCKS = 64, TABLE = 5, FILE_INODE = 12 };

static uint8_t disk[BLOCKS * BLOCK];

static int read_disk(void *context, uint64_t offset, void *buffer, size_t size_bytes)
{
	(void)context;
	if (offset > sizeof disk || size_bytes > sizeof disk - offset)
		return -1;
	memcpy(buffer, disk + offset, size_bytes);
	return 0;
}

static void put_u16(uint8_t *at, unsigned value)
{
	put_little_endian(at, 2, value);
}

static uint8_t *inode(unsigned number)
{
	return disk + TABLE * BLOCK + (number - 1) * 128;
}

/* One extent, of so many blocks from `start`. */
static void put_inode(
	unsigned number, unsigned mode, uint32_t size, uint32_t start, unsigned blocks)
{
	uint8_t *to = inode(number);
	put_u16(to, mode);
	put_u32(to + 4, size);
	put_u32(to + 0x20, 0x80000);
	put_u16(to + 0x28, 0xf30a);
	put_u16(to + 0x2a, 1);
	put_u16(to + 0x2c, 4);
	put_u16(to + 0x28 + 16, blocks);
	put_u32(to + 0x28 + 20, start);
}

static uint8_t *put_name(uint8_t *to, uint32_t number, const char *name, unsigned length)
{
	put_u32(to, number);
	put_u16(to + 4, length);
	to[6] = (uint8_t)strlen(name);
	memcpy(to + 8, name, strlen(name));
	return to + length;
}

static void make_disk(void)
{
	uint8_t *sb = disk + 1024;
	memset(disk, 0, sizeof disk);
	put_u32(sb, 32);
	put_u32(sb + 4, BLOCKS);
	put_u32(sb + 0xc, 20);
	put_u32(sb + 0x10, 10);
	put_u32(sb + 0x14, 1);
	put_u32(sb + 0x28, 32);
	put_u16(sb + 0x38, 0xef53);
	put_u16(sb + 0x3a, 1);
	put_u32(sb + 0x4c, 1);
	put_u16(sb + 0x58, 128);
	put_u32(sb + 0x60, 0x42); /* filetype, extents */
	put_u32(disk + 2 * BLOCK + 8, TABLE);
	put_inode(EXT4_ROOT, 040755, BLOCK, 20, 1);
	put_inode(FILE_INODE, 0100644, 2 * BLOCK + 5, 30, 2); /* its third block is a hole */
	memset(disk + 30 * BLOCK, 'a', BLOCK);
	memset(disk + 31 * BLOCK, 'b', BLOCK);
	uint8_t *at = put_name(disk + 20 * BLOCK, EXT4_ROOT, ".", 12);
	at = put_name(at, EXT4_ROOT, "..", 12);
	put_name(at, FILE_INODE, "file", BLOCK - 24);
}

static int find(struct ext4_file *file, const char *path, struct error *e)
{
	struct ext4 fs;
	*e = (struct error){0};
	if (ext4_open(read_disk, NULL, sizeof disk, &fs, e) != 0)
		return -1;
	return ext4_find(&fs, path, file, e);
}

static void refuses(enum error_code code, const char *name)
{
	uint8_t bytes[2 * BLOCK + 5];
	struct ext4_file file;
	struct ext4 fs;
	struct error e;
	int result = find(&file, "file", &e);
	if (result == 0 && ext4_open(read_disk, NULL, sizeof disk, &fs, &e) == 0)
		result = ext4_read_at(&fs, &file, 0, bytes, sizeof bytes, &e);
	ok(result == -1 && e.code == code && e.text[0] != '\0', "%s", name);
	make_disk();
}

static void test_reading(void)
{
	uint8_t bytes[BLOCK + 10];
	struct ext4_file file;
	struct ext4 fs;
	struct error e;
	is_int(ext4_open(read_disk, NULL, sizeof disk, &fs, &e), 0, "a good file system");
	ok(fs.block_bytes == BLOCK && fs.free_blocks == 20 && fs.free_inodes == 10, "its numbers");
	ok(ext4_unknown(&fs, true) == 0 && ext4_unread(&fs) == 0, "no feature is unknown");
	ok(!ext4_needs_replay(&fs) && !ext4_is_readonly(&fs), "nothing is said of its journal");
	fs.incompat = 0x2;
	ok(ext4_unknown(&fs, true) == 0 && ext4_unread(&fs) == 0, "without extents: read, too");
	fs.incompat = 0x52;
	ok(ext4_unknown(&fs, true) == 0 && ext4_unread(&fs) == 0x10, "meta_bg: not read");
	fs.incompat = 0x46;
	ok(ext4_unread(&fs) == 0 && ext4_needs_replay(&fs), "a journal that was not replayed");
	fs.ro_compat = 0x1000;
	ok(ext4_unknown(&fs, true) == 0 && ext4_is_readonly(&fs), "marked as read-only");
	is_int(ext4_open(read_disk, NULL, sizeof disk, &fs, &e), 0, "again");
	is_int(find(&file, "file", &e), 0, "a file");
	ok(file.number == FILE_INODE && file.size_bytes == 2 * BLOCK + 5, "which it is");
	is_int(ext4_read_at(&fs, &file, BLOCK - 5, bytes, 10, &e), 0, "over two blocks");
	ok(memcmp(bytes, "aaaaabbbbb", 10) == 0, "what is there");
	is_int(ext4_read_at(&fs, &file, 2 * BLOCK - 1, bytes, 6, &e), 0, "into a hole");
	ok(memcmp(bytes, "b\0\0\0\0", 6) == 0, "which is zeros");
	ok(ext4_read_at(&fs, &file, 2 * BLOCK, bytes, 6, &e) == -1 && e.code == ERROR_SIZE,
		"behind the end");
	ok(find(&file, "fil", &e) == -1 && e.code == ERROR_MISSING, "part of a name");
	ok(find(&file, "file/x", &e) == -1 && e.code == ERROR_TYPE, "below a file");
	ok(ext4_open(read_disk, NULL, sizeof disk - 1, &fs, &e) == -1 && e.code == ERROR_SIZE,
		"larger than its partition");
	ok(ext4_open(read_disk, NULL, 2047, &fs, &e) == -1 && e.code == ERROR_DEVICE,
		"a partition without a superblock");
}

static void test_damage(void)
{
	uint8_t *sb = disk + 1024, *root = disk + 20 * BLOCK, *file = inode(FILE_INODE);
	sb[0x38] = 0;
	refuses(ERROR_DEVICE, "no magic");
	put_u32(sb + 0x18, 7);
	refuses(ERROR_FORMAT, "blocks of 128 KiB");
	put_u32(sb + 0x28, 0);
	refuses(ERROR_FORMAT, "groups without inodes");
	put_u16(sb + 0x58, 100);
	refuses(ERROR_FORMAT, "inodes of 100 bytes");
	put_u32(disk + 2 * BLOCK + 8, BLOCKS);
	refuses(ERROR_FORMAT, "an inode table outside");
	put_u32(root + 24, 33);
	refuses(ERROR_FORMAT, "a name of an inode that is none");
	put_u16(root + 4, 0);
	refuses(ERROR_FORMAT, "an entry of no length");
	put_u16(root + 28, BLOCK);
	refuses(ERROR_FORMAT, "an entry that leaves its block");
	root[24 + 8] = '/';
	refuses(ERROR_FORMAT, "a slash in a name");
	put_u32(inode(EXT4_ROOT) + 4, BLOCK + 1);
	refuses(ERROR_FORMAT, "a directory that is no whole number of blocks");
	put_u32(inode(EXT4_ROOT) + 0x6c, 1);
	refuses(ERROR_FORMAT, "a directory of 4 GiB");
	file[0x28] = 0;
	refuses(ERROR_FORMAT, "a node without its magic");
	put_u16(file + 0x2a, 5);
	refuses(ERROR_FORMAT, "more entries than have room");
	put_u16(file + 0x2e, 6);
	refuses(ERROR_FORMAT, "a tree that is too deep");
	put_u32(file + 0x28 + 20, BLOCKS - 1);
	refuses(ERROR_FORMAT, "an extent that leaves the file system");
	/* A node whose child is itself: the depth must go down. */
	put_u16(file + 0x2e, 1);
	put_u32(file + 0x28 + 16, 40);
	memcpy(disk + 40 * BLOCK, file + 0x28, 60);
	refuses(ERROR_FORMAT, "a tree that goes round");
}

/* --- block maps */

enum { PER_BLOCK = BLOCK / 4, SINGLE = 12, DOUBLE = SINGLE + PER_BLOCK };
static const uint64_t triple = DOUBLE + (uint64_t)PER_BLOCK * PER_BLOCK;

static uint8_t *map(void)
{
	return inode(FILE_INODE) + 0x28;
}

/* The file has no extents: its map is empty. */
static void unmap(uint32_t size_bytes)
{
	put_u32(inode(FILE_INODE) + 4, size_bytes);
	put_u32(inode(FILE_INODE) + 0x20, 0);
	memset(map(), 0, 60);
}

/* `size_bytes` bytes of a file at `offset` are those that `wanted` has. */
static void holds(
	const char *path, uint64_t offset, const char *wanted, size_t size_bytes, const char *name)
{
	char bytes[4 * BLOCK];
	struct ext4_file file;
	struct ext4 fs;
	struct error e = {0};
	int result = ext4_open(read_disk, NULL, sizeof disk, &fs, &e);
	if (result == 0)
		result = find(&file, path, &e);
	if (result == 0)
		result = ext4_read_at(&fs, &file, offset, bytes, size_bytes, &e);
	ok(result == 0 && memcmp(bytes, wanted, size_bytes) == 0, "%s%s", name, e.text);
}

static void test_map(void)
{
	unmap(14 * BLOCK);
	put_u32(map(), 30);
	put_u32(map() + 4, 31);
	put_u32(map() + 4 * 11, 31);
	put_u32(map() + 4 * SINGLE, 40);
	put_u32(disk + 40 * BLOCK + 4, 30);
	holds("file", BLOCK - 2, "aabb", 4, "a block behind another");
	holds("file", 2 * BLOCK - 2, "bb\0\0", 4, "a hole behind a block");
	holds("file", 12 * BLOCK - 2, "bb\0\0", 4, "the inode's last block, and a hole");
	holds("file", 13 * BLOCK - 2, "\0\0aa", 4, "a block in a block of numbers");
	put_u32(map() + 4 * SINGLE, 0);
	holds("file", 13 * BLOCK - 2, "\0\0\0\0", 4, "no block of numbers: a hole");
	make_disk();
	unmap(UINT32_MAX);
	holds("file", UINT32_MAX - 4, "\0\0\0\0", 4, "the last bytes of a long hole");
	put_u32(inode(FILE_INODE) + 0x6c, 3);
	holds("file", (triple << 10) + 5, "\0\0\0\0", 4, "a hole where there are three steps");
	make_disk();
}

static void test_map_damage(void)
{
	uint8_t *file = inode(FILE_INODE);
	static const uint32_t outside[] = {1, BLOCKS, UINT32_MAX};
	for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
		unmap(2 * BLOCK + 5);
		put_u32(map(), outside[i]);
		refuses(ERROR_FORMAT, "a block outside: the superblock, the next, the highest");
		unmap(BLOCK);
		put_u32(map() + 4, outside[i]);
		holds("file", 0, "\0\0\0", 4, "... that is not read does no harm");
		make_disk();
		unmap(14 * BLOCK);
		put_u32(map() + 4 * SINGLE, outside[i]);
		put_u32(file + 4, 13 * BLOCK);
		holds("file", 0, "\0\0\0", 4, "... nor does a block of numbers");
		make_disk();
	}
}

/* Read at `block` of the file: 1 where the map is refused for good. */
static bool refused_at(uint64_t block)
{
	char bytes[4];
	struct ext4_file file;
	struct ext4 fs;
	struct error e = {0};
	return ext4_open(read_disk, NULL, sizeof disk, &fs, &e) == 0 &&
	       find(&file, "file", &e) == 0 &&
	       ext4_read_at(&fs, &file, block * BLOCK, bytes, sizeof bytes, &e) == -1 &&
	       e.code == ERROR_FORMAT && e.text[0] != '\0';
}

/* At each depth, and at each step on the way. */
static void test_map_steps(void)
{
	static const uint64_t first[] = {0, SINGLE, DOUBLE, DOUBLE + PER_BLOCK * PER_BLOCK};
	for (unsigned depth = 1; depth <= 3; depth++) {
		for (unsigned bad = 0; bad <= depth; bad++) {
			unmap(UINT32_MAX);
			put_u32(map() + 4 * (SINGLE + depth - 1), bad == 0 ? BLOCKS : 40);
			for (unsigned step = 1; step <= depth; step++)
				put_u32(disk + (39 + step) * BLOCK,
					bad == step ? BLOCKS : 40 + step);
			ok(refused_at(first[depth]), "%u steps, the %u. leads outside", depth,
				bad + 1);
			make_disk();
		}
		/* Blocks of numbers that name themselves: as many steps as there are. */
		unmap(UINT32_MAX);
		put_u32(map() + 4 * (SINGLE + depth - 1), 40);
		put_u32(disk + 40 * BLOCK, 40);
		holds("file", first[depth] * BLOCK, "\50\0\0", 4, "a map that goes round ends");
		make_disk();
	}
	unmap(0);
	put_u32(inode(FILE_INODE) + 0x6c, 32);
	ok(refused_at(triple + (uint64_t)PER_BLOCK * PER_BLOCK * PER_BLOCK),
		"a block behind what three steps reach");
	make_disk();
	put_u32(inode(FILE_INODE) + 0x6c, 0x10000);
	ok(refused_at(UINT64_C(1) << 32), "a block behind what can be counted");
	make_disk();
}

/* mke2fs -t ext2, of `dense`, 15 blocks one behind the other, the last one cut, and `sparse`, which
 * has only the first and last block of what each step of the map reaches, and the first of the
 * third's. Each block has bytes of one kind: the block's number modulo 251, and 1. */
static void test_mke2fs(void)
{
	const uint64_t last = triple;
	const uint64_t there[] = {0, 11, SINGLE, DOUBLE - 1, DOUBLE, triple - 1, triple};
	char wanted[2 * BLOCK] = {0};
	int fd = open("tests/fuzz/corpus/ext4_read/indirect", O_RDONLY | O_CLOEXEC);
	if (read(fd, disk, sizeof disk) != (ssize_t)sizeof disk)
		abort();
	(void)close(fd);
	for (size_t i = 0; i < sizeof there / sizeof there[0]; i++) {
		const bool has_next =
			i + 1 < sizeof there / sizeof there[0] && there[i + 1] == there[i] + 1;
		memset(wanted, (int)(there[i] % 251 + 1), BLOCK);
		memset(wanted + BLOCK, has_next ? (int)(there[i + 1] % 251 + 1) : 0, BLOCK);
		holds("sparse", there[i] * BLOCK, wanted, there[i] == last ? BLOCK : 2 * BLOCK,
			"a block, and what is behind it");
	}
	for (int i = 0; i < 13; i++) {
		memset(wanted, i + 1, BLOCK);
		memset(wanted + BLOCK, i + 2, BLOCK);
		holds("dense", (uint64_t)i * BLOCK, wanted, 2 * BLOCK, "block behind block");
	}
	holds("a/b", 0, "b\n", 2, "a file in a directory");
}

int main(void)
{
	make_disk();
	test_reading();
	test_damage();
	test_map();
	test_map_damage();
	test_map_steps();
	test_mke2fs();
	return done();
}

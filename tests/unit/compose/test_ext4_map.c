/* Files without extents, of a file system made by hand, and of one as large that mke2fs made. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "ext4_disk.h"

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
	struct error e;
	int result = find(&file, path, &e);
	if (result == 0 && open_disk(&fs, &e) == 0)
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
	put_u32(map() + 4 * (SINGLE + 1), 40);
	put_u32(block(40), 41);
	put_u32(block(41), 30);
	holds("file", DOUBLE * BLOCK - 2, "\0\0aa", 4,
		"a hole of many blocks, from within, and a block");
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
	struct error e;
	return find(&file, "file", &e) == 0 && open_disk(&fs, &e) == 0 &&
	       ext4_read_at(&fs, &file, block * BLOCK, bytes, sizeof bytes, &e) == -1 &&
	       e.code == ERROR_FORMAT && e.text[0] != '\0';
}

/* The last block of all, and the one behind it, which is none. */
static void test_map_end(void)
{
	unmap(FILE_BYTES);
	put_u32(map(), BLOCKS - 1);
	put_u32(map() + 4, BLOCKS);
	memset(block(BLOCKS - 1), 'z', BLOCK);
	holds("file", BLOCK - 4, "zzzz", 4, "the file system's last block");
	refuses(ERROR_FORMAT, "... does not go on behind its end");
}

/* Each read may fail. */
static void test_map_reads(void)
{
	for (unsigned reads = 1, left = 0; left == 0; reads++) {
		uint8_t bytes[4];
		struct ext4_file file;
		struct ext4 fs;
		struct error e;
		unmap(14 * BLOCK);
		put_u32(map() + 4 * SINGLE, 40);
		put_u32(block(40) + 4, 30);
		reads_left = reads;
		int result = find(&file, "file", &e);
		if (result == 0)
			result = open_disk(&fs, &e);
		if (result == 0)
			result = ext4_read_at(&fs, &file, 13 * BLOCK, bytes, sizeof bytes, &e);
		left = reads_left;
		reads_left = 0;
		ok(left > 0 ? result == 0 : result == -1 && e.code == ERROR_IO, "read %u", reads);
		make_disk();
	}
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
	if (read(fd, disk, BLOCKS * BLOCK) != BLOCKS * BLOCK)
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
	test_map();
	test_map_damage();
	test_map_end();
	test_map_reads();
	test_map_steps();
	test_mke2fs();
	return done();
}

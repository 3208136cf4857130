/* A file system made here by hand: 64 blocks of 1 KiB, one group; what is wrong with it is refused.
 */
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
	ok(ext4_unknown(&fs, true) == 0 && ext4_unread(&fs) == 0x40, "without extents: not read");
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
	put_u32(file + 0x20, 0);
	refuses(ERROR_FORMAT, "a file without extents");
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

int main(void)
{
	make_disk();
	test_reading();
	test_damage();
	return done();
}

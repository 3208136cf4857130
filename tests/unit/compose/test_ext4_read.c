/* Files of a file system that was made by hand; what is wrong with it is refused. */
#include "ext4_disk.h"

static void test_reading(void)
{
	uint8_t bytes[BLOCK + 10];
	struct ext4_file file;
	struct ext4 fs;
	struct error e;
	is_int(open_disk(&fs, &e), 0, "a good file system");
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
	is_int(open_disk(&fs, &e), 0, "again");
	is_int(find(&file, "file", &e), 0, "a file");
	ok(file.number == FILE_INODE && file.size_bytes == FILE_BYTES, "which it is");
	is_int(ext4_read_at(&fs, &file, BLOCK - 5, bytes, 10, &e), 0, "over two blocks");
	ok(memcmp(bytes, "aaaaabbbbb", 10) == 0, "what is there");
	is_int(ext4_read_at(&fs, &file, 2 * BLOCK - 1, bytes, 6, &e), 0, "into a hole");
	ok(memcmp(bytes, "b\0\0\0\0", 6) == 0, "which is zeros");
	ok(ext4_read_at(&fs, &file, 2 * BLOCK, bytes, 6, &e) == -1 && e.code == ERROR_SIZE,
		"behind the end");
	ok(find(&file, "fil", &e) == -1 && e.code == ERROR_MISSING, "part of a name");
	ok(find(&file, "file/x", &e) == -1 && e.code == ERROR_TYPE, "below a file");
	ok(ext4_open(read_disk, NULL, BLOCKS * BLOCK - 1, &fs, &e) == -1 && e.code == ERROR_SIZE,
		"larger than its partition");
	ok(ext4_open(read_disk, NULL, 2047, &fs, &e) == -1 && e.code == ERROR_DEVICE,
		"a partition without a superblock");
}

static void test_damage(void)
{
	uint8_t *sb = disk + 1024, *root = block(ROOT_BLOCK), *file = inode(FILE_INODE);
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

int main(void)
{
	make_disk();
	test_reading();
	test_damage();
	return done();
}

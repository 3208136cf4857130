/* Directories of an ext4 file system, each length in them at both ends of what it may be. */
#include "ext4_disk.h"

static unsigned names_seen;

static int see(void *context, const char *name, uint32_t number, struct error *e)
{
	(void)e;
	names_seen++;
	return strcmp(name, context) == 0 ? (int)number : 0;
}

/* What ext4_list() of the root gives: the number of `name`, 0 when it isn't there, -1 for what is
 * refused as damage. */
static int lists(const char *name)
{
	struct ext4 fs;
	struct ext4_file root;
	struct error e;
	names_seen = 0;
	int result = -2;
	if (open_disk(&fs, &e) == 0 && ext4_file(&fs, EXT4_ROOT, &root, &e) == 0)
		result = ext4_list(&fs, &root, see, (void *)(uintptr_t)name, &e);
	if (result == -1 && e.code != ERROR_FORMAT)
		result = -(int)e.code;
	make_disk();
	return result;
}

static void entries(void)
{
	uint8_t *first = block(ROOT_BLOCK) + 24;
	char longest[EXT4_NAME_SIZE] = "";
	memset(longest, 'n', sizeof longest - 1);
	is_int(lists("file"), FILE_INODE, "a name");
	is_int(lists("other"), 0, "another");
	is_int((long long)names_seen, 1, "neither . nor .. is one");
	put_name(put_name(first, 7, longest, 264), 8, "x", BLOCK - 24 - 264);
	is_int(lists("x"), 8, "one behind the longest name");
	put_name(put_name(first, 7, longest, 264), 8, "x", BLOCK - 24 - 264);
	is_int(lists(longest), 7, "the longest name");
	put_name(first, 7, longest, 260);
	is_int(lists(longest), -1, "which leaves its entry");
	put_name(put_name(first, 7, "abcd", 12), 8, "x", BLOCK - 24 - 12);
	is_int(lists("abcd"), 7, "a name that fills its entry");
	put_name(put_name(first, 7, "abcde", 12), 8, "x", BLOCK - 24 - 12);
	is_int(lists("x"), -1, "one byte more");
	put_name(put_name(first, 7, "abc", 13), 8, "x", BLOCK - 24 - 13);
	is_int(lists("x"), -1, "an entry of no multiple of four");
	put_name(first, 7, "abc", 4);
	is_int(lists("x"), -1, "an entry shorter than its header");
	put_name(first, 7, "abc", BLOCK - 24 - 4);
	is_int(lists("x"), -1, "four bytes that are left");
	put_name(first, 7, "abc", BLOCK - 24 + 4);
	is_int(lists("x"), -1, "four bytes too many");
	put_name(first, 7, "abc", 65535);
	is_int(lists("x"), -1, "the mark of a large block in a small one");
	put_name(first, 0, "a/b", BLOCK - 24);
	is_int(lists("a/b"), 0, "an entry of no inode is none, whatever its name");
	put_name(first, 7, "", BLOCK - 24);
	is_int(lists("x"), -1, "an empty name");
	put_name(first, 7, "a/b", BLOCK - 24);
	is_int(lists("x"), -1, "a name with a slash");
	put_name(first, 7, "abc", BLOCK - 24);
	first[9] = '\0';
	is_int(lists("x"), -1, "a name with a NUL");
	put_name(first, 7, "...", BLOCK - 24);
	is_int(lists("..."), 7, "three dots are a name");
}

static void directories(void)
{
	struct ext4_file file;
	struct error e;
	put_u32(inode(EXT4_ROOT) + 4, 2 * BLOCK);
	put_u16(inode(EXT4_ROOT) + 0x28 + 16, 2);
	put_name(block(ROOT_BLOCK + 1), 9, "later", BLOCK);
	is_int(lists("later"), 9, "a name in the second block");
	put_u32(inode(EXT4_ROOT) + 4, 2 * BLOCK);
	is_int(lists("later"), -1, "a block of a directory that is a hole");
	put_u32(inode(EXT4_ROOT) + 4, 2 * BLOCK);
	is_int(lists("file"), FILE_INODE, "which is not looked at behind what is found");
	put_u32(inode(EXT4_ROOT) + 4, 0);
	is_int(lists("file"), 0, "a directory of no block");
	put_u32(inode(EXT4_ROOT) + 4, 16 * 1024 * 1024 + BLOCK);
	is_int(lists("other"), -1, "one of over 16 MiB");
	put_u16(inode(EXT4_ROOT), 0100644);
	is_int(lists("file"), -(int)ERROR_TYPE, "a root that is a file");
	put_inode(7, 040755, BLOCK, 50, 1);
	put_name(block(50), FILE_INODE, "deep", BLOCK);
	put_name(block(ROOT_BLOCK) + 24, 7, "dir", BLOCK - 24);
	ok(find(&file, "dir/deep", &e) == 0 && file.number == FILE_INODE, "a file in a directory");
	ok(find(&file, "dir/", &e) == 0 && file.number == 7, "a slash behind a directory");
	ok(find(&file, "", &e) == 0 && file.number == EXT4_ROOT, "nothing is the root");
	ok(find(&file, "dir//deep", &e) == -1 && e.code == ERROR_MISSING, "two slashes");
	ok(find(&file, "dir/..", &e) == -1 && e.code == ERROR_MISSING, "nothing leads upwards");
	ok(find(&file, "dirx", &e) == -1 && e.code == ERROR_MISSING, "a name that goes on");
	put_name(block(ROOT_BLOCK) + 24, 33, "dir", BLOCK - 24);
	ok(find(&file, "dir", &e) == -1 && e.code == ERROR_FORMAT &&
			strncmp(e.text, "dir: ", 5) == 0,
		"an inode that is none, by its path");
	put_u32(block(2) + 8, BLOCKS);
	ok(find(&file, "", &e) == -1 && e.code == ERROR_FORMAT, "no root");
	make_disk();
}

/* The lengths that stand for 65536. */
static void large_blocks(void)
{
	static const unsigned lengths[] = {0, 65535};
	struct ext4_file file;
	struct error e;
	make_disk_of(6);
	ok(find(&file, "file", &e) == 0 && file.number == FILE_INODE, "blocks of 64 KiB");
	for (size_t i = 0; i < 2; i++) {
		put_name(block(ROOT_BLOCK), FILE_INODE, "whole", lengths[i]);
		ok(find(&file, "whole", &e) == 0, "an entry of a whole block: %u", lengths[i]);
		ok(find(&file, "file", &e) == -1 && e.code == ERROR_MISSING, "nothing behind it");
	}
	put_name(block(ROOT_BLOCK), FILE_INODE, "whole", 12);
	put_name(block(ROOT_BLOCK) + 12, FILE_INODE, "rest", 65535);
	ok(find(&file, "other", &e) == -1 && e.code == ERROR_FORMAT,
		"a whole block is more than is left");
	make_disk();
}

/* A root of so many blocks of 64 KiB, all of them the same one. */
static void make_long_root(unsigned blocks)
{
	make_disk_of(6);
	uint8_t *root = inode(EXT4_ROOT);
	put_u32(root + 4, blocks * block_bytes);
	put_node(root + 0x28, 1, 1);
	put_index(root + 0x28, 0, 0, 40);
	put_node(block(40), blocks, 0);
	for (unsigned i = 0; i < blocks; i++)
		put_extent(block(40), i, i, ROOT_BLOCK, 1);
}

static void long_directories(void)
{
	make_long_root(256);
	is_int(lists("other"), 0, "a directory of 16 MiB");
	is_int((long long)names_seen, 256, "all of it");
	make_long_root(257);
	is_int(lists("other"), -1, "one block more");
	is_int((long long)names_seen, 0, "of which nothing is read");
}

int main(void)
{
	make_disk();
	entries();
	directories();
	large_blocks();
	long_directories();
	return done();
}

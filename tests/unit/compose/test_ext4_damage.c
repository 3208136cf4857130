/* Each number of an ext4 file system at both ends of what it may be, trees of extents,
 * and reads that fail. */
#include "ext4_disk.h"

static uint8_t *sb = disk + SUPERBLOCK;

/* What opening it comes to: ERROR_NONE when it is taken. The disk is made anew. */
static void opens(enum error_code code, const char *name)
{
	struct ext4 fs = {.blocks = 99};
	struct error e = {.code = ERROR_NONE};
	int result = open_disk(&fs, &e);
	ok(e.code == code && result == (code == ERROR_NONE ? 0 : -1) &&
			(result == 0 || fs.blocks == 99),
		"%s", name);
	make_disk();
}

static void numbers(void)
{
	put_u32(sb, 10);
	opens(ERROR_FORMAT, "too few inodes for a root");
	put_u32(sb, 11);
	opens(ERROR_NONE, "just enough");
	put_u32(sb + 0x28, BLOCK * 8);
	opens(ERROR_NONE, "as many inodes in a group as its bitmap has bits");
	put_u32(sb + 0x28, BLOCK * 8 + 1);
	opens(ERROR_FORMAT, "one more");
	put_u16(sb + 0x58, 64);
	opens(ERROR_FORMAT, "inodes of 64 bytes");
	put_u16(sb + 0x58, 384);
	opens(ERROR_FORMAT, "inodes of no power of two");
	put_u16(sb + 0x58, BLOCK);
	opens(ERROR_NONE, "inodes as large as a block");
	put_u16(sb + 0x58, 2 * BLOCK);
	opens(ERROR_FORMAT, "inodes larger than a block");
	put_u32(sb + 0x4c, 0);
	put_u16(sb + 0x58, 0);
	opens(ERROR_NONE, "of the first revision, whose inodes have 128 bytes");
	put_u32(sb + 4, 0);
	opens(ERROR_FORMAT, "no blocks");
	put_u32(sb + 0x14, 2);
	opens(ERROR_FORMAT, "a third block that is the first");
	put_u32(sb + 0x18, UINT32_MAX);
	opens(ERROR_FORMAT, "blocks of 2^4294967305 bytes");
	put_u32(sb + 4, BLOCKS + 1);
	opens(ERROR_SIZE, "one block more than the partition has");
	put_u32(sb + 4, UINT32_MAX);
	opens(ERROR_SIZE, "4 TiB");
	reads_left = 1;
	opens(ERROR_IO, "a superblock that can't be read");
	struct ext4 fs;
	struct error e;
	ok(ext4_open(read_disk, NULL, 2 * BLOCK - 1, &fs, &e) == -1 && e.code == ERROR_DEVICE,
		"half of a superblock");
	ok(ext4_open(read_disk, NULL, 2 * BLOCK, &fs, &e) == -1 && e.code == ERROR_SIZE,
		"a superblock alone");
}

/* Of 64 bits: descriptors of another size, and the upper halves of numbers. */
static void descriptors(void)
{
	static const struct {
		unsigned bytes;
		enum error_code code;
	} sizes[] = {{0, ERROR_FORMAT}, {16, ERROR_FORMAT}, {32, ERROR_FORMAT}, {63, ERROR_FORMAT},
		{64, ERROR_NONE}, {96, ERROR_FORMAT}, {1024, ERROR_NONE}, {2048, ERROR_FORMAT},
		{65535, ERROR_FORMAT}};
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		put_u32(sb + 0x60, 0xc2);
		put_u16(sb + 0xfe, sizes[i].bytes);
		char name[40];
		(void)snprintf(name, sizeof name, "descriptors of %u bytes", sizes[i].bytes);
		opens(sizes[i].code, name);
	}
	put_u32(sb + 0x60, 0xc2);
	put_u16(sb + 0xfe, 64);
	put_u32(sb + 0x150, 1);
	opens(ERROR_SIZE, "4 TiB and 64 blocks");
	put_u32(sb + 0x150, 1);
	opens(ERROR_NONE, "whose upper half means nothing without that");
	struct ext4 fs;
	struct ext4_file file;
	struct error e;
	put_u32(sb + 0x60, 0xc2);
	put_u16(sb + 0xfe, 64);
	put_u32(sb + 0x158, 1);
	ok(open_disk(&fs, &e) == 0 && fs.free_blocks == (UINT64_C(1) << 32) + 20,
		"the upper half of the free blocks");
	ok(ext4_find(&fs, "file", &file, &e) == 0, "a file by a descriptor of 64 bytes");
	put_u32(block(2) + 0x28, 1);
	ok(ext4_find(&fs, "file", &file, &e) == -1 && e.code == ERROR_FORMAT,
		"the upper half of where a table is");
	put_u32(sb + 0x60, 0x42);
	ok(open_disk(&fs, &e) == 0 && ext4_find(&fs, "file", &file, &e) == 0,
		"which a descriptor of 32 bytes doesn't have");
	make_disk();
}

static void features(void)
{
	struct ext4 fs = {.incompat = 0x42, .ro_compat = 0x1 | 0x400};
	ok(ext4_unknown(&fs, true) == 0, "features that Linux has");
	fs.ro_compat = 0x80000000;
	ok(ext4_unknown(&fs, true) == 0x80000000 && ext4_unknown(&fs, false) == 0,
		"one that it can't write with");
	fs.incompat |= 0x100000;
	ok(ext4_unknown(&fs, true) == 0x100000 && ext4_unknown(&fs, false) == 0x100000 &&
			ext4_unread(&fs) == 0x100000,
		"one that it can't mount");
	fs.incompat = 0x8000 | 0x2;
	ok(ext4_unknown(&fs, false) == 0 && ext4_unread(&fs) == 0x8000,
		"inline data: Linux alone reads it");
}

/* --- inodes */

static void inode_is(uint32_t number, enum error_code code, const char *name)
{
	struct ext4 fs;
	struct ext4_file file = {.number = 99};
	struct error e = {.code = ERROR_NONE};
	int result = open_disk(&fs, &e);
	if (result == 0)
		result = ext4_file(&fs, number, &file, &e);
	ok(e.code == code && result == (code == ERROR_NONE ? 0 : -1) &&
			file.number == (result == 0 ? number : 99),
		"%s", name);
	make_disk();
}

static int read_zeros(void *context, uint64_t offset, void *buffer, size_t size_bytes)
{
	(void)context;
	(void)offset;
	memset(buffer, 0, size_bytes);
	return 0;
}

/* So large that no number of an inode leads out of it. */
static void inodes_of_a_large_one(void)
{
	const struct ext4 fs = {.read = read_zeros,
		.blocks = UINT64_C(1) << 40,
		.block_bytes = BLOCK,
		.inodes = 32,
		.inodes_per_group = 32,
		.inode_bytes = 128,
		.descriptor_bytes = 32,
		.first_block = 1};
	struct ext4_file file;
	struct error e;
	ok(ext4_file(&fs, 32, &file, &e) == 0, "the last inode of a large file system");
	ok(ext4_file(&fs, 0, &file, &e) == -1 && e.code == ERROR_FORMAT, "inode 0 of it");
	ok(ext4_file(&fs, 33, &file, &e) == -1 && e.code == ERROR_FORMAT, "and one too many");
}

static void inodes(void)
{
	inode_is(0, ERROR_FORMAT, "inode 0");
	inode_is(32, ERROR_NONE, "the last inode");
	inode_is(33, ERROR_FORMAT, "the one behind it");
	inode_is(UINT32_MAX, ERROR_FORMAT, "the highest number");
	put_u16(inode(FILE_INODE), 0120777);
	put_u32(inode(FILE_INODE) + 0x20, 0);
	inode_is(FILE_INODE, ERROR_NONE, "a symlink without extents");
	put_u32(inode(EXT4_ROOT) + 0x20, 0);
	inode_is(EXT4_ROOT, ERROR_NONE, "a directory without extents");
	put_u32(sb, 100000);
	put_u32(sb + 0x28, 1);
	inode_is(99999, ERROR_FORMAT, "a group whose descriptor is outside");
	put_u32(block(2) + 8, BLOCKS - 1);
	inode_is(9, ERROR_FORMAT, "a table that leaves the file system");
	put_u32(block(2) + 8, BLOCKS - 1);
	inode_is(8, ERROR_NONE, "of which the first block is still in it");
	put_u32(block(2) + 8, UINT32_MAX);
	inode_is(1, ERROR_FORMAT, "a table far outside");
	put_u32(sb, 64);
	put_u32(block(2) + 32 + 8, TABLE);
	inode_is(32 + FILE_INODE, ERROR_NONE, "an inode of the second group");
	struct ext4 fs;
	struct ext4_file file;
	struct error e;
	put_u32(inode(FILE_INODE) + 0x6c, 3);
	ok(open_disk(&fs, &e) == 0 && ext4_file(&fs, FILE_INODE, &file, &e) == 0 &&
			file.size_bytes == UINT64_C(3) * (UINT64_C(1) << 32) + FILE_BYTES &&
			file.mode == 0100644,
		"a size of over 32 bits");
	make_disk();
}

/* --- trees of extents */

/* What a file of so many blocks holds, a character a block: '.' for zeros. */
static const char *blocks_of(unsigned count)
{
	static char text[64];
	uint8_t bytes[16 * BLOCK];
	struct ext4 fs;
	struct ext4_file file;
	struct error e;
	put_u32(inode(FILE_INODE) + 4, count * BLOCK);
	memset(bytes, '?', sizeof bytes);
	if (open_disk(&fs, &e) != 0 || ext4_file(&fs, FILE_INODE, &file, &e) != 0 ||
		ext4_read_at(&fs, &file, 0, bytes, (size_t)count * BLOCK, &e) != 0) {
		make_disk();
		return error_code_name(e.code);
	}
	for (unsigned i = 0; i < count; i++) {
		const uint8_t *at = bytes + (size_t)i * BLOCK;
		text[i] = at[0] == 0 ? '.' : (char)at[0];
		if (memcmp(at, at + 1, BLOCK - 1) != 0)
			text[i] = '!';
	}
	text[count] = '\0';
	make_disk();
	return text;
}

static void leaves(void)
{
	uint8_t *root = inode(FILE_INODE) + 0x28;
	is_str(blocks_of(4), "ab..", "two blocks, and a hole to the end");
	put_node(root, 0, 0);
	is_str(blocks_of(3), "...", "no extents at all");
	put_extent(root, 0, 2, FILE_BLOCK, 2);
	is_str(blocks_of(5), "..ab.", "a hole in front");
	put_node(root, 2, 0);
	put_extent(root, 0, 0, FILE_BLOCK + 1, 1);
	put_extent(root, 1, 3, FILE_BLOCK, 1);
	is_str(blocks_of(5), "b..a.", "a hole in between");
	put_extent(root, 0, 0, FILE_BLOCK, 32768 + 2);
	is_str(blocks_of(3), "...", "blocks that were not written are zeros");
	put_extent(root, 0, 0, FILE_BLOCK, 32768);
	is_str(blocks_of(3), "FORMAT", "32768 blocks are written ones, and leave it");
	put_extent(root, 0, 0, FILE_BLOCK, 0);
	is_str(blocks_of(2), "..", "an extent of no blocks");
	put_extent(root, 0, 0, BLOCKS - 1, 1);
	memset(block(BLOCKS - 1), 'z', BLOCK);
	is_str(blocks_of(2), "z.", "the last block");
	put_extent(root, 0, 0, BLOCKS - 1, 2);
	is_str(blocks_of(1), "FORMAT", "and one behind it");
	put_extent(root, 0, 0, BLOCKS, 0);
	is_str(blocks_of(1), ".", "nothing is read of none");
	put_extent(root, 0, 0, UINT32_MAX, 1);
	is_str(blocks_of(1), "FORMAT", "one that begins outside");
	put_extent(root, 0, 0, FILE_BLOCK, 1);
	put_u16(root + 12 + 6, 1);
	is_str(blocks_of(1), "FORMAT", "the upper half of where one begins");
	put_extent(root, 0, 0, BLOCKS, 32768 + 1);
	is_str(blocks_of(1), "FORMAT", "one that was not written, and is outside");
}

static void nodes(void)
{
	uint8_t *root = inode(FILE_INODE) + 0x28;
	for (unsigned kind = 0; kind < 8; kind++) {
		static const char *const want[] = {"a....b..", "a....b..", "FORMAT", "FORMAT",
			"FORMAT", "FORMAT", "FORMAT", "FORMAT"};
		static const char *const names[] = {"a tree", "whose entry lies about its next",
			"a child outside", "the upper half of where a child is",
			"a child of no magic", "a child with more entries than a block has",
			"a child as deep as its parent", "a tree of six levels"};
		put_node(root, 2, 1);
		put_index(root, 0, 0, 40);
		put_index(root, 1, 4, 41);
		put_node(block(40), 1, 0);
		put_extent(block(40), 0, 0, FILE_BLOCK, 1);
		put_node(block(41), 1, 0);
		put_extent(block(41), 0, 5, FILE_BLOCK + 1, 1);
		if (kind == 1) {
			put_node(block(40), 2, 0);
			put_extent(block(40), 1, 9, FILE_BLOCK, 1);
		} else if (kind == 2) {
			put_index(root, 1, 4, BLOCKS);
		} else if (kind == 3) {
			put_u16(root + 24 + 8, 1);
		} else if (kind == 4) {
			block(41)[0] ^= 1;
		} else if (kind == 5) {
			put_node(block(41), (BLOCK - 12) / 12 + 1, 0);
		} else if (kind == 6) {
			put_node(block(41), 1, 1);
			put_index(block(41), 0, 0, 42);
			put_node(block(42), 0, 0);
		} else if (kind == 7) {
			put_node(root, 2, 6);
		}
		is_str(blocks_of(8), want[kind], "%s", names[kind]);
	}
	/* The deepest: root, four levels of indices, leaves. */
	put_node(root, 1, 5);
	put_index(root, 0, 0, 40);
	for (unsigned depth = 4; depth > 0; depth--) {
		put_node(block(44 - depth), 1, depth);
		put_index(block(44 - depth), 0, 0, 45 - depth);
	}
	put_node(block(44), 84, 0);
	for (unsigned i = 0; i < 84; i++)
		put_extent(block(44), i, i, FILE_BLOCK + i % 2, 1);
	is_str(blocks_of(16), "abababababababab", "the deepest tree, and a node that is full");
}

static void far_away(void)
{
	uint8_t bytes[BLOCK];
	struct ext4 fs;
	struct ext4_file file;
	struct error e;
	ok(open_disk(&fs, &e) == 0 && ext4_file(&fs, FILE_INODE, &file, &e) == 0, "a file");
	file.size_bytes = UINT64_MAX;
	ok(ext4_read_at(&fs, &file, ((UINT64_C(1) << 32) - 1) * BLOCK, bytes, BLOCK, &e) == 0 &&
			bytes[0] == 0,
		"the last block that a file can have");
	ok(ext4_read_at(&fs, &file, (UINT64_C(1) << 32) * BLOCK, bytes, 1, &e) == -1 &&
			e.code == ERROR_FORMAT,
		"the one behind it");
	ok(ext4_read_at(&fs, &file, ((UINT64_C(1) << 32) - 1) * BLOCK + 5, bytes, BLOCK, &e) ==
				-1 &&
			e.code == ERROR_FORMAT,
		"and from one into the other");
	file.size_bytes = 100;
	ok(ext4_read_at(&fs, &file, 1, bytes, SIZE_MAX, &e) == -1 && e.code == ERROR_SIZE,
		"so many bytes that the end comes round");
	ok(ext4_read_at(&fs, &file, 101, bytes, 0, &e) == -1 && e.code == ERROR_SIZE,
		"nothing, from behind the end");
	ok(ext4_read_at(&fs, &file, 100, bytes, 0, &e) == 0, "nothing, from the end");
}

/* The first, the second, ... read of the disk fails. */
static void failing_reads(void)
{
	uint8_t bytes[FILE_BYTES];
	unsigned wrong = 0, number = 1;
	uint8_t *root = inode(FILE_INODE) + 0x28;
	put_node(root, 1, 1);
	put_index(root, 0, 0, 40);
	put_node(block(40), 1, 0);
	put_extent(block(40), 0, 0, FILE_BLOCK, 2);
	for (;; number++) {
		struct ext4 fs;
		struct ext4_file file;
		struct error e = {.code = ERROR_NONE};
		reads_left = number;
		int result = open_disk(&fs, &e);
		if (result == 0)
			result = ext4_find(&fs, "file", &file, &e);
		if (result == 0)
			result = ext4_read_at(&fs, &file, 0, bytes, sizeof bytes, &e);
		bool failed = reads_left == 0;
		reads_left = 0;
		if (!failed) {
			wrong += result != 0;
			break;
		}
		wrong += result != -1 || e.code != ERROR_IO;
	}
	/* Superblock; descriptor, inode and block of the root; the file's, a node and a run;
	 * for the hole behind it the node again. */
	is_int(number, 10, "so many reads");
	is_int(wrong, 0, "each fails once, and is told as that");
	make_disk();
}

int main(void)
{
	make_disk();
	numbers();
	descriptors();
	features();
	inodes();
	inodes_of_a_large_one();
	leaves();
	nodes();
	far_away();
	failing_reads();
	return done();
}

#include "ext4_private.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../layers/ext4.h"
#include "../layers/little_endian.h"
#include "../layers/scope.h"

enum { MAX_DIRECTORY_BYTES = 16 * 1024 * 1024 };

/* Features, by Documentation/filesystems/ext4/super.rst: those that are read here, and those
 * besides (meta_bg, inline_data, encrypt, casefold) that Linux knows. */
enum {
	INCOMPAT_RECOVER = 0x4,
	INCOMPAT_64BIT = 0x80,
	INCOMPAT_READ = 0x2 | 0x4 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x2000 | 0x4000,
	INCOMPAT_LINUX = INCOMPAT_READ | 0x10 | 0x8000 | 0x10000 | 0x20000,
	RO_COMPAT_LINUX = 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x20 | 0x40 | 0x100 | 0x200 | 0x400 |
			  0x1000 | 0x2000 | 0x8000 | 0x10000,
	RO_COMPAT_READONLY = 0x1000,
	INODE_EXTENTS = 0x80000
};

static unsigned get_u16(const uint8_t *bytes)
{
	return (unsigned)get_little_endian(bytes, 2);
}

int ext4_damaged(struct error *e, const char *what)
{
	return error_set(e, ERROR_FORMAT, 0, "the file system is damaged: %s", what);
}

/* Of a number that is not 0. */
static bool is_power_of_two(uint32_t number)
{
	return (number & (number - 1)) == 0;
}

/* --- the superblock */

/* As Linux has them (ext4_fill_super()): with 64 bits a descriptor has all of its 64 bytes. */
static bool numbers_can_be(const struct ext4 *fs, uint32_t log_block)
{
	uint32_t descriptor_least = (fs->incompat & INCOMPAT_64BIT) != 0 ? 64 : 32;
	return log_block <= 6 && fs->inodes >= 11 && fs->inodes_per_group > 0 &&
	       fs->inodes_per_group <= fs->block_bytes * 8 && fs->inode_bytes >= 128 &&
	       fs->inode_bytes <= fs->block_bytes && is_power_of_two(fs->inode_bytes) &&
	       fs->descriptor_bytes >= descriptor_least && fs->descriptor_bytes <= 1024 &&
	       is_power_of_two(fs->descriptor_bytes) && fs->blocks > 0 && fs->first_block <= 1;
}

int ext4_open(gpt_read read, void *context, uint64_t size_bytes, struct ext4 *out, struct error *e)
{
	uint8_t sb[EXT4_SUPERBLOCK_BYTES];
	struct ext4_identity ignored;
	if (size_bytes < EXT4_SUPERBLOCK_OFFSET + EXT4_SUPERBLOCK_BYTES)
		return error_set(e, ERROR_DEVICE, 0, "too small for an ext4 file system");
	if (read(context, EXT4_SUPERBLOCK_OFFSET, sb, sizeof sb) != 0)
		return error_set(e, ERROR_IO, 0, "the superblock can't be read");
	if (!ext4_identify(sb, &ignored))
		return error_set(e, ERROR_DEVICE, 0, "it holds no ext4 file system");
	uint32_t log_block = get_u32(sb + 0x18);
	struct ext4 fs = {.read = read,
		.context = context,
		.inodes = get_u32(sb),
		.blocks = get_u32(sb + 4),
		.free_blocks = get_u32(sb + 0xc),
		.free_inodes = get_u32(sb + 0x10),
		.first_block = get_u32(sb + 0x14),
		.block_bytes = log_block <= 6 ? 1024u << log_block : 0,
		.inodes_per_group = get_u32(sb + 0x28),
		.inode_bytes = get_u32(sb + 0x4c) == 0 ? 128 : get_u16(sb + 0x58),
		.descriptor_bytes = 32,
		.incompat = get_u32(sb + 0x60),
		.ro_compat = get_u32(sb + 0x64)};
	if ((fs.incompat & INCOMPAT_64BIT) != 0) {
		fs.descriptor_bytes = get_u16(sb + 0xfe);
		fs.blocks |= (uint64_t)get_u32(sb + 0x150) << 32;
		fs.free_blocks |= (uint64_t)get_u32(sb + 0x158) << 32;
	}
	if (!numbers_can_be(&fs, log_block))
		return ext4_damaged(e, "numbers of its superblock can't be");
	if (fs.blocks > size_bytes / fs.block_bytes)
		return error_set(e, ERROR_SIZE, 0,
			"the file system has %llu bytes, and the partition %llu",
			(unsigned long long)fs.blocks * fs.block_bytes,
			(unsigned long long)size_bytes);
	*out = fs;
	return 0;
}

uint32_t ext4_unknown(const struct ext4 *fs, bool write)
{
	uint32_t unknown = fs->incompat & ~(uint32_t)INCOMPAT_LINUX;
	return unknown != 0 || !write ? unknown : fs->ro_compat & ~(uint32_t)RO_COMPAT_LINUX;
}

uint32_t ext4_unread(const struct ext4 *fs)
{
	return fs->incompat & ~(uint32_t)INCOMPAT_READ;
}

bool ext4_needs_replay(const struct ext4 *fs)
{
	return (fs->incompat & INCOMPAT_RECOVER) != 0;
}

bool ext4_is_readonly(const struct ext4 *fs)
{
	return (fs->ro_compat & RO_COMPAT_READONLY) != 0;
}

/* --- files */

/* Of one block: entries of a table never leave theirs, since all their sizes are powers of two. */
int ext4_read_bytes(
	const struct ext4 *fs, uint64_t block, uint64_t at, void *to, size_t size, struct error *e)
{
	if (block >= fs->blocks)
		return ext4_damaged(e, "a block outside of it");
	if (fs->read(fs->context, block * fs->block_bytes + at, to, size) != 0)
		return error_set(
			e, ERROR_IO, 0, "block %llu can't be read", (unsigned long long)block);
	return 0;
}

/* Where the inode tables of a group are, its descriptor says. */
static int table_of(const struct ext4 *fs, uint32_t group, uint64_t *out, struct error *e)
{
	uint8_t descriptor[64] = {0};
	uint64_t at = (uint64_t)group * fs->descriptor_bytes;
	size_t size = fs->descriptor_bytes < 64 ? 32 : 64;
	if (ext4_read_bytes(fs, fs->first_block + 1 + at / fs->block_bytes, at % fs->block_bytes,
		    descriptor, size, e) != 0)
		return -1;
	*out = get_u32(descriptor + 8) | (uint64_t)get_u32(descriptor + 0x28) << 32;
	return 0;
}

int ext4_file(const struct ext4 *fs, uint32_t number, struct ext4_file *out, struct error *e)
{
	uint8_t inode[128];
	uint64_t table;
	if (number < 1 || number > fs->inodes)
		return ext4_damaged(e, "an inode outside of it");
	uint64_t at = (uint64_t)((number - 1) % fs->inodes_per_group) * fs->inode_bytes;
	if (table_of(fs, (number - 1) / fs->inodes_per_group, &table, e) != 0)
		return -1;
	if (table >= fs->blocks)
		return ext4_damaged(e, "an inode table outside of it");
	if (ext4_read_bytes(fs, table + at / fs->block_bytes, at % fs->block_bytes, inode,
		    sizeof inode, e) != 0)
		return -1;
	struct ext4_file file = {.number = number,
		.mode = (uint16_t)get_u16(inode),
		.has_extents = (get_u32(inode + 0x20) & INODE_EXTENTS) != 0,
		.size_bytes = get_u32(inode + 4) | (uint64_t)get_u32(inode + 0x6c) << 32};
	memcpy(file.map, inode + 0x28, sizeof file.map);
	*out = file;
	return 0;
}

static int read_run(const struct ext4 *fs, const struct ext4_run *run, uint64_t within, void *to,
	size_t size, struct error *e)
{
	if (run->physical == 0) {
		memset(to, 0, size);
		return 0;
	}
	if (fs->read(fs->context, run->physical * fs->block_bytes + within, to, size) != 0)
		return error_set(e, ERROR_IO, 0, "block %llu can't be read",
			(unsigned long long)run->physical);
	return 0;
}

int ext4_read_at(const struct ext4 *fs, const struct ext4_file *file, uint64_t offset, void *buffer,
	size_t size_bytes, struct error *e)
{
	uint8_t *to = buffer;
	if (offset > file->size_bytes || size_bytes > file->size_bytes - offset)
		return error_set(e, ERROR_SIZE, 0, "file ends at byte %llu",
			(unsigned long long)file->size_bytes);
	SCOPED_FREE uint8_t *scratch = malloc(fs->block_bytes);
	if (scratch == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	while (size_bytes > 0) {
		struct ext4_run run = {0};
		uint64_t within = offset % fs->block_bytes;
		if (ext4_find_run(fs, file, offset / fs->block_bytes, scratch, &run, e) != 0)
			return -1;
		uint64_t there = run.blocks * fs->block_bytes - within;
		size_t now = size_bytes < there ? size_bytes : (size_t)there;
		if (read_run(fs, &run, within, to, now, e) != 0)
			return -1;
		to += now;
		offset += now;
		size_bytes -= now;
	}
	return 0;
}

/* --- directories */

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int list_block(const uint8_t *block, uint32_t block_bytes,
	int (*visit)(void *context, const char *name, uint32_t number, struct error *e),
	void *context, struct error *e)
{
	for (uint32_t at = 0; at < block_bytes;) {
		char name[EXT4_NAME_SIZE];
		uint32_t left = block_bytes - at;
		if (left < 8)
			return ext4_damaged(e, "a directory");
		uint32_t number = get_u32(block + at);
		unsigned length = get_u16(block + at + 4), name_bytes = block[at + 6];
		/* With blocks of 64 KiB, 65535 and 0 stand for 65536. */
		if (block_bytes == EXT4_MAX_BLOCK_BYTES && (length == 0 || length == 65535))
			length = block_bytes;
		if (length < 8 || length % 4 != 0 || length > left || name_bytes > length - 8)
			return ext4_damaged(e, "a directory");
		memcpy(name, block + at + 8, name_bytes);
		name[name_bytes] = '\0';
		if (number != 0 && (name_bytes == 0 || strlen(name) != name_bytes ||
					   strchr(name, '/') != NULL))
			return ext4_damaged(e, "a name in a directory");
		int result = number != 0 && !is_dots(name) ? visit(context, name, number, e) : 0;
		if (result != 0)
			return result;
		at += length;
	}
	return 0;
}

int ext4_list(const struct ext4 *fs, const struct ext4_file *directory,
	int (*visit)(void *context, const char *name, uint32_t number, struct error *e),
	void *context, struct error *e)
{
	if (!S_ISDIR(directory->mode))
		return error_set(e, ERROR_TYPE, 0, "no directory");
	if (directory->size_bytes > MAX_DIRECTORY_BYTES ||
		directory->size_bytes % fs->block_bytes != 0)
		return ext4_damaged(e, "a directory's size");
	SCOPED_FREE uint8_t *block = malloc(fs->block_bytes);
	if (block == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	int result = 0;
	for (uint64_t at = 0; at < directory->size_bytes && result == 0; at += fs->block_bytes) {
		if (ext4_read_at(fs, directory, at, block, fs->block_bytes, e) != 0)
			return -1;
		result = list_block(block, fs->block_bytes, visit, context, e);
	}
	return result;
}

struct search {
	const char *name;
	size_t length;
	uint32_t number;
};

static int compare(void *context, const char *name, uint32_t number, struct error *e)
{
	struct search *search = context;
	(void)e;
	if (strlen(name) != search->length || memcmp(name, search->name, search->length) != 0)
		return 0;
	search->number = number;
	return 1;
}

int ext4_find(const struct ext4 *fs, const char *path, struct ext4_file *out, struct error *e)
{
	struct ext4_file file;
	if (ext4_file(fs, EXT4_ROOT, &file, e) != 0)
		return -1;
	for (const char *name = path; *name != '\0';) {
		struct search search = {.name = name, .length = strcspn(name, "/")};
		int found = ext4_list(fs, &file, compare, &search, e);
		if (found == 0)
			return error_set(e, ERROR_MISSING, 0, "%s is not there", path);
		if (found < 0 || ext4_file(fs, search.number, &file, e) != 0)
			return error_wrap(e, "%s", path);
		name += search.length;
		name += *name == '/';
	}
	*out = file;
	return 0;
}

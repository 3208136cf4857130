/* Where the blocks of a file are: by a tree of extents, as ext4 has them, or by a block map, as
 * ext2 and ext3 had them, and whatever an ext4 that was one of these has kept of them. */
#include "../layers/little_endian.h"
#include "ext4_private.h"

#define MOST_BLOCKS (UINT64_C(1) << 32)

enum { MAX_DEPTH = 5, EXTENT_MAGIC = 0xf30a };

static unsigned get_u16(const uint8_t *bytes)
{
	return (unsigned)get_little_endian(bytes, 2);
}

/* --- extents */

/* The last entry of a node that begins at or before a block; -1: none. `*next`: where the one
 * behind it begins. */
static int pick(const uint8_t *node, unsigned entries, uint64_t logical, uint64_t *next)
{
	int found = -1;
	for (unsigned i = 0; i < entries; i++) {
		uint64_t begins = get_u32(node + 12 + 12 * i);
		if (begins > logical) {
			if (begins < *next)
				*next = begins;
			break;
		}
		found = (int)i;
	}
	return found;
}

static int leaf(const struct ext4 *fs, const uint8_t *entry, uint64_t logical, uint64_t next,
	struct ext4_run *out, struct error *e)
{
	uint64_t into = logical - get_u32(entry);
	unsigned length = get_u16(entry + 4);
	bool unwritten = length > 32768;
	uint64_t start = get_u32(entry + 8) | (uint64_t)get_u16(entry + 6) << 32;
	if (unwritten)
		length -= 32768;
	if (into >= length) {
		*out = (struct ext4_run){.blocks = next - logical};
		return 0;
	}
	if (start >= fs->blocks || length > fs->blocks - start)
		return ext4_damaged(e, "an extent outside of it");
	*out = (struct ext4_run){.physical = unwritten ? 0 : start + into, .blocks = length - into};
	return 0;
}

static int find_in_extents(const struct ext4 *fs, const struct ext4_file *file, uint64_t logical,
	uint8_t *scratch, struct ext4_run *out, struct error *e)
{
	const uint8_t *node = file->map;
	size_t node_bytes = sizeof file->map;
	uint64_t next = MOST_BLOCKS;
	unsigned above = MAX_DEPTH + 1;
	for (;;) {
		unsigned entries = get_u16(node + 2), depth = get_u16(node + 6);
		if (get_u16(node) != EXTENT_MAGIC || entries > (node_bytes - 12) / 12 ||
			depth >= above)
			return ext4_damaged(e, "a node of extents that is none");
		int found = pick(node, entries, logical, &next);
		const uint8_t *entry = node + 12 + 12 * found;
		if (found < 0) {
			*out = (struct ext4_run){.blocks = next - logical};
			return 0;
		}
		if (depth == 0)
			return leaf(fs, entry, logical, next, out, e);
		uint64_t child = get_u32(entry + 4) | (uint64_t)get_u16(entry + 8) << 32;
		if (ext4_read_bytes(fs, child, 0, scratch, fs->block_bytes, e) != 0)
			return -1;
		above = depth;
		node = scratch;
		node_bytes = fs->block_bytes;
	}
}

/* --- block maps (Documentation/filesystems/ext4/blockmap.rst) */

/* The inode has the numbers of 12 blocks, and of a block of numbers, of one of such, and so on. */
enum { DIRECT = 12, INDIRECT_LEVELS = 3, NUMBER_BYTES = 4 };

/* An entry, and what is to be found below it. */
struct step {
	uint64_t index, entries; /* which one in its node, and how many that has */
	unsigned depth;          /* blocks of numbers below it */
	uint64_t span, into;     /* blocks of the file below it, and how far into these */
};

/* In the inode. False: there is no entry for so high a block. */
static bool first_step(uint64_t logical, uint64_t per_block, struct step *out)
{
	if (logical < DIRECT) {
		*out = (struct step){.index = logical, .entries = DIRECT, .span = 1};
		return true;
	}
	uint64_t into = logical - DIRECT, span = 1;
	for (unsigned depth = 1; depth <= INDIRECT_LEVELS; depth++) {
		span *= per_block;
		if (into < span) {
			*out = (struct step){.index = DIRECT + depth - 1,
				.entries = DIRECT + INDIRECT_LEVELS,
				.depth = depth,
				.span = span,
				.into = into};
			return true;
		}
		into -= span;
	}
	return false;
}

static uint64_t number_at(const uint8_t *node, uint64_t index)
{
	return get_u32(node + NUMBER_BYTES * index);
}

/* As long as block follows block. */
static struct ext4_run run_from(const struct ext4 *fs, const uint8_t *node, const struct step *step)
{
	struct ext4_run run = {.physical = number_at(node, step->index), .blocks = 1};
	while (step->index + run.blocks < step->entries && run.blocks < fs->blocks - run.physical &&
		number_at(node, step->index + run.blocks) == run.physical + run.blocks)
		run.blocks++;
	return run;
}

static int find_in_map(const struct ext4 *fs, const struct ext4_file *file, uint64_t logical,
	uint8_t *scratch, struct ext4_run *out, struct error *e)
{
	const uint64_t per_block = fs->block_bytes / NUMBER_BYTES;
	const uint8_t *node = file->map;
	struct step step;
	if (!first_step(logical, per_block, &step))
		return ext4_damaged(e, "a file that is too long");
	for (;;) {
		uint64_t block = number_at(node, step.index);
		if (block == 0) {
			*out = (struct ext4_run){.blocks = step.span - step.into};
			return 0;
		}
		if (block <= fs->first_block || block >= fs->blocks)
			return ext4_damaged(e, "a block map that leads outside of it");
		if (step.depth == 0) {
			*out = run_from(fs, node, &step);
			return 0;
		}
		if (ext4_read_bytes(fs, block, 0, scratch, fs->block_bytes, e) != 0)
			return -1;
		node = scratch;
		step.depth--;
		step.span /= per_block;
		step.entries = per_block;
		step.index = step.into / step.span;
		step.into %= step.span;
	}
}

int ext4_find_run(const struct ext4 *fs, const struct ext4_file *file, uint64_t logical,
	uint8_t *scratch, struct ext4_run *out, struct error *e)
{
	if (logical >= MOST_BLOCKS)
		return ext4_damaged(e, "a file that is too long");
	return (file->has_extents ? find_in_extents : find_in_map)(
		fs, file, logical, scratch, out, e);
}

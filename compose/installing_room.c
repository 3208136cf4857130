/* The room that an install takes, known before the first byte is written. */
#include <errno.h>
#include <inttypes.h>
#include <sys/statvfs.h>

#include "installing.h"

static uint64_t round_up(uint64_t bytes, uint64_t unit)
{
	return (bytes + unit - 1) / unit * unit; /* sizes are far below 2^64 */
}

/* Beside its contents: the lists of its blocks. ext4 lists extents, few unless the room that is
 * left lies scattered; ext2 lists every block, 256 of them in one of 1 KiB. */
static uint64_t file_bytes(uint64_t size_bytes, uint64_t block_bytes)
{
	enum { LISTED = 256, LEVELS = 3 };
	uint64_t blocks = round_up(size_bytes, block_bytes) / block_bytes;
	return (blocks + blocks / LISTED + LEVELS) * block_bytes;
}

/* The most that is taken at any moment. A rotted blob's room comes back when the new one has its
 * name; what comes back is not counted beyond what the new one takes. */
static uint64_t peak_bytes(const struct installing *self, uint64_t block_bytes)
{
	uint64_t taken = 0, peak = 0;
	for (enum installing_state state = INSTALLING_ROTTED; state <= INSTALLING_MISSING;
		state++) {
		for (size_t i = 0; i < self->count; i++) {
			const struct installing_blob *blob = &self->blobs[i];
			if (blob->state != state)
				continue;
			uint64_t file = file_bytes(blob->size_bytes, block_bytes);
			taken += file;
			peak = taken > peak ? taken : peak;
			if (state == INSTALLING_ROTTED)
				taken -= blob->frees_bytes < file ? blob->frees_bytes : file;
		}
	}
	if (!self->stack_stands)
		taken += file_bytes(self->stack_file.size, block_bytes);
	return taken > peak ? taken : peak;
}

/* A replaced file's inode is free again only when the new one has its name. */
static uint64_t peak_inodes(const struct installing *self)
{
	uint64_t missing = 0, rotted = 0;
	for (size_t i = 0; i < self->count; i++) {
		missing += self->blobs[i].state == INSTALLING_MISSING;
		rotted += self->blobs[i].state == INSTALLING_ROTTED;
	}
	if (!self->stack_stands)
		missing++;
	return missing > 0 ? missing : rotted > 0;
}

int installing_measure_room(struct installing *self, struct error *e)
{
	enum { DIRECTORIES = 2 }; /* that may grow by a block: blobs/sha256/ and stacks/ */
	struct statvfs fs;
	if (fstatvfs(self->to->fd, &fs) != 0)
		return error_errno(e, errno, "the room of the store `%s`", self->to->path);
	uint64_t block_bytes = fs.f_frsize > 0 ? fs.f_frsize : 4096;
	self->room = (struct installing_room){
		.have_bytes = fs.f_bavail * block_bytes,
		.have_inodes = fs.f_files > 0 ? fs.f_favail : UINT64_MAX,
	};
	if (installing_is_done(self))
		return 0;
	self->room.need_bytes = peak_bytes(self, block_bytes) + DIRECTORIES * block_bytes;
	self->room.need_inodes = peak_inodes(self);
	return 0;
}

int installing_check_room(const struct installing *self, struct error *e)
{
	const struct installing_room *room = &self->room;
	if (room->need_bytes > room->have_bytes)
		return error_set(e, ERROR_NOSPACE, 0,
			"%s needs %" PRIu64
			" bytes on the store's file system, and there are %" PRIu64 " free",
			self->file_name, room->need_bytes, room->have_bytes);
	if (room->need_inodes > room->have_inodes)
		return error_set(e, ERROR_NOSPACE, 0,
			"%s needs %" PRIu64
			" inodes on the store's file system, and there are %" PRIu64 " free",
			self->file_name, room->need_inodes, room->have_inodes);
	return 0;
}

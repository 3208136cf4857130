#include "record_io.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "ext4.h"
#include "scope.h"

/* O_DIRECT wants alignment to the logical block; 4096 serves every disk. */
static _Alignas(RECORD_COPY_BYTES) uint8_t copies[2][RECORD_COPY_BYTES];

void record_io_none(struct record_io *out, const char *why)
{
	*out = (struct record_io){.fd = -1};
	(void)snprintf(out->state, sizeof out->state, "%s", why);
}

static bool is_zero(const uint8_t *copy)
{
	for (size_t i = 0; i < RECORD_COPY_BYTES; i++) {
		if (copy[i] != 0)
			return false;
	}
	return true;
}

/* The copy's bytes, or NULL: a bad sector in one must not lose the other. */
static const uint8_t *read_copy(int fd, unsigned index)
{
	ssize_t got;
	do
		got = pread(
			fd, copies[index], RECORD_COPY_BYTES, (off_t)index * RECORD_COPY_DISTANCE);
	while (got < 0 && errno == EINTR);
	return got == RECORD_COPY_BYTES ? copies[index] : NULL;
}

/* A mistaken device name must not cost somebody a file system or a partition table. A record has
 * neither magic number: both places are padding in it, or a name. */
static bool is_something_else(const uint8_t *copy)
{
	struct ext4_identity identity;
	return copy != NULL && (ext4_identify(copy + EXT4_SUPERBLOCK_OFFSET, &identity) ||
				       (copy[510] == 0x55 && copy[511] == 0xaa));
}

/* True when the copy that does not count is good too, or was never written. */
static bool describe_other(struct record_io *io, unsigned other, const uint8_t *copy)
{
	struct record ignored;
	struct error why = {0};
	if (copy != NULL && (is_zero(copy) || record_decode(copy, &ignored, &why) == 0)) {
		(void)snprintf(io->state, sizeof io->state, "good");
		return true;
	}
	(void)snprintf(io->state, sizeof io->state, "copy %u is %s, the other counts%s%.140s",
		other, copy == NULL ? "unreadable" : "bad", why.text[0] != '\0' ? ": " : "",
		why.text);
	return false;
}

/* True when the record is as it should be. */
static bool read_record(struct record_io *io)
{
	struct error why = {0};
	const uint8_t *a = read_copy(io->fd, 0), *b = read_copy(io->fd, 1);
	if (is_something_else(a)) {
		io->writable = false;
		(void)snprintf(io->state, sizeof io->state,
			"the device holds a file system or a partition table, and is left alone");
		return false;
	}
	if (a != NULL && b != NULL && is_zero(a) && is_zero(b)) {
		(void)snprintf(io->state, sizeof io->state, "new");
		return true;
	}
	int chosen = record_choose(a, b, &io->record, &why);
	if (chosen >= 0)
		return describe_other(io, chosen == 0, chosen == 0 ? b : a);
	(void)snprintf(io->state, sizeof io->state, "both copies are bad, starting anew: %.140s",
		why.text);
	return false;
}

bool record_io_open(const char *device, struct record_io *out)
{
	/* O_EXCL: not what holds a mounted file system, nor the disk that it is on. */
	const int flags = O_DIRECT | O_EXCL | O_CLOEXEC;
	int read_only = 0;
	SCOPED_FD fd = open(device, O_RDWR | flags);
	if (fd < 0 && (errno == EROFS || errno == EACCES))
		fd = open(device, O_RDONLY | flags);
	record_io_none(out, "");
	out->open_errno = fd < 0 ? errno : 0;
	off_t size_bytes = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	if (size_bytes < 0) {
		(void)snprintf(out->state, sizeof out->state, "%.100s can't be opened: %s", device,
			strerror(errno));
		return false;
	}
	if (size_bytes < RECORD_PARTITION_BYTES) {
		(void)snprintf(out->state, sizeof out->state,
			"%.100s has %lld bytes, a record needs %d", device, (long long)size_bytes,
			(int)RECORD_PARTITION_BYTES);
		return false;
	}
	out->fd = scope_take_fd(&fd);
	/* Linux 6.1 opens a read-only device for writing, and refuses only the write. */
	out->writable = ioctl(out->fd, BLKROGET, &read_only) == 0 && !read_only;
	bool good = read_record(out);
	if (!read_only)
		return good;
	size_t used = strlen(out->state);
	(void)snprintf(
		out->state + used, sizeof out->state - used, "; the device can't be written");
	return false;
}

int record_io_write(struct record_io *io, const struct record *next, struct error *e)
{
	unsigned index = record_next_copy(&io->record);
	if (!io->writable)
		return error_set(e, ERROR_IO, 0, "the record can't be written");
	record_encode(next, copies[index]);
	errno = 0;
	if (pwrite(io->fd, copies[index], RECORD_COPY_BYTES, (off_t)index * RECORD_COPY_DISTANCE) !=
			RECORD_COPY_BYTES ||
		fsync(io->fd) != 0) {
		io->writable = false;
		return error_set(e, ERROR_IO, errno, "write copy %u of the record", index);
	}
	io->record = *next;
	return 0;
}

void record_io_close(struct record_io *io)
{
	if (io->fd >= 0)
		(void)close(io->fd); /* every write was followed by fsync */
	io->fd = -1;
}

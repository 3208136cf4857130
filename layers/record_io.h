/* The record's partition: both copies read, one written, past the page cache. */
#ifndef PLYBOOT_RECORD_IO_H
#define PLYBOOT_RECORD_IO_H

#include "record.h"

struct record_io {
	int fd;         /* -1: not there */
	int open_errno; /* why it could not be opened, then; EBUSY: somebody else has it */
	bool writable;
	struct record record;
	char state[200]; /* one sentence about how it was found */
};

/* No record: nothing is known, nothing can be written. */
void record_io_none(struct record_io *out, const char *why);

/* Open a device and read what it says. A device that can't be used gives the same as
 * record_io_none(); two bad copies give an empty record that can be written. False when it is worth
 * a warning. */
bool record_io_open(const char *device, struct record_io *out);

/* Make `next` the record: written to the copy that does not hold the current one, and flushed.
 * ERROR_IO: it is not written, and nothing will be from now on (`writable` is false). */
int record_io_write(struct record_io *io, const struct record *next, struct error *e);

void record_io_close(struct record_io *io);

#endif

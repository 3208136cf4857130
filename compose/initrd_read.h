/* An initramfs as the kernel unpacks it (init/initramfs.c): archives one after another, with zeros
 * between them, each by itself plain or compressed. Those by gzip and zstd are read here. */
#ifndef PLYBOOT_INITRD_READ_H
#define PLYBOOT_INITRD_READ_H

#include "cpio_read.h"

enum { INITRD_MAX_BYTES = 1024 * 1024 * 1024, INITRD_COMPRESSED = 16 };

struct initrd {
	struct cpio_members members;
	size_t unread_at; /* from this byte of the file on it was not read; its size: all was */
	bool hides;       /* what was not read may hold what the kernel unpacks */
	size_t unpacked_count;
	uint8_t *unpacked[INITRD_COMPRESSED]; /* owned: members are in there, and in the bytes */
};

/* What is compressed may have `most_bytes` in all. The bytes stay the caller's, and must stay.
 * Freed with initrd_free(), also after an error. What is compressed otherwise, or too much to
 * unpack, is not read, and neither is what is behind it. ERROR_FORMAT: no archive at all, or one
 * that is damaged or cut; ERROR_STREAM: so is its gzip or zstd; ERROR_LIMIT: too many files;
 * ERROR_NOSPACE; ERROR_IO: a signal came. */
int initrd_read(const uint8_t *bytes, size_t size_bytes, size_t most_bytes, struct initrd *out,
	struct error *e);

void initrd_free(struct initrd *initrd);

#endif

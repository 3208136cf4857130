/* "newc" archives, as an initramfs has them (early-userspace/buffer-format of the kernel), one
 * after another, with zeros between them. */
#ifndef PLYBOOT_CPIO_READ_H
#define PLYBOOT_CPIO_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../layers/error.h"

struct cpio_member {
	char *path; /* owned; without the "/" or "./" in front */
	uint32_t mode;
	const uint8_t *data; /* the caller's bytes */
	size_t size_bytes;
};

struct cpio_members {
	size_t count, capacity;
	struct cpio_member *items; /* owned; of one path the last counts */
};

/* Add to `members` what stands there from `*at` on, up to what is no such archive (a compressed
 * one), or is at no multiple of four; `*at` is moved there, or to the end. ERROR_FORMAT: damaged or
 * cut; ERROR_LIMIT, ERROR_NOSPACE; `*at` is then as it was. Freed with cpio_members_free(), also
 * after an error. */
int cpio_read(const uint8_t *bytes, size_t size_bytes, size_t *at, struct cpio_members *members,
	struct error *e);

/* A slash in front means nothing; NULL: not there. */
const struct cpio_member *cpio_members_find(const struct cpio_members *members, const char *path);

void cpio_members_free(struct cpio_members *members);
#define SCOPED_MEMBERS __attribute__((cleanup(cpio_members_free))) struct cpio_members

#endif

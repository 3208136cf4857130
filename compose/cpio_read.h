/* An initramfs as the kernel unpacks it: "newc" archives (early-userspace/buffer-format), one after
 * another, with zeros between them. */
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
	size_t unread_bytes; /* behind them: what is no such archive (a compressed one), or at no
			      * multiple of four */
};

/* To be freed with cpio_members_free(), after success. ERROR_FORMAT, ERROR_NOSPACE. */
int cpio_read(const uint8_t *bytes, size_t size_bytes, struct cpio_members *out, struct error *e);

/* A slash in front means nothing; NULL: not there. */
const struct cpio_member *cpio_members_find(const struct cpio_members *members, const char *path);

void cpio_members_free(struct cpio_members *members);
#define SCOPED_MEMBERS __attribute__((cleanup(cpio_members_free))) struct cpio_members

#endif

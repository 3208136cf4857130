/* An initramfs archive: "newc" cpio (the kernel's early-userspace/buffer-format), made in memory,
 * the same bytes for the same entries. */
#ifndef PLYBOOT_CPIO_H
#define PLYBOOT_CPIO_H

#include <stdint.h>
#include <sys/types.h>

#include "bytes.h"

struct cpio_entry {
	char *path;  /* "etc/plyboot/init.conf" */
	mode_t mode; /* with its type */
	dev_t device;
	uint8_t *data; /* of a file, or a symlink's target */
	size_t size_bytes;
};

struct cpio {
	size_t count, capacity;
	struct cpio_entry *entries;
};

/* Add an entry, and the directories above it that are not there yet (0755). The data is copied. A
 * leading slash means nothing. ERROR_USAGE: something else is there already; ERROR_PATH: no path
 * for a file. */
int cpio_add(struct cpio *cpio, const char *path, mode_t mode, dev_t device, const void *data,
	size_t size_bytes, struct error *e);

/* NULL when it is not there. */
const struct cpio_entry *cpio_find(const struct cpio *cpio, const char *path);

/* The archive: sorted, everything of 0:0 and with this mtime. */
int cpio_write(struct cpio *cpio, uint64_t mtime, struct bytes *out, struct error *e);

void cpio_free(struct cpio *cpio);
#define SCOPED_CPIO __attribute__((cleanup(cpio_free))) struct cpio

#endif

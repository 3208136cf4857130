/*
 * The gate in front of libarchive: a strict profile of tar (POSIX.1-2001 pax and GNU long names)
 * that libarchive's interface cannot show. A push parser: every byte goes through gate_push()
 * before libarchive sees it, and each entry it accepted waits in a queue to be held against what
 * libarchive made of the same bytes.
 */
#ifndef PLYBOOT_GATE_H
#define PLYBOOT_GATE_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "error.h"

struct gate;

struct gate_entry {
	char type; /* '0' file, '1' hard link, '2' symlink, '3' '4' devices, '5' directory, '6' FIFO
		    */
	uint64_t size_bytes;
	char *path;            /* raw, NUL-terminated */
	char *link;            /* raw, NUL-terminated, NULL unless a link */
	struct timespec mtime; /* ours, not libarchive's: 3.6.2 misreads fractions before 1970 */
};

int gate_open(struct gate **out, struct error *e);

/* Take the next bytes. ERROR_TAR, ERROR_TYPE, ERROR_PATH (a NUL in a pax path), ERROR_LIMIT. After
 * an error the gate refuses everything. */
int gate_push(struct gate *gate, const uint8_t *data, size_t size_bytes, struct error *e);

/* The oldest entry not yet taken, or NULL; valid until the next gate_pop(). */
const struct gate_entry *gate_pop(struct gate *gate);

/* No more bytes will come: ERROR_TAR unless the archive ended with its two zero blocks. */
int gate_finish(struct gate *gate, struct error *e);

void gate_close(struct gate *gate);

#endif

/* pax extended headers (POSIX.1-2001, "pax Header Block"): an allow-list of keys. */
#ifndef PLYBOOT_PAX_H
#define PLYBOOT_PAX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "error.h"

/* What an extended header says that the gate must know. Zero-initialise; free with pax_free(). */
struct pax {
	char *path, *link; /* owned, NULL when not given */
	bool has_size, has_mtime;
	uint64_t size_bytes;
	struct timespec mtime;
};

/* Parse the body of an 'x' header. ERROR_TAR: wrong lengths, a key given twice or not allowed, a
 * number that is none; ERROR_TYPE: sparse files; ERROR_XATTR: ACLs or labels in a form that would
 * be lost; ERROR_PATH: a NUL in a name; ERROR_NOSPACE. */
int pax_parse(const char *body, size_t size_bytes, struct pax *out, struct error *e);

/* The body of a global 'g' header may hold comments and nothing else. */
int pax_parse_global(const char *body, size_t size_bytes, struct error *e);

void pax_free(struct pax *pax);

#endif

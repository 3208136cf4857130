/* The /init programs that the host command carries, one for each architecture. */
#ifndef PLYBOOT_EMBEDDED_H
#define PLYBOOT_EMBEDDED_H

#include <stddef.h>
#include <stdint.h>

struct embedded_init {
	const char *architecture; /* as `uname -m` says it; NULL ends the table */
	const uint8_t *start, *end;
};

extern const struct embedded_init embedded_inits[];

/* NULL when there is none for that architecture. */
const struct embedded_init *embedded_find(const char *architecture);

#endif

/* The programs for devices that the host command carries, for each architecture. */
#ifndef PLYBOOT_EMBEDDED_H
#define PLYBOOT_EMBEDDED_H

#include <stddef.h>
#include <stdint.h>

struct embedded {
	const char *architecture; /* as `uname -m` says it; NULL ends a table */
	const uint8_t *start, *end;
};

/* /init; the first process of a root that has no init of its own (init/entry/); what unmounts at
 * shutdown (init/down/); the first process of a guest of `plyboot run` (init/run/). NULL when there
 * is none for that architecture. */
const struct embedded *embedded_init(const char *architecture);
const struct embedded *embedded_entry(const char *architecture);
const struct embedded *embedded_shutdown(const char *architecture);
const struct embedded *embedded_run(const char *architecture);

#endif

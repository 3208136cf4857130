/* A boot.json of /init as a picture of what took the time (init/BOOT.md describes the report), with
 * what came before and behind it where that is known. */
#ifndef PLYBOOT_TIMELINE_H
#define PLYBOOT_TIMELINE_H

#include <jansson.h>
#include <stddef.h>

#include "../layers/error.h"
#include "times.h"

/* Of the same boot as the report; each may be NULL. The caller's. */
struct timeline_times {
	const struct times_kernel *kernel;
	const struct times_systemd *systemd;
};

/* `report`: one that booted_parse() took. The SVG, which the caller frees. ERROR_FORMAT: times that
 * are none, and those of timeline_check_systemd(); ERROR_NOSPACE. */
int timeline_draw(const json_t *report, const struct timeline_times *times, char **svg,
	size_t *size_bytes, struct error *e);

/* When /init began; what times_kernel_parse() has to know. ERROR_FORMAT. */
int timeline_init_us(const json_t *report, uint64_t *out, struct error *e);

/* ERROR_FORMAT: systemd's times can't be of this boot. */
int timeline_check_systemd(
	const json_t *report, const struct times_systemd *systemd, struct error *e);

#endif

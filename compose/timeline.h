/* A boot.json of /init as a picture of what took the time (init/BOOT.md describes the report). */
#ifndef PLYBOOT_TIMELINE_H
#define PLYBOOT_TIMELINE_H

#include <jansson.h>
#include <stddef.h>

#include "../layers/error.h"

/* `report`: one that booted_parse() took. The SVG, which the caller frees. ERROR_FORMAT: times that
 * are none; ERROR_NOSPACE. */
int timeline_draw(const json_t *report, char **svg, size_t *size_bytes, struct error *e);

#endif

/* A rectangle divided among weights, each in proportion, as near to squares as it goes: the
 * squarified treemap of Bruls, Huizing and van Wijk (2000). Where, not how it looks. */
#ifndef PLYBOOT_TREEMAP_H
#define PLYBOOT_TREEMAP_H

#include <stddef.h>
#include <stdint.h>

#include "svg.h"

/* `out[i]` is the part of `weights[i]`. Together they are `within`, and no two overlap (but for the
 * last bits of a double). Best with the largest first; any order will do. A weight of 0 has an
 * empty part; where all are 0, or `within` is empty, all parts are empty. In time linear in
 * `count`. */
void treemap_lay(
	const uint64_t *weights, size_t count, const struct svg_rect *within, struct svg_rect *out);

#endif

/* A picture of what takes the room: a bar for each layer, and the directories of the tree that they
 * make as a treemap. One page of A4. */
#ifndef PLYBOOT_ROOM_PLOT_H
#define PLYBOOT_ROOM_PLOT_H

#include <stddef.h>

#include "merged.h"
#include "../layers/stack.h"

struct room_plot {
	const struct stack *stack;          /* NULL: layers that no stack names */
	const struct layer_record *records; /* bottom first, as many as `merged` has */
	const struct merged *merged;
};

/* The SVG, which the caller frees; of the same layers always the same bytes. ERROR_NOSPACE. */
int room_plot_draw(const struct room_plot *plot, char **svg, size_t *size_bytes, struct error *e);

#endif

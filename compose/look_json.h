/* What `plyboot ls --json` and `plyboot inspect --json` print; layers/FORMAT.md lists the keys. */
#ifndef PLYBOOT_LOOK_JSON_H
#define PLYBOOT_LOOK_JSON_H

#include "room.h"
#include "../layers/stack.h"

/* One node, in one line on standard output. ERROR_NOSPACE. */
int look_json_node(const struct merged *merged, const struct merged_node *node, struct error *e);

/* Records, and what the layers hold, if that is known (else NULL): one object. `stack` is NULL for
 * a .layer file. */
struct look_json_contents {
	const struct merged *merged;
	const struct room *room;
};
int look_json_layers(const struct stack *stack, const struct layer_record *records, size_t count,
	const struct look_json_contents *contents, struct error *e);

#endif

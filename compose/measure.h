/* What /init will say about a layer, asked of the same engine. */
#ifndef PLYBOOT_MEASURE_H
#define PLYBOOT_MEASURE_H

#include <stdbool.h>

#include "layout.h"
#include "../layers/stack.h"

/*
 * Unpack a new layer, names only, into a directory that goes away again, and fill in what the
 * signature will pin: unpacked_bytes, entries, and user_xattrs (`user_xattrs` if it has any, else
 * none). Every error of layer_unpack().
 */
int measure_layer(struct layout *layout, enum user_xattrs user_xattrs, struct layer_record *record,
	struct error *e);

/* Hash a blob, all of it. ERROR_DIGEST when it is another one than its name says. */
int measure_digest(struct layout *layout, const struct digest *digest, struct error *e);

/* Check a layer as a signed stack names it, and the digest of its whole blob. ERROR_DIGEST and
 * every error of layer_unpack(). */
int measure_check(struct layout *layout, const struct layer_record *record, struct error *e);

#endif

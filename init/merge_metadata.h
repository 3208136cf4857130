/* What a directory of an upper is, beside its entries, for another one. */
#ifndef PLYBOOT_MERGE_METADATA_H
#define PLYBOOT_MERGE_METADATA_H

#include "error.h"

#define MERGE_OPAQUE "trusted.overlay.opaque"

/* As overlayfs reads its own: "y", and nothing else. 1 or 0. */
int merge_has_flag(int fd, const char *flag, struct error *e);
int merge_set_flag(int fd, const char *flag, struct error *e);

/* Set where it is set in `from`; never removed. */
int merge_carry_flag(int from, int into, const char *flag, struct error *e);

/* Owner, mode, times, attributes, and of overlayfs's own what says how it looks from above; not
 * whether it is opaque. */
int merge_copy_metadata(int from, int into, struct error *e);

#endif

/* Taking the mounts away, deepest first. */
#ifndef PLYBOOT_DOWN_UNMOUNT_H
#define PLYBOOT_DOWN_UNMOUNT_H

#include <stdbool.h>

/* Unmount all that is not of this program's own place; what can't be is made read-only, and said.
 * `pivoted`: see place.h. Else the root, and what lies in memory alone, stay, and the root is made
 * read-only. False: something can still be written to. */
bool unmount_all(bool pivoted);

/* Whether there is something to lose when it is not unmounted. */
bool unmount_is_lasting(const char *type);

#endif

/* Between the parts of compose/layout.h: how its directory comes, and goes. */
#ifndef PLYBOOT_LAYOUT_MAKE_H
#define PLYBOOT_LAYOUT_MAKE_H

#include "layout.h"

/* Open and lock the directory at its path, shared; with `create` make it a layout first, if it is
 * none: when several do so at once one makes it, and all have it. ERROR_MISSING, ERROR_FORMAT,
 * ERROR_IO, ERROR_NOSPACE. */
int layout_make_open(struct layout *layout, bool create, struct error *e);

/* Take away what it was made of, unless somebody else uses it, or has put something into it. */
void layout_make_undo(struct layout *layout);

#endif

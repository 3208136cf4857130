/* plyboot inspect --plot: the picture instead of the text. */
#ifndef PLYBOOT_INSPECT_PLOT_H
#define PLYBOOT_INSPECT_PLOT_H

#include "inspect.h"
#include "target.h"

/* Read what was taken, draw it (room_plot.h), and write given->plot, whole or not at all.
 * ERROR_MISSING: no store, or not all of its blobs; every error of target_read() and output.h. */
int inspect_plot(const struct inspect_options *given, struct target *target, struct error *e);

#endif

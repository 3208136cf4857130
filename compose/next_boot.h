/* What the running system asks of its next boot: layers/asked.h on its state partition. */
#ifndef PLYBOOT_NEXT_BOOT_H
#define PLYBOOT_NEXT_BOOT_H

#include "../layers/asked.h"
#include "booted.h"

/* plyboot/<stack name> of the state partition of this system, which the caller closes. `directory`
 * as with booted_read(). ERROR_MISSING: nothing of it is kept. */
int next_boot_open(const struct booted *booted, const char *directory, int *home, struct error *e);

/* `*there`: something is asked for. ERROR_FORMAT. */
int next_boot_read(int home, struct asked *out, bool *there, struct error *e);

/* Whole, on the disk, in the place of what was asked for before. ERROR_LIMIT. */
int next_boot_write(int home, const struct asked *asked, struct error *e);

/* Nothing is asked for any more. ERROR_MISSING: nothing was. */
int next_boot_cancel(int home, struct error *e);

/* Add a path as it was given: absolute, with no "..". ERROR_PATH, ERROR_LIMIT. `normal`: what it is
 * then. */
int next_boot_add(
	struct asked *asked, const char *given, char normal[ASKED_PATH_SIZE], struct error *e);

#endif

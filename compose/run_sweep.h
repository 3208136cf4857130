/* Room in the cache of `plyboot run`: what was used longest ago goes first, and what a killed run
 * left. */
#ifndef PLYBOOT_RUN_SWEEP_H
#define PLYBOOT_RUN_SWEEP_H

#include <stdint.h>

#include "scratch.h"

/* Sweep the cache, and begin a directory in it, which is locked until its descriptor is closed. One
 * at a time: no sweep finds a directory between the two. ERROR_IO, ERROR_NOSPACE. */
int run_sweep_begin(int cache_fd, uint64_t most_bytes, struct scratch *out, struct error *e);

/* Remove an entry that nobody holds; whatever else has that name goes, too. */
void run_sweep_remove(int cache_fd, const char *name);

#endif

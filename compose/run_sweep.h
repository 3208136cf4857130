/* Room in the cache of `plyboot run`: what was used longest ago goes first, and what a killed run
 * left. */
#ifndef PLYBOOT_RUN_SWEEP_H
#define PLYBOOT_RUN_SWEEP_H

#include <stdint.h>

#include "scratch.h"

/* Have the cache to oneself until the descriptor is closed: entries neither come nor go. What is
 * held is used all the same. -1: ERROR_IO. */
int run_sweep_lock(int cache_fd, struct error *e);

/* Sweep the cache, and begin a directory in it, which is locked until its descriptor is closed. One
 * at a time: no sweep finds a directory between the two. ERROR_IO, ERROR_NOSPACE. */
int run_sweep_begin(int cache_fd, uint64_t most_bytes, struct scratch *out, struct error *e);

/* Remove an entry that nobody holds; whatever else has that name goes, too. The caller has the
 * cache's lock: without it the name could be a new entry's by then. */
void run_sweep_remove(int cache_fd, const char *name);

#endif

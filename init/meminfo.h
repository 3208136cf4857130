/* One number out of /proc/meminfo. */
#ifndef PLYBOOT_MEMINFO_H
#define PLYBOOT_MEMINFO_H

#include <stdbool.h>
#include <stdint.h>

/* False when the line isn't there or isn't "<key>: <number> kB". */
bool meminfo_bytes(const char *text, const char *key, uint64_t *bytes);

#endif

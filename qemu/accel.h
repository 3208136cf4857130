/*
 * KVM or TCG. That /dev/kvm opens says little: on some machines guests then hang or crawl. So a
 * boot sector is run under KVM for at most ACCEL_PROBE_LIMIT_MS: it enters 64-bit mode, counts to
 * 50 million and ends QEMU (its source is in machine.c). What came out is remembered in the
 * file `kvm` of the cache directory, until this machine or its kernel is booted anew or QEMU
 * changes. PLYBOOT_ACCEL=kvm or =tcg in the environment decides without a probe.
 */
#ifndef PLYBOOT_QEMU_ACCEL_H
#define PLYBOOT_QEMU_ACCEL_H

#include <limits.h>
#include <stdbool.h>

#include "machine.h"

enum { ACCEL_PROBE_LIMIT_MS = 3000 };

/* "kvm" or "tcg" into *accel (static) for the QEMU program at `path`. ERROR_USAGE for a
 * PLYBOOT_ACCEL that is neither. Whatever goes wrong with the probe or the cache means TCG, or a
 * probe the next time. */
int accel_choose(
	const struct machine *machine, const char *path, const char **accel, struct error *e);

/* The cache directory: $PLYBOOT_CACHE, $XDG_CACHE_HOME/plyboot or ~/.cache/plyboot. It is made if
 * need be; false when there is no place for one. */
bool accel_cache_directory(char directory[PATH_MAX]);

#endif

/* Whether a QEMU can be asked for a sandbox. Inside qemu/ only. */
#ifndef PLYBOOT_QEMU_SANDBOX_H
#define PLYBOOT_QEMU_SANDBOX_H

#include "machine.h"

/*
 * Whether a QEMU that was asked for a sandbox ended so because it can't have one: it was built
 * without seccomp, or the kernel here has none for it. Looking before each start would take 20 ms;
 * so this looks afterwards, and only when QEMU spoke of it. Its words alone do not count, which
 * could be those of a guest that has taken it over: it is asked once more, without a guest.
 */
bool sandbox_is_missing(
	const struct machine *machine, const char *path, const struct qemu_outcome *outcome);

#endif

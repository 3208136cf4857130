/* The way back at shutdown, systemd's initrd interface: /run/initramfs, a root with a program
 * `shutdown` in it that takes the real root and the state partition apart (init/down/). */
#ifndef PLYBOOT_WAYBACK_H
#define PLYBOOT_WAYBACK_H

#include "report.h"

/* Out of the initramfs, into a tmpfs of its own: /run may become noexec. Before the root is
 * mounted, since the scripts of other inits leave alone what was mounted earlier. What fails is
 * said, and no reason not to boot. */
void wayback_make(struct report *report);

/* The devices that it has to do with, once they are known: links `state` and `watchdog`. */
void wayback_note_devices(struct report *report);

#endif

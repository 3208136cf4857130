/* Kernel modules out of the initramfs, in the order that init.conf gives. */
#ifndef PLYBOOT_MODULES_H
#define PLYBOOT_MODULES_H

#include "initconf.h"

/* One that can't be loaded is passed to `warn` and passed over: the machine may not need it. */
void modules_load(
	const struct initconf *conf, void (*warn)(void *context, const char *line), void *context);

#endif

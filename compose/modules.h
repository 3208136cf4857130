/*
 * Which of a kernel's modules an initramfs needs, in the order in which to load them: what depmod
 * wrote beside them (modules.dep, modules.builtin, modules.alias, modules.softdep) says it.
 */
#ifndef PLYBOOT_MODULES_H
#define PLYBOOT_MODULES_H

#include <stdbool.h>

#include "options.h"

struct module {
	char *name;  /* with '_' for '-' */
	char *path;  /* below the directory: kernel/fs/ext4/ext4.ko */
	char *needs; /* paths, as modules.dep has them */
	int state;
};

struct modules {
	char *directory; /* lib/modules/RELEASE, as it is found from here */
	char *release;
	size_t count;
	struct module *all;              /* by modules.dep */
	char *builtin, *alias, *softdep; /* those files' texts; "" for none */
	size_t chosen_count;
	const struct module **chosen; /* in the order in which to load them */
};

/* Take a lib/modules/RELEASE, or a root with exactly one. ERROR_MISSING: not there, or no
 * modules.dep in it (`depmod`); ERROR_USAGE: a root with several. Free with modules_free(). */
int modules_open(const char *path, struct modules *out, struct error *e);

/* Choose a module and all it needs. Built into the kernel: nothing to do. ERROR_MISSING, with names
 * that look alike. */
int modules_choose(struct modules *modules, const char *name, struct error *e);

void modules_free(struct modules *modules);
#define SCOPED_MODULES __attribute__((cleanup(modules_free))) struct modules

#endif

/* The kernel that `plyboot run` boots, and its modules. */
#ifndef PLYBOOT_RUN_KERNEL_H
#define PLYBOOT_RUN_KERNEL_H

#include "run_cache.h"

struct run_kernel {
	char *file;    /* owned; what QEMU starts */
	char *modules; /* owned; a root with lib/modules, or lib/modules/RELEASE; NULL: none */
	struct run_entry entry; /* holds what was unpacked of a package */
};

#define RUN_KERNEL_INIT                                                                            \
	{                                                                                          \
		.entry = RUN_ENTRY_INIT                                                            \
	}

/*
 * `given`: a bzImage or vmlinux (modules: lib/modules beside it; of /boot/vmlinuz-RELEASE those of
 * /lib/modules/RELEASE); a directory with vmlinux (of CONFIG_PVH), vmlinuz or bzImage, or a tree in
 * which one was compiled, and perhaps lib/modules; a Debian package linux-image-*.deb, which is
 * unpacked into the cache. NULL: PLYBOOT_KERNEL in the environment, else ../lib/plyboot/kernel-ARCH
 * as seen from this command, else the newest that kconfig/build has put into the cache.
 * ERROR_MISSING says how to get one. ERROR_IO.
 */
int run_kernel_find(const char *given, const char *architecture, struct run_cache *cache,
	struct run_kernel *out, struct error *e);
void run_kernel_close(struct run_kernel *kernel);
#define SCOPED_RUN_KERNEL __attribute__((cleanup(run_kernel_close))) struct run_kernel

#endif

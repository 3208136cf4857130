/* Programs, as far as one has to know them to put one where no library and no other machine is. */
#ifndef PLYBOOT_ELF_H
#define PLYBOOT_ELF_H

#include <stdbool.h>
#include <stdint.h>

#include "../layers/error.h"

/* Is it a program that runs by itself on this architecture (as `uname -m` says it)? ERROR_TYPE: no
 * ELF program, damaged, or one that needs an interpreter (the message names it); ERROR_TARGET: for
 * another architecture, or one that is not known. */
int elf_check_static(
	const uint8_t *bytes, size_t size_bytes, const char *architecture, struct error *e);

/* Is it a vmlinux that QEMU starts: with a note that says where (Xen's PVH)? Kernels have it with
 * CONFIG_PVH only. */
bool elf_has_pvh(const uint8_t *bytes, size_t size_bytes);

#endif

#include "kconfig.h"

/* The one list, as it is in the tree. */
__asm__(".section .rodata.kconfig_required, \"a\", %progbits\n"
	".globl kconfig_required\n"
	"kconfig_required:\n"
	".incbin \"kconfig/required.config\"\n"
	".byte 0\n"
	".previous\n");

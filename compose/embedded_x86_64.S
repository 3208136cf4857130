/* INIT_PATH is a string: the stripped /init for x86_64. */
	.section .rodata.embedded_init_x86_64, "a", %progbits
	.balign 16
	.globl embedded_init_x86_64_start
	.globl embedded_init_x86_64_end
embedded_init_x86_64_start:
	.incbin INIT_PATH
embedded_init_x86_64_end:
	.byte 0
	.section .note.GNU-stack, "", %progbits

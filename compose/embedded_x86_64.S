/* INIT_PATH, ENTRY_PATH, SHUTDOWN_PATH and RUN_PATH are strings: the stripped programs for x86_64. */
	.section .rodata.embedded_init_x86_64, "a", %progbits
	.balign 16
	.globl embedded_init_x86_64_start
	.globl embedded_init_x86_64_end
embedded_init_x86_64_start:
	.incbin INIT_PATH
embedded_init_x86_64_end:
	.byte 0
	.section .rodata.embedded_entry_x86_64, "a", %progbits
	.balign 16
	.globl embedded_entry_x86_64_start
	.globl embedded_entry_x86_64_end
embedded_entry_x86_64_start:
	.incbin ENTRY_PATH
embedded_entry_x86_64_end:
	.byte 0
	.section .rodata.embedded_shutdown_x86_64, "a", %progbits
	.balign 16
	.globl embedded_shutdown_x86_64_start
	.globl embedded_shutdown_x86_64_end
embedded_shutdown_x86_64_start:
	.incbin SHUTDOWN_PATH
embedded_shutdown_x86_64_end:
	.byte 0
	.section .rodata.embedded_run_x86_64, "a", %progbits
	.balign 16
	.globl embedded_run_x86_64_start
	.globl embedded_run_x86_64_end
embedded_run_x86_64_start:
	.incbin RUN_PATH
embedded_run_x86_64_end:
	.byte 0
	.section .note.GNU-stack, "", %progbits

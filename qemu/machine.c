#include "machine.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../layers/runport.h"
#include "../layers/scope.h"
#include "tsc.h"

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

/*
 * KVM's test. The BIOS loads it to 0x7c00. It enters 64-bit mode as a kernel does, makes exits to
 * KVM and to QEMU, loads page tables, and runs enough instructions that a KVM which only emulates
 * them misses the time limit: there the BIOS alone took 3 s and 10^7 rounds of the last loop more
 * than 20 s; QEMU's own TCG does it all in 0.2 s.
 *
 *         .code16
 *         cli; cld
 *         xorl %eax, %eax; movw %ax, %ds; movw %ax, %es
 *         movw $0x1000, %di; movw $0xc00, %cx; rep stosl     # three pages of zeros, for
 *         movw $0x2003, 0x1000                               # the PML4,
 *         movw $0x3003, 0x2000                               # the PDPT,
 *         movw $0x0083, 0x3000                               # and the PD: 2 MiB, large
 *         lgdt gdt_pointer
 *         movb $0x20, %al; movl %eax, %cr4                   # PAE
 *         movw $0x1000, %ax; movl %eax, %cr3
 *         movl $0xc0000080, %ecx; rdmsr; orw $0x100, %ax; wrmsr   # EFER.LME
 *         movl $0x80000001, %eax; movl %eax, %cr0            # PG and PE
 *         ljmp $8, $long_mode
 *         .code64
 * long_mode:
 *         movl $1000, %esi
 * 1:      xorl %eax, %eax; cpuid
 *         outb %al, $0x80
 *         movq %cr3, %rax; movq %rax, %cr3
 *         decl %esi; jnz 1b
 *         movl $50000000, %esi
 * 2:      decl %esi; jnz 2b
 *         movb $0x10, %al; outb %al, $0xf4                   # isa-debug-exit: status 0x21
 * 3:      hlt; jmp 3b
 *         .balign 8
 * gdt:    .quad 0, 0x00209a0000000000                        # 64-bit code
 * gdt_pointer:
 *         .word 15; .long gdt
 *         .org 510; .word 0xaa55
 */
/* clang-format off */
static const unsigned char x86_kvm_probe[512] = {
	0xfa, 0xfc, 0x66, 0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0, 0xbf, 0x00, 0x10, 0xb9, 0x00,
	0x0c, 0x66, 0xf3, 0xab, 0xc7, 0x06, 0x00, 0x10, 0x03, 0x20, 0xc7, 0x06, 0x00, 0x20,
	0x03, 0x30, 0xc7, 0x06, 0x00, 0x30, 0x83, 0x00, 0x0f, 0x01, 0x16, 0x88, 0x7c, 0xb0,
	0x20, 0x0f, 0x22, 0xe0, 0xb8, 0x00, 0x10, 0x0f, 0x22, 0xd8, 0x66, 0xb9, 0x80, 0x00,
	0x00, 0xc0, 0x0f, 0x32, 0x0d, 0x00, 0x01, 0x0f, 0x30, 0x66, 0xb8, 0x01, 0x00, 0x00,
	0x80, 0x0f, 0x22, 0xc0, 0xea, 0x4f, 0x7c, 0x08, 0x00, 0xbe, 0xe8, 0x03, 0x00, 0x00,
	0x31, 0xc0, 0x0f, 0xa2, 0xe6, 0x80, 0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8, 0xff, 0xce,
	0x75, 0xf0, 0xbe, 0x80, 0xf0, 0xfa, 0x02, 0xff, 0xce, 0x75, 0xfc, 0xb0, 0x10, 0xe6,
	0xf4, 0xf4, 0xeb, 0xfd, 0x0f, 0x1f, 0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x9a, 0x20, 0x00, 0x0f, 0x00, 0x78, 0x7c,
	[510] = 0x55, [511] = 0xaa,
};
/* clang-format on */

static const struct machine machines[] = {
	{
		.architecture = "x86_64",
		.program = "qemu-system-x86_64",
		.package = "qemu-system-x86",
		.arguments = LIST("-M", "pc"),
		.ports = LIST("-serial", "chardev:console", "-serial", "chardev:verdict"),
		/* Without what QEMU adds for nobody. qboot goes to the kernel at once; with SeaBIOS
		 * and the pc machine the same takes 0.3 s longer. */
		.run_arguments = LIST("-M", "q35,sata=off,smbus=off,usb=off"),
		.run_firmware = "/usr/share/qemu/qboot.rom",
		.run_ports = LIST("-serial", "chardev:console", "-device", "virtio-serial-pci",
			"-device", "virtserialport,chardev=run,name=" RUNPORT_NAME),
		.share_device = "virtio-9p-pci",
		/* On a busy machine the emulated timer's first interrupts may come too late for the
		 * kernel's check of them, which then panics. */
		.emulated_words = "no_timer_check",
		.console = "ttyS0",
		.verdict = "ttyS1",
		.disk_device = "virtio-blk-pci",
		.network_device = "virtio-net-pci",
		.kvm_arguments = LIST("-cpu", "host"),
		.kvm_probe_arguments = LIST("-device", "isa-debug-exit,iobase=0xf4,iosize=1"),
		.kvm_probe = x86_kvm_probe,
		.kvm_probe_size = sizeof(x86_kvm_probe),
		.kvm_probe_status = 0x21,
	},
};

enum { MACHINE_COUNT = sizeof(machines) / sizeof(machines[0]) };

const struct machine *machine_find(const char *architecture, struct error *e)
{
	char known[128] = "";

	for (size_t i = 0; i < MACHINE_COUNT; i++) {
		if (strcmp(machines[i].architecture, architecture) == 0)
			return &machines[i];
		strncat(known, " ", sizeof(known) - strlen(known) - 1);
		strncat(known, machines[i].architecture, sizeof(known) - strlen(known) - 1);
	}
	error_set(e, ERROR_USAGE, 0, "architecture `%s` is not one that can be booted here:%s",
		architecture, known);
	return NULL;
}

void machine_argument(struct machine_arguments *arguments, const char *format, ...)
{
	char **items = realloc(arguments->items, (arguments->count + 2) * sizeof(*items));
	va_list list;
	int length;

	if (!items) {
		arguments->failed = true;
		return;
	}
	arguments->items = items;
	va_start(list, format);
	length = vasprintf(&items[arguments->count], format, list);
	va_end(list);
	if (length < 0)
		arguments->failed = true;
	else
		arguments->count++;
	items[arguments->count] = NULL;
}

void machine_argument_list(struct machine_arguments *arguments, const char *const *list)
{
	for (; list && *list; list++)
		machine_argument(arguments, "%s", *list);
}

void machine_arguments_free(struct machine_arguments *arguments)
{
	for (size_t i = 0; i < arguments->count; i++)
		free(arguments->items[i]);
	free(arguments->items);
	*arguments = (struct machine_arguments){0};
}

/* In QEMU's option strings a comma is written twice. A relative name with a colon would be taken
 * for a protocol. NULL: no memory. The caller frees it. */
static char *option_value(const char *path)
{
	char *value = malloc(2 * strlen(path) + 3);
	char *out = value;

	if (!value)
		return NULL;
	if (path[0] != '/') {
		*out++ = '.';
		*out++ = '/';
	}
	for (; *path != '\0'; path++) {
		*out++ = *path;
		if (*path == ',')
			*out++ = ',';
	}
	*out = '\0';
	return value;
}

static void add_disk(const struct machine *machine, const struct qemu_disk *disk, size_t i,
	struct machine_arguments *arguments)
{
	SCOPED_FREE char *file = option_value(disk->path);

	if (!file) {
		arguments->failed = true;
		return;
	}
	machine_argument(arguments, "-drive");
	machine_argument(arguments, "if=none,id=disk%zu,format=raw,file=%s%s%s", i, file,
		disk->read_only ? ",read-only=on" : "", disk->snapshot ? ",snapshot=on" : "");
	machine_argument(arguments, "-device");
	machine_argument(arguments, "%s,drive=disk%zu", machine->disk_device, i);
}

/*
 * security_model=none: what the guest does to a file is done to it with the rights of whoever runs
 * QEMU, and where those don't suffice for an owner, that is passed over. "mapped" would keep owners
 * and modes of its own in extended attributes: the host would see links as files, and programs
 * without their x. "passthrough" fails where none passes over, unless it is root's.
 */
static void add_share(const struct machine *machine, const struct qemu_share *share, size_t i,
	struct machine_arguments *arguments)
{
	SCOPED_FREE char *path = option_value(share->path);

	if (!path) {
		arguments->failed = true;
		return;
	}
	machine_argument(arguments, "-fsdev");
	machine_argument(arguments, "local,id=%s%zu,path=%s,security_model=none,multidevs=remap%s",
		RUNPORT_SHARE_TAG, i, path, share->writable ? "" : ",readonly=on");
	machine_argument(arguments, "-device");
	machine_argument(arguments, "%s,fsdev=%s%zu,mount_tag=%s%zu", machine->share_device,
		RUNPORT_SHARE_TAG, i, RUNPORT_SHARE_TAG, i);
}

static void add_machine(const struct machine *machine, const struct qemu_request *request,
	struct machine_arguments *arguments)
{
	if (!request->command) {
		machine_argument_list(arguments, machine->arguments);
		return;
	}
	machine_argument_list(arguments, machine->run_arguments);
	if (machine->run_firmware && access(machine->run_firmware, R_OK) == 0)
		machine_argument_list(arguments, LIST("-bios", machine->run_firmware));
}

static void add_network(const struct machine *machine, const struct qemu_request *request,
	struct machine_arguments *arguments)
{
	if (!request->network) {
		machine_argument_list(arguments, LIST("-nic", "none"));
		return;
	}
	machine_argument(arguments, "-netdev");
	machine_argument(arguments, "user,id=net%s%s", request->host_forward ? ",hostfwd=" : "",
		request->host_forward ? request->host_forward : "");
	machine_argument(arguments, "-device");
	/* Without a boot ROM: it is in a package that QEMU only recommends. */
	machine_argument(arguments, "%s,netdev=net,romfile=", machine->network_device);
}

static void add_kernel(const struct machine *machine, const struct qemu_request *request,
	const char *accel, struct machine_arguments *arguments)
{
	const bool emulated = strcmp(accel, "tcg") == 0 && machine->emulated_words != NULL;
	unsigned tsc_khz = emulated ? tsc_rate_khz() : 0;
	char tsc[40] = "";

	machine_argument_list(arguments, LIST("-kernel", request->kernel));
	if (request->initrd)
		machine_argument_list(arguments, LIST("-initrd", request->initrd));
	machine_argument(arguments, "-append");
	if (tsc_khz != 0)
		(void)snprintf(tsc, sizeof(tsc), " tsc_early_khz=%u", tsc_khz);
	/* With panic=-1 a panic reboots at once, and -no-reboot makes that QEMU's end. */
	machine_argument(arguments, "console=%s panic=-1%s%s%s%s%s%s", machine->console,
		request->command ? " quiet" : "", emulated ? " " : "",
		emulated ? machine->emulated_words : "", tsc, request->append ? " " : "",
		request->append ? request->append : "");
}

static bool has_sandbox(const char *const *extra)
{
	for (; extra && *extra; extra++) {
		if (strcmp(*extra, "-sandbox") == 0 || strcmp(*extra, "--sandbox") == 0)
			return true;
	}
	return false;
}

/*
 * For a guest that takes QEMU over: no other program, no other user, no system call that nobody
 * needs; it ends by SIGSYS when it tries. Arguments of the caller's own may want some of it (a
 * network bridge is set up by a set-user-ID program, threads are bound to CPUs): with them only the
 * last of these is denied. With a -sandbox among them it is as that says.
 */
static void add_sandbox(const struct qemu_request *request, struct machine_arguments *arguments)
{
	const bool plain = !request->extra || !request->extra[0];

	if (has_sandbox(request->extra))
		return;
	machine_argument(arguments, "-sandbox");
	machine_argument(arguments, "%s", plain ? MACHINE_SANDBOX : "on,obsolete=deny");
}

int machine_command(const struct machine *machine, const struct qemu_request *request,
	const struct machine_use *use, struct machine_arguments *arguments, struct error *e)
{
	machine_argument_list(arguments, LIST(machine->program, "-accel", use->accel));
	add_machine(machine, request, arguments);
	if (strcmp(use->accel, "kvm") == 0)
		machine_argument_list(arguments, machine->kvm_arguments);
	machine_argument_list(
		arguments, LIST("-nodefaults", "-no-user-config", "-display", "none"));
	if (use->sandbox)
		add_sandbox(request, arguments);
	if (!request->reboot)
		machine_argument_list(arguments, LIST("-no-reboot"));
	machine_argument_list(arguments, LIST("-m"));
	machine_argument(arguments, "%u", request->memory_mib);
	machine_argument_list(arguments, LIST("-smp"));
	machine_argument(arguments, "%u", request->cpus);
	machine_argument_list(arguments, LIST("-chardev"));
	machine_argument(arguments, "socket,id=console,fd=%d", use->console_fd);
	machine_argument_list(arguments, LIST("-chardev"));
	machine_argument(arguments, "socket,id=%s,fd=%d", request->command ? "run" : "verdict",
		use->port_fd);
	machine_argument_list(arguments, request->command ? machine->run_ports : machine->ports);
	add_network(machine, request, arguments);
	for (size_t i = 0; i < request->disk_count; i++)
		add_disk(machine, &request->disks[i], i, arguments);
	for (size_t i = 0; request->command && i < request->command->share_count; i++)
		add_share(machine, &request->command->shares[i], i, arguments);
	add_kernel(machine, request, use->accel, arguments);
	machine_argument_list(arguments, request->extra);
	if (arguments->failed)
		return error_errno(e, ENOMEM, "QEMU's arguments");
	return 0;
}

/* What QEMU must be told for each architecture: one row each. Pure, but for the heap. */
#ifndef PLYBOOT_QEMU_MACHINE_H
#define PLYBOOT_QEMU_MACHINE_H

#include "boot.h"

struct machine {
	const char *architecture;     /* `uname -m`, and the stack file's word */
	const char *program;          /* in PATH */
	const char *package;          /* Debian's, that holds it */
	const char *const *arguments; /* the machine; ended by NULL, as every list here */
	const char *const *ports;     /* the chardevs "console" and "verdict" become these */
	/* The same of a guest with a command, where starting fast is the point: */
	const char *const *run_arguments;
	const char *run_firmware;     /* a file that is used where it is there, or NULL */
	const char *const *run_ports; /* "console" and "run" */
	const char *share_device;
	const char *console; /* the kernel's names of them */
	const char *verdict;
	const char *emulated_words; /* for the kernel where QEMU emulates the CPU, or NULL */
	const char *disk_device;
	const char *network_device;
	const char *const *kvm_arguments;
	const char *const *kvm_probe_arguments; /* what the probe needs beside the machine */
	const unsigned char *kvm_probe; /* a boot sector, see accel.h; NULL: KVM is not used */
	size_t kvm_probe_size;
	int kvm_probe_status; /* QEMU's exit status when the probe went well */
};

/* The row of an architecture. NULL and ERROR_USAGE, with the known ones, when there is none. */
const struct machine *machine_find(const char *architecture, struct error *e);

/* A growing argument vector. All zero is empty. */
struct machine_arguments {
	char **items; /* ended by NULL once machine_argument has returned */
	size_t count;
	bool failed; /* memory ran out: sticky, so that a builder need not look each time */
};

void machine_argument(struct machine_arguments *arguments, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void machine_argument_list(struct machine_arguments *arguments, const char *const *list);
void machine_arguments_free(struct machine_arguments *arguments);

/* What is asked for without arguments of the caller's own. */
#define MACHINE_SANDBOX "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"

/* How this QEMU is used. The descriptors are sockets that it inherits. */
struct machine_use {
	const char *accel; /* "kvm" or "tcg" */
	bool sandbox;      /* ask it to give up what it needs no more; not every QEMU can */
	int console_fd;
	int port_fd; /* for the verdict, or with a command for its frames */
};

/* QEMU's whole argument vector for a request. The caller frees it in every case. ERROR_NOSPACE. */
int machine_command(const struct machine *machine, const struct qemu_request *request,
	const struct machine_use *use, struct machine_arguments *arguments, struct error *e);

#endif

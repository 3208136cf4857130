/*
 * The one runner: boots a kernel in QEMU, passes its console on, waits for the guest's verdict.
 *
 * Console. The guest's first serial port. What it prints goes to `console_fd` and `log_fd` byte for
 * byte as it comes. Interactive, the caller's terminal is the guest's; Ctrl-A X leaves.
 *
 * Verdict. The guest's second serial port (/dev/ttyS1 on x86_64) is for the payload. A line
 *
 *         plyboot-verdict N            N decimal, 0 to 119, no sign, no leading zero
 *         plyboot-verdict N NONCE      NONCE without white space
 *
 * ended by \n or \r\n is the verdict. With `expect` only the second form with exactly that nonce
 * counts. The first verdict counts; every other line on this port is ignored. The payload writes
 * the line, then powers off; a guest that is still there QEMU_VERDICT_LINGER_S later is ended.
 *
 * A line of the console that holds the kernel's "Kernel panic - not syncing" is a panic, whatever
 * the verdict says and however QEMU exits.
 */
#ifndef PLYBOOT_QEMU_BOOT_H
#define PLYBOOT_QEMU_BOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "../layers/error.h"
#include "console.h"

/* Exit statuses of whoever runs a guest, as compose/EXIT.md lists them. Below them all is the
 * guest's verdict. */
enum {
	QEMU_STATUS_VERDICT_MAX = 119,
	QEMU_STATUS_NO_VERDICT = 120, /* powered off without the verdict that was required */
	QEMU_STATUS_PANIC = 121,
	QEMU_STATUS_LIMIT = 122,  /* the time limit was reached */
	QEMU_STATUS_FAILED = 123, /* QEMU ended with an error */
	QEMU_STATUS_SIGNAL = 128  /* plus the number of the signal that the runner got */
};

enum { QEMU_LIMIT_DEFAULT_S = 300, QEMU_MEMORY_DEFAULT_MIB = 1024, QEMU_VERDICT_LINGER_S = 15 };

struct qemu_disk {
	const char *path; /* a raw image or a block device */
	bool read_only;
	bool snapshot; /* writes go to a temporary file that nobody sees */
};

/* Everything pointed to stays the caller's, and is only read. */
struct qemu_request {
	const char *architecture; /* as `uname -m` says it */
	const char *kernel;       /* bzImage or PVH vmlinux */
	const char *initrd;       /* may be NULL */
	const char *append;       /* words behind "console=... panic=-1"; may be NULL */
	unsigned memory_mib;
	unsigned cpus;
	const struct qemu_disk *disks; /* in the order in which the guest sees them */
	size_t disk_count;
	bool network; /* a user-mode network; without it there is no card at all */
	const char
		*host_forward; /* QEMU's hostfwd= rule, such as "tcp:127.0.0.1:8080-:80", or NULL */
	const char *const *extra; /* more arguments for QEMU, ended by NULL; may be NULL */

	bool reboot;           /* a guest that reboots boots again, instead of ending */
	bool interactive;      /* standard input and output are the guest's terminal */
	int console_fd;        /* the console's bytes go here; -1: nowhere */
	int log_fd;            /* and here; -1: nowhere */
	unsigned limit_s;      /* wall time; 0: none, as an interactive guest wants it */
	bool verdict_required; /* powering off without a verdict is a failure (not interactive) */
	const char *expect;    /* the nonce that a verdict must carry; NULL: any or none */
};

#define QEMU_REQUEST_INIT                                                                          \
	{                                                                                          \
		.architecture = "x86_64", .memory_mib = QEMU_MEMORY_DEFAULT_MIB, .cpus = 1,        \
		.console_fd = 1, .log_fd = -1, .limit_s = QEMU_LIMIT_DEFAULT_S                     \
	}

enum qemu_end {
	QEMU_END_VERDICT, /* the payload said `verdict` */
	QEMU_END_OFF,     /* powered off or rebooted, and no verdict was required */
	QEMU_END_LEFT,    /* the person at the terminal left it */
	QEMU_END_NO_VERDICT,
	QEMU_END_PANIC,
	QEMU_END_LIMIT,
	QEMU_END_FAILED,
	QEMU_END_INTERRUPTED /* the runner got signal `signal_number` */
};

struct qemu_outcome {
	enum qemu_end end;
	int verdict;      /* -1: none came */
	bool powered_off; /* QEMU ended by itself, with status 0 */
	int signal_number;
	int wait_status;     /* QEMU's, as wait(2) gives it */
	unsigned elapsed_ms; /* from the start of QEMU to its end */
	unsigned limit_s;
	const char *program; /* static: QEMU's name */
	const char *accel;   /* static: "kvm" or "tcg" */
	struct console console;
	char complaint[512]; /* the last line that QEMU itself printed, made harmless */
};

/*
 * Boot and wait for the end. Blocks SIGINT, SIGTERM, SIGHUP and SIGQUIT while the guest runs, and
 * ends it when one comes. Nothing is left when this returns, no process and no file; QEMU also
 * ends when the calling thread is killed.
 *
 * Returns 0 with the outcome filled in when QEMU was started, however the guest ended. -1:
 * ERROR_MISSING when QEMU (its Debian package is named), the kernel, the initrd or a disk is not
 * there, ERROR_USAGE for an architecture that is not in the table or a PLYBOOT_ACCEL that is
 * neither "kvm" nor "tcg", ERROR_IO, ERROR_NOSPACE.
 */
int qemu_boot(const struct qemu_request *request, struct qemu_outcome *outcome, struct error *e);

/* The exit status for an outcome, out of the table above; 0 for an end that is no failure. */
int qemu_outcome_status(const struct qemu_outcome *outcome);

/* One sentence, without a newline: what happened and, for a failure, what to do. */
void qemu_outcome_sentence(const struct qemu_outcome *outcome, char *text, size_t size);

/* For the statuses from 120 to 123: the console's last lines with control characters made
 * harmless, then the sentence. Prints nothing for the others. */
void qemu_outcome_explain(const struct qemu_outcome *outcome, FILE *to);

#endif

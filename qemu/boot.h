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
 *
 * Command. With `command` there is no verdict port. The guest's first process is /.plyboot/run
 * (init/RUN.md), which is told over a virtio port (layers/runport.h) what to run; the streams of
 * the command are the caller's descriptors, and its end is the guest's.
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
	/* Of a guest with a command, beside the command's own: */
	QEMU_STATUS_NOT_RUN = 125, /* no boot, or the guest could not start the command */
	QEMU_STATUS_NOT_EXECUTABLE = 126,
	QEMU_STATUS_NOT_FOUND = 127,
	QEMU_STATUS_SIGNAL = 128 /* plus the number of the signal that the runner got */
};

enum { QEMU_LIMIT_DEFAULT_S = 300, QEMU_MEMORY_DEFAULT_MIB = 1024, QEMU_VERDICT_LINGER_S = 15 };

struct qemu_disk {
	const char *path; /* a raw image or a block device */
	bool read_only;
	bool snapshot; /* writes go to a temporary file that nobody sees */
};

/*
 * A directory of the host in the guest, by 9p. What the guest's root does there is done as the
 * caller: files that it makes are the caller's, and it can't give them away. A guest that can write
 * can also leave set-user-ID programs of the caller's there.
 */
struct qemu_share {
	const char *path;   /* on the host */
	const char *target; /* absolute, in the guest; made if it is missing */
	bool writable;
};

/* What is run in the guest. Everything pointed to stays the caller's, and is only read. */
struct qemu_command {
	const char *const *arguments;   /* ended by NULL, at least one; without a slash in the first
					   it is looked up along PATH */
	const char *const *environment; /* NAME=VALUE, ended by NULL; may be NULL. PATH, HOME and
					   TERM are added where they are missing */
	const char *directory;          /* absolute, made if it is missing; NULL: "/" */
	const char *user; /* of the guest, as the OCI image specification has it; NULL: root */
	int input_fd;     /* -1: empty */
	int output_fd;    /* -1: nowhere */
	int error_fd;     /* -1: nowhere; the same file as output_fd: one stream, in order */
	/* NULL: none. It takes what the command writes, both streams in one, as it comes; then
	 * output_fd and error_fd mean nothing. Not with a terminal. */
	void (*sink)(void *context, const void *bytes, size_t length);
	void *sink_context;
	bool terminal; /* a terminal in the guest, and the caller's, on input_fd, is raw: what
			  the command writes comes on output_fd; Ctrl-A X leaves */
	const struct qemu_share *shares;
	size_t share_count;      /* at most RUNPORT_MAX_SHARES */
	const char *const *then; /* what runs as root when it has ended, before its status comes, as
				    `arguments`; it writes to the console. NULL: nothing */
};

#define QEMU_COMMAND_INIT                                                                          \
	{                                                                                          \
		.input_fd = -1, .output_fd = 1, .error_fd = 2                                      \
	}

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

	/* NULL: none. With it, `interactive`, `verdict_required` and `expect` mean nothing, the
	 * kernel is told to be quiet, and its console goes to console_fd and log_fd as ever: -1 for
	 * the first, as a rule. */
	const struct qemu_command *command;
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
	QEMU_END_INTERRUPTED, /* the runner got signal `signal_number` */
	/* Of a guest with a command; each but the first has its `refusal` or the console to say
	 * why. */
	QEMU_END_COMMAND,     /* it ended, with `command_status` */
	QEMU_END_NOT_STARTED, /* the guest could not start it: `command_status` is 125 to 127 */
	QEMU_END_NOT_BOOTED,  /* the guest ended before its first process was ready for a command */
	QEMU_END_NO_STATUS,   /* it ended while the command ran */
	QEMU_END_GARBLED      /* it broke the protocol, and was ended */
};

struct qemu_outcome {
	enum qemu_end end;
	int verdict;        /* -1: none came */
	bool powered_off;   /* QEMU ended by itself, with status 0 */
	bool commanded;     /* the request had a command */
	int command_status; /* 0 to 255; 128+N of a command that signal N killed; -1: none came */
	int command_signal; /* N, or 0; a number of Linux's */
	unsigned ready_ms; /* from the start of QEMU to when the guest took the command; 0: never */
	int signal_number;
	int wait_status;     /* QEMU's, as wait(2) gives it */
	unsigned elapsed_ms; /* from the start of QEMU to its end */
	unsigned limit_s;
	const char *program; /* static: QEMU's name */
	const char *accel;   /* static: "kvm" or "tcg" */
	struct console console;
	char complaint[512]; /* the last line that QEMU itself printed, made harmless */
	char refusal[512];   /* why the guest did not start the command, or what was wrong with what
				it sent; made harmless */
};

/*
 * Boot and wait for the end. Blocks SIGINT, SIGTERM, SIGHUP and SIGQUIT while the guest runs, and
 * ends it when one comes that our caller did not have us ignore. Nothing is left when this returns,
 * no process and no file; QEMU also ends when the calling thread is killed.
 *
 * QEMU gets seccomp's sandbox where it has one, as qemu/machine.c says it.
 *
 * Returns 0 with the outcome filled in when QEMU was started, however the guest ended. -1:
 * ERROR_MISSING when QEMU (its Debian package is named), the kernel, the initrd or a disk is not
 * there, ERROR_USAGE for an architecture that is not in the table or a PLYBOOT_ACCEL that is
 * neither "kvm" nor "tcg", ERROR_LIMIT for a command that is over a limit of layers/runport.h,
 * ERROR_FORMAT for one that can't be (no argument, a relative directory or target), ERROR_IO,
 * ERROR_NOSPACE.
 */
int qemu_boot(const struct qemu_request *request, struct qemu_outcome *outcome, struct error *e);

/* The exit status for an outcome, out of the table above; 0 for an end that is no failure. */
int qemu_outcome_status(const struct qemu_outcome *outcome);

/* One sentence, without a newline: what happened and, for a failure, what to do. */
void qemu_outcome_sentence(const struct qemu_outcome *outcome, char *text, size_t size);

/* For the ends that are the machine's own, statuses 120 to 123, and those of a guest with a command
 * in which the command did not end: the console's last lines with control characters made harmless,
 * then the sentence. Of a command that could not be started, the sentence only. Prints nothing for
 * the others. */
void qemu_outcome_explain(const struct qemu_outcome *outcome, FILE *to);

/* Those lines alone, whatever the end; nothing when there are none. */
void qemu_outcome_print_console(const struct qemu_outcome *outcome, FILE *to);

#endif

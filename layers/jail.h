/*
 * A jail for what parses a layer (DESIGN.md, 1.6): the calling process gives up, for good, all that
 * unpacking below one directory does not need. What each part is there for:
 *
 *     own root       no path leads out of the directory, nor does any descriptor
 *     namespaces     mounts, IPC, hostname and cgroups of its own; a network of its own, without
 *                    interfaces, only where seccomp is missing, for it costs 0.3-0.6 ms and the
 *                    others 0.1 ms
 *     user           a user of its own, so that it can signal nobody and its threads can be counted
 *     capabilities   CHOWN, DAC_OVERRIDE, FOWNER, FSETID, SETFCAP, and MKNOD when asked for
 *     limits         memory, threads, descriptors, no core dumps
 *     seccomp        the system calls of unpacking and no others: another one is the process's
 *                    death by SIGSYS. For a program that is run: those of checking a file system,
 *                    and the kernel has no others
 *
 * Without seccomp (JAIL_SECCOMP in `missing`) these remain, with no more rights than the process
 * has itself: memory that is written and executed, execve() of what it wrote (which gains nothing),
 * io_uring, and whatever bugs the kernel has in calls that anybody may make.
 */
#ifndef PLYBOOT_JAIL_H
#define PLYBOOT_JAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

/* The parts that a kernel may lack: a set. */
enum jail_part {
	JAIL_NAMESPACES = 1 << 0, /* CONFIG_IPC_NS, CONFIG_UTS_NS, CONFIG_NET_NS */
	JAIL_USER = 1 << 1,       /* within a user namespace that does not map the ids */
	JAIL_SECCOMP = 1 << 2,    /* CONFIG_SECCOMP_FILTER, which needs CONFIG_NET */
	JAIL_PARTS = 3,
	JAIL_ALL = (1 << JAIL_PARTS) - 1
};

/* The jail's users: this plus the process's id. Nobody's else, neither a person's, a subordinate
 * one (from 100000, from 524288 for systemd's containers) nor, as a signed number, negative. */
#define JAIL_FIRST_UID 0x70000000u

struct jail_request {
	int root_fd;     /* a directory: becomes "/" and the working directory, and stays open */
	const int *keep; /* further descriptors that stay open, none of a directory */
	size_t keep_count;
	uint64_t memory_bytes; /* of address space, above what is mapped at the time of the call */
	unsigned threads;      /* how many may be started, beside the one that there is */
	bool devices; /* CAP_MKNOD is kept: the root must then be on a mount with nodev, since a
			 device that can be made can be opened */
	bool program; /* what comes next is execveat() of a descriptor that is kept: no capability
			 at all, and another list of system calls (jail_seccomp.c) */
	unsigned leave_out; /* parts not to use */
};

/*
 * Confine the calling process. It must be root (CAP_SYS_ADMIN, SYS_CHROOT, SETUID, SETGID, SETPCAP
 * and those above), have one thread, and /proc. `*missing`: the parts that were left out, or that
 * this kernel lacks; whether that will do is the caller's to say, before anything is parsed.
 *
 * A parent-death signal (PR_SET_PDEATHSIG), which a change of user clears, is set again; a parent
 * that has died meanwhile is an error. Files are created as root's. The parent needs CAP_KILL to
 * kill such a process. Threads can be created later. sysconf(_SC_NPROCESSORS_ONLN) can't be asked.
 *
 * -1: the process is neither as it was nor confined, and must parse nothing. ERROR_TYPE: `keep` has
 * a directory; ERROR_KERNEL: everything else.
 */
int jail_enter(const struct jail_request *request, unsigned *missing, struct error *e);

/* The word for one part, such as "seccomp"; never NULL. */
const char *jail_part_name(enum jail_part part);

#endif

/* One running guest: its ports are taken in until it ends. Inside qemu/ only. */
#ifndef PLYBOOT_QEMU_GUEST_H
#define PLYBOOT_QEMU_GUEST_H

#include "boot.h"
#include "process.h"
#include "relay.h"
#include "terminal.h"
#include "verdict.h"

enum { GUEST_CHUNK_SIZE = 4096 }; /* PIPE_BUF: so much never blocks once poll says POLLOUT */

struct guest {
	const struct qemu_request *request;
	struct qemu_outcome *outcome;
	bool sandbox; /* to be asked of QEMU */
	struct process process;
	int console_fd;      /* ours of two pairs of sockets; QEMU has the others */
	int verdict_fd;      /* -1 with a command */
	struct relay *relay; /* of a command, or NULL */
	int signal_fd;
	int input_fd;                   /* -1: no keys for the guest */
	int output_fd;                  /* request's console_fd until it fails */
	char pending[GUEST_CHUNK_SIZE]; /* read from the guest, not yet passed on */
	size_t pending_start, pending_end;
	struct verdict_port port;
	struct terminal_keys keys;
	struct console complaints;
	long long started_ms;
	long long deadline_ms;
	bool limit_reached;
	bool ended; /* QEMU's output has ended */
};

/* From a started QEMU to its end: fills guest->outcome. The descriptors stay the caller's. */
void guest_live(struct guest *guest);

#endif

/* While the program runs: its streams, the port and the signals of process 1, until it has ended
 * and what it wrote is in the port's outbox. */
#ifndef PLYBOOT_RUN_PUMP_H
#define PLYBOOT_RUN_PUMP_H

#include <sys/types.h>

#include "port.h"
#include "streams.h"

enum {
	PUMP_GRACE_MS = 200,      /* for what a helper of the program still writes after its end */
	PUMP_STOP_MS = 10000,     /* from SIGTERM to SIGKILL, when somebody in the guest stops it */
	PUMP_OUTBOX_HIGH = 131072 /* bytes; with more than that nothing is read of the program */
};

/* Input of the host that the program has not taken yet. All zero is empty. */
struct feed {
	uint8_t bytes[RUNPORT_WINDOW];
	size_t start, end;
	size_t uncredited; /* taken by the program, and the host does not know */
	bool ended;
};

/* ERROR_FORMAT: the host sent more than it had credit for, or something behind the end. */
int feed_add(struct feed *feed, const uint8_t *bytes, size_t length, struct error *e);

/* Write what the program takes. False when nobody will read more of it, or all of it is done. */
bool feed_give(struct feed *feed, int fd, bool terminal);

/* How much may be credited now: not each byte by itself. */
size_t feed_credit(struct feed *feed);

/*
 * `signal_fd` is that of supervise_descriptor(). Returns 0 with the status as wait(2) has it.
 * ERROR_IO and ERROR_FORMAT: the host is gone, or broke the protocol, and the program runs still.
 * Every process that ends meanwhile is reaped. What the program had written when it ended is passed
 * on, however slow the host reads; what others write after it only for PUMP_GRACE_MS.
 */
int pump(struct port *port, struct streams *streams, int signal_fd, pid_t program, int *status,
	struct error *e);

#endif

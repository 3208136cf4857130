/* The guest's word on the verdict port. The protocol is in boot.h. Pure. */
#ifndef PLYBOOT_QEMU_VERDICT_H
#define PLYBOOT_QEMU_VERDICT_H

#include "console.h"

struct verdict_port {
	struct console_line current;
	const char *expect; /* the nonce that must be there; NULL: any or none */
	int verdict;        /* -1 until it came */
};

#define VERDICT_PORT_INIT(nonce)                                                                   \
	{                                                                                          \
		.expect = (nonce), .verdict = -1                                                   \
	}

/* Take in bytes of the port. The first verdict stays. */
void verdict_feed(struct verdict_port *port, const char *bytes, size_t length);

/* The verdict in a line without its end, or -1 when the line is none. */
int verdict_parse(const char *line, const char *expect);

#endif

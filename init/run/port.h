/* The port to the host: frames in, frames out, nothing that waits but port_open() and port_wait().
 */
#ifndef PLYBOOT_RUN_PORT_H
#define PLYBOOT_RUN_PORT_H

#include "runport.h"

enum { PORT_CHUNK = 65536 };

struct port {
	int fd;
	struct runport_reader reader;
	uint8_t bytes[PORT_CHUNK]; /* read, and not yet looked at from `start` on */
	size_t start, end;
	struct runport_outbox outbox;
};

/* Find the port and wait until the host has it open, both within PORT_PATIENCE_MS. ERROR_MISSING,
 * ERROR_IO. */
enum { PORT_PATIENCE_MS = 10000 };
int port_open(struct port *port, struct error *e);

/* As runport_read(), of what port_fill() has brought. */
int port_next(struct port *port, struct runport_frame *frame, struct error *e);

/* Read what is there, when all before it has been looked at; write what goes. ERROR_IO: the host is
 * gone. */
int port_fill(struct port *port, struct error *e);
int port_flush(struct port *port, struct error *e);

/* Until there is a frame of the host; what waits for it is written meanwhile. ERROR_IO,
 * ERROR_FORMAT. */
int port_wait(struct port *port, struct runport_frame *frame, struct error *e);

#endif

#include "port.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "scope.h"

#define PORTS "/sys/class/virtio-ports"

enum { STEP_MS = 2 };

static bool has_name(const char *port)
{
	char path[300], name[sizeof RUNPORT_NAME + 1] = "";
	(void)snprintf(path, sizeof path, PORTS "/%.200s/name", port);
	SCOPED_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, name, sizeof name - 1);
	if (got > 0 && name[got - 1] == '\n')
		name[got - 1] = '\0';
	return got > 0 && strcmp(name, RUNPORT_NAME) == 0;
}

/* -1: it is not there yet. */
static int try_open(void)
{
	int fd = -1;
	DIR *ports = opendir(PORTS);
	struct dirent *one;
	while (ports != NULL && fd < 0 && (one = readdir(ports)) != NULL) {
		char path[300];
		if (one->d_name[0] == '.' || !has_name(one->d_name))
			continue;
		(void)snprintf(path, sizeof path, "/dev/%.200s", one->d_name);
		fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	}
	if (ports != NULL)
		(void)closedir(ports);
	return fd;
}

static bool host_is_there(int fd)
{
	struct pollfd polled = {.fd = fd};
	return poll(&polled, 1, 0) == 0;
}

/* The driver learns of the port, of its name, and that the host has it open one after the other,
 * while the first process runs already. */
int port_open(struct port *port, struct error *e)
{
	const struct timespec step = {.tv_nsec = STEP_MS * 1000000L};
	*port = (struct port){.fd = -1, .reader = {.from = RUNPORT_HOST}};
	for (int waited_ms = 0; waited_ms < PORT_PATIENCE_MS; waited_ms += STEP_MS) {
		if (port->fd < 0)
			port->fd = try_open();
		if (port->fd >= 0 && host_is_there(port->fd))
			return 0;
		(void)nanosleep(&step, NULL);
	}
	if (port->fd >= 0)
		return error_set(e, ERROR_IO, 0, "the host has not opened the port %s within %d s",
			RUNPORT_NAME, PORT_PATIENCE_MS / 1000);
	return error_set(e, ERROR_MISSING, 0,
		"there is no virtio port %s: does the kernel have VIRTIO_CONSOLE, and was the "
		"guest started by plyboot run?",
		RUNPORT_NAME);
}

int port_next(struct port *port, struct runport_frame *frame, struct error *e)
{
	size_t used;
	int result = runport_read(
		&port->reader, port->bytes + port->start, port->end - port->start, &used, frame, e);
	port->start += used;
	return result;
}

int port_fill(struct port *port, struct error *e)
{
	if (port->start < port->end)
		return 0;
	ssize_t got = read(port->fd, port->bytes, sizeof port->bytes);
	if (got == 0)
		return error_set(e, ERROR_IO, 0, "the host has closed the port");
	if (got < 0 && errno != EAGAIN && errno != EINTR)
		return error_set(e, ERROR_IO, errno, "read from the host");
	port->start = 0;
	port->end = got > 0 ? (size_t)got : 0;
	return 0;
}

int port_flush(struct port *port, struct error *e)
{
	struct runport_outbox *outbox = &port->outbox;
	while (runport_waiting(outbox) > 0) {
		ssize_t wrote =
			write(port->fd, outbox->bytes + outbox->start, runport_waiting(outbox));
		if (wrote > 0)
			runport_written(outbox, (size_t)wrote);
		else if (wrote == 0 || errno == EAGAIN)
			return 0;
		else if (errno != EINTR)
			return error_set(e, ERROR_IO, errno, "write to the host");
	}
	return 0;
}

int port_wait(struct port *port, struct runport_frame *frame, struct error *e)
{
	for (;;) {
		int result = port_flush(port, e) != 0 ? -1 : port_next(port, frame, e);
		if (result != 0)
			return result < 0 ? -1 : 0;
		bool more = runport_waiting(&port->outbox) > 0;
		struct pollfd polled = {
			.fd = port->fd, .events = (short)(POLLIN | (more ? POLLOUT : 0))};
		(void)poll(&polled, 1, -1);
		if ((polled.revents & ~POLLOUT) != 0 && port_fill(port, e) != 0)
			return -1;
	}
}

/* What was written to standard error: each write of it is kept apart. */
#ifndef PLYBOOT_TEST_SAID_H
#define PLYBOOT_TEST_SAID_H

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tap.h"

static int said_ends[2], said_stderr;
static unsigned said_writes; /* in what said() gave last */

/* Sequenced packets: one for each write. */
static inline void said_start(void)
{
	const int size_bytes = 1 << 20;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, said_ends) != 0 ||
		setsockopt(said_ends[0], SOL_SOCKET, SO_SNDBUF, &size_bytes, sizeof size_bytes) !=
			0)
		abort();
	said_stderr = dup(2);
	if (said_stderr < 0 || dup2(said_ends[0], 2) != 2)
		abort();
}

/* Sanitizers must be heard. */
static inline void said_stop(void)
{
	(void)dup2(said_stderr, 2);
}

/* Everything since the last call. */
static inline const char *said(void)
{
	static char text[1 << 20];
	size_t used = 0;
	said_writes = 0;
	for (;;) {
		ssize_t got = recv(said_ends[1], text + used, sizeof text - 1 - used, MSG_DONTWAIT);
		if (got <= 0)
			break;
		used += (size_t)got;
		said_writes++;
	}
	text[used] = '\0';
	return text;
}

__attribute__((format(printf, 2, 3))) static inline void said_is(
	const char *want, const char *name, ...)
{
	char full[256];
	va_list list;
	va_start(list, name);
	(void)vsnprintf(full, sizeof full, name, list);
	va_end(list);
	is_str(said(), want, "%s", full);
}

#endif

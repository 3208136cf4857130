/* The caller's terminal as the guest's: raw, and as it was again afterwards. */
#ifndef PLYBOOT_QEMU_TERMINAL_H
#define PLYBOOT_QEMU_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <termios.h>

#include "../layers/error.h"

/* Standard input and standard output are terminals. */
bool terminal_present(void);

struct terminal {
	int fd; /* -1: not raw */
	struct termios saved;
	int guard_fd;
	pid_t guard;
};

#define TERMINAL_INIT                                                                              \
	{                                                                                          \
		.fd = -1, .guard_fd = -1                                                           \
	}

/* Make the terminal raw. A guard process waits for our death and then puts it back: even SIGKILL
 * leaves a usable terminal. ERROR_IO, ERROR_NOSPACE: nothing was changed. */
int terminal_raw(struct terminal *terminal, int fd, struct error *e);

/* Put it back and end the guard. Harmless when it is not raw. */
void terminal_restore(struct terminal *terminal);

/* Keys on their way to the guest: Ctrl-A X leaves, Ctrl-A Ctrl-A is one Ctrl-A, Ctrl-A with any
 * other key is nothing. `out` must hold as many bytes as `in`. Returns how many were put there. */
struct terminal_keys {
	bool escaped;
	bool left;
};

size_t terminal_keys_pass(struct terminal_keys *keys, const char *in, size_t length, char *out);

#endif

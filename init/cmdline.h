/*
 * The kernel command line, held against init.conf: it chooses where init.conf has fixed nothing,
 * and can only tighten otherwise. What it can't have is left as init.conf has it, with a warning.
 */
#ifndef PLYBOOT_CMDLINE_H
#define PLYBOOT_CMDLINE_H

#include "initconf.h"

enum { CMDLINE_MAX_BYTES = 64 * 1024 };

/* What holds for this boot. Strings lie in init.conf's text or in the command line's. */
struct settings {
	const char *device[INITCONF_DEVICES];
	const char *stack; /* NULL: any one name */
	bool upper_volatile;
	unsigned wait_s;
	enum initconf_log log;
	bool shell; /* at the ladder's end, whatever else was said; only where init.conf has one */
	const char *init; /* NULL: what the stack says */
	bool reset;       /* of the state; only where init.conf allows it */
	bool read_only;   /* mount the root read-only; it can be remounted */
};

/* `text` is /proc/cmdline's, NUL-terminated, and is cut into words in place: it must live as long
 * as `out`. `warn` gets one line for each word that was not followed; it may be NULL. */
void cmdline_merge(const struct initconf *conf, char *text,
	void (*warn)(void *context, const char *line), void *context, struct settings *out);

#endif

/*
 * entry.conf: which program a root is there for that has no init of its own, and how it is run. The
 * host command writes it, /.plyboot/entry (init/entry/) reads it. layers/FORMAT.md describes it.
 */
#ifndef PLYBOOT_ENTRYCONF_H
#define PLYBOOT_ENTRYCONF_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "signals.h"

/* Below the root, without a slash in front. */
#define ENTRYCONF_DIRECTORY ".plyboot"
#define ENTRYCONF_PATH ENTRYCONF_DIRECTORY "/entry.conf"
#define ENTRYCONF_PROGRAM ENTRYCONF_DIRECTORY "/entry"

enum {
	ENTRYCONF_MAX_BYTES = 1024 * 1024, /* of the file */
	ENTRYCONF_MAX_ITEMS = 4096,        /* arguments; variables */
	ENTRYCONF_MAX_STRING = 131071,     /* bytes; Linux starts no program with a longer one */
	ENTRYCONF_MAX_USER = 255,          /* bytes of each of its two parts */
};

/* What becomes of the machine when the program has ended. */
enum entryconf_exit {
	ENTRYCONF_EXIT_STATUS,   /* off if it exited with 0, else a reboot */
	ENTRYCONF_EXIT_POWEROFF, /* off, however it ended */
	ENTRYCONF_EXIT_REBOOT,   /* a reboot, however it ended */
	ENTRYCONF_EXITS
};

/* Strings may hold any byte but NUL. The arrays have a NULL at their ends, as execve(2) wants it.
 */
struct entryconf {
	char *storage; /* owned, of what was decoded: the strings lie in it */
	size_t argument_count;
	const char **arguments; /* owned */
	size_t variable_count;
	const char **variables; /* owned; NAME=VALUE */
	const char *directory;
	const char *user; /* as the OCI image specification has it: USER, UID, USER:GROUP ... */
	char stop_signal[SIGNAL_NAME_SIZE]; /* a name of signal_name_parse() */
	enum entryconf_exit on_exit;
};

/* ERROR_FORMAT, ERROR_LIMIT, ERROR_NOSPACE; the message names the line. On success the caller frees
 * with entryconf_free(). What is accepted encodes to these very bytes. */
int entryconf_decode(
	const uint8_t *bytes, size_t size_bytes, struct entryconf *out, struct error *e);

/* The file, with a NUL behind it; the caller frees. What decoding would refuse is refused. */
int entryconf_encode(
	const struct entryconf *conf, char **text, size_t *size_bytes, struct error *e);

void entryconf_free(struct entryconf *conf);
#define SCOPED_ENTRYCONF __attribute__((cleanup(entryconf_free))) struct entryconf

/* "status", "poweroff", "reboot" and a NULL. */
extern const char *const entryconf_exit_names[ENTRYCONF_EXITS + 1];

#endif

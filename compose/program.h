/* Programs that the command calls: mke2fs, debugfs, sfdisk. */
#ifndef PLYBOOT_PROGRAM_H
#define PLYBOOT_PROGRAM_H

#include <linux/limits.h>
#include <stddef.h>

#include "../layers/error.h"

enum { PROGRAM_OUTPUT_SIZE = 8192 };

struct program_run {
	const char *path;
	const char *const *arguments;   /* argv, ended by NULL */
	const char *const *environment; /* NAME=VALUE to add to ours, ended by NULL; may be NULL */
	const char *input;              /* for its standard input; may be NULL */
	int keep_fd;                    /* is its descriptor PROGRAM_FD; -1: none */
	int directory_fd;               /* where it runs; -1: here */
	unsigned limit_s;               /* it is killed when it takes longer; 0: no limit */
	/* What it prints on standard output goes to `sink`, in chunks; NULL: to the message of an
	 * error, with what it prints on standard error. */
	int (*sink)(void *context, const void *data, size_t size_bytes, struct error *e);
	void *context;
};

/* The descriptor that a program sees `keep_fd` as, and a name by which it can open the file. */
enum { PROGRAM_FD = 9 };
#define PROGRAM_FD_PATH "/proc/self/fd/9"

/* Look for a program in PATH, /usr/sbin and /sbin, where an ordinary user's PATH often doesn't
 * lead. ERROR_MISSING names the Debian package that has it. */
int program_find(const char *name, const char *package, char path[PATH_MAX], struct error *e);

/* Run it to its end; its messages are in English. ERROR_IO unless it ended with 0, within its
 * limit. */
int program_run(const struct program_run *run, struct error *e);

#endif

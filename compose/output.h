/* Files that appear whole or not at all: written without a name, or under a temporary one, flushed,
 * and only then given theirs. */
#ifndef PLYBOOT_OUTPUT_H
#define PLYBOOT_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../layers/error.h"

struct output {
	int fd; /* for writing; belongs to the output */
	int dir_fd;
	char *name;      /* in dir_fd */
	char *temporary; /* NULL while the file has no name at all (O_TMPFILE) */
};

#define OUTPUT_INIT                                                                                \
	{                                                                                          \
		.fd = -1, .dir_fd = -1                                                             \
	}

enum output_how { OUTPUT_REPLACE, OUTPUT_NEW };

/* Begin the file that will be `path`, or `name` in the directory `dir_fd` (duplicated). The umask
 * counts. ERROR_MISSING when its directory is not there, ERROR_IO, ERROR_NOSPACE. */
int output_open(struct output *output, const char *path, mode_t mode, struct error *e);
int output_open_at(
	struct output *output, int dir_fd, const char *name, mode_t mode, struct error *e);

int output_write(struct output *output, const void *data, size_t size_bytes, struct error *e);

/* All of a commit that takes time, or fails when there is no room; nothing is to be seen of it yet.
 * For whoever commits more than one: each is prepared before the first has its name, and from then
 * on no signal comes in between. Once is enough. */
int output_prepare(struct output *output, struct error *e);

/* Prepare it, and give it its name. OUTPUT_NEW: ERROR_USAGE when there is such a file already. */
int output_commit(struct output *output, enum output_how how, struct error *e);

/* Leave nothing behind; after a commit, harmless. */
void output_discard(struct output *output);
#define SCOPED_OUTPUT __attribute__((cleanup(output_discard))) struct output

/* All of it at once. */
int output_write_file(const char *path, mode_t mode, const void *data, size_t size_bytes,
	enum output_how how, struct error *e);

/* Read a file of at most `max_bytes` (ERROR_LIMIT). One byte, a NUL, is put behind the content.
 * Caller frees. */
int input_read_file(
	const char *path, size_t max_bytes, uint8_t **bytes, size_t *size_bytes, struct error *e);

/* The same from a descriptor, which stays the caller's; `path` is for messages. */
int input_read_fd(int fd, const char *path, size_t max_bytes, uint8_t **bytes, size_t *size_bytes,
	struct error *e);

/* Write all of it to a descriptor. errno and -1 on failure. */
int write_all(int fd, const void *data, size_t size_bytes);

#endif

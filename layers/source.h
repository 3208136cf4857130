/*
 * Where stack files and blobs come from. Nothing that a source returns has been verified.
 *
 * A source is a table of functions, so that a mounted OCI layout (source_dir.c) and later a tar
 * archive on the bare partition look the same to the engine.
 */
#ifndef PLYBOOT_SOURCE_H
#define PLYBOOT_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "digest.h"
#include "error.h"

struct source;
struct blob;

struct source_ops {
	/* Call `visit` with the name of each stack file, in no order, until it returns non-zero
	 * (which is then returned). */
	int (*list_stacks)(struct source *source,
		int (*visit)(void *context, const char *file_name, struct error *e), void *context,
		struct error *e);
	/* Read one stack file whole, at most LIMIT_STACK_FILE_BYTES (ERROR_LIMIT). Caller frees. */
	int (*read_stack)(struct source *source, const char *file_name, uint8_t **bytes,
		size_t *size_bytes, struct error *e);
	/* ERROR_MISSING when there is no such blob. */
	int (*open_blob)(struct source *source, const struct digest *digest, struct blob **out,
		struct error *e);
	void (*close)(struct source *source);
};

struct blob_ops {
	/* Several threads may read at once. Read exactly `size_bytes` at `offset`. ERROR_IO;
	 * ERROR_SIZE when the blob ends before. */
	int (*read_at)(struct blob *blob, uint64_t offset, void *buffer, size_t size_bytes,
		struct error *e);
	/* The descriptor that it reads from, -1: none. */
	int (*descriptor)(const struct blob *blob);
	void (*close)(struct blob *blob);
};

struct source {
	const struct source_ops *ops;
};

struct blob {
	const struct blob_ops *ops;
	uint64_t size_bytes;
};

static inline void source_close(struct source *source)
{
	if (source != NULL)
		source->ops->close(source);
}

static inline void blob_close(struct blob *blob)
{
	if (blob != NULL)
		blob->ops->close(blob);
}

/* An OCI image layout below a directory: stacks/ and blobs/sha256/. Takes ownership of `dir_fd` on
 * success. Nothing is followed out of it, and no symlink. */
int source_dir_open(int dir_fd, struct source **out, struct error *e);

#endif

/*
 * A store on the host: an OCI image layout (image-layout.md of the OCI image specification) with
 * the stack files beside it in stacks/. What a command added is taken out again unless it says that
 * all went well.
 */
#ifndef PLYBOOT_LAYOUT_H
#define PLYBOOT_LAYOUT_H

#include <stdbool.h>

#include "../layers/digest.h"
#include "../layers/source.h"
#include "options.h"
#include "output.h"

struct layout {
	int fd;
	int index_fd;          /* blobs/, locked by who changes index.json; -1: not by us */
	const char *path;      /* the caller's */
	struct source *source; /* the engine's view of it */
	bool made_directory;   /* by this command */
	bool is_image;         /* and no store: nothing of it is for /init */
	bool created;          /* what makes it a layout, too */
	struct layout_blobs {
		size_t count, capacity;
		struct layout_blob {
			struct digest digest;
			ino_t inode; /* of what was added; and its times */
			struct timespec written, changed;
		} * items;
	} added,        /* that were not there before */
		wanted; /* that were, and count as young once all went well */
};

#define LAYOUT_INIT                                                                                \
	{                                                                                          \
		.fd = -1, .index_fd = -1                                                           \
	}

/* Where the store is when --store is not given: the environment's PLYBOOT_STORE, else "store". */
const char *layout_path(const char *given);

/* Open the layout at `path`. `create`: make it when there is nothing or an empty directory.
 * ERROR_MISSING; ERROR_FORMAT when it is something else. */
int layout_open(const char *path, bool create, struct layout *out, struct error *e);

/* The same for an image layout that is no store: it needs no stacks/. Made when there is none. */
int layout_open_image(const char *path, struct layout *out, struct error *e);

/* The store's lock, flock(2) on its directory: everybody who opens it shares it from then on, so
 * that nothing is removed under who reads or writes. For who removes: alone, once the others are
 * done; said when it has to wait. ERROR_IO. */
int layout_lock_alone(struct layout *layout, struct error *e);
int layout_lock_shared(struct layout *layout, struct error *e);

/* For who reads index.json to write another one: alone with it until the layout is closed, so that
 * no image is lost that another command adds meanwhile. ERROR_IO, ERROR_MISSING. */
int layout_lock_index(struct layout *layout, struct error *e);

/* Without waiting. False: somebody else has it; where there are no locks nobody has. */
bool layout_lock_try(struct layout *layout);

/* All went well: what was added stays. */
void layout_keep(struct layout *layout);

/* Close, after taking out what was added and not kept; but not what another command, which has the
 * store open or has had it meanwhile, may count on: that is left to `plyboot gc`. */
void layout_close(struct layout *layout);
#define SCOPED_LAYOUT __attribute__((cleanup(layout_close))) struct layout

/* "stacks" or "blobs/sha256", as strictly as the engine will look for it. The descriptor is the
 * caller's; -1: ERROR_MISSING, ERROR_IO. */
int layout_open_directory(const struct layout *layout, const char *name, struct error *e);

/* A blob on its way in: it gets its name when all its bytes are known. */
struct blob_writer {
	struct output output;
	struct sha256 hash;
	uint64_t size_bytes;
};

#define BLOB_WRITER_INIT                                                                           \
	{                                                                                          \
		.output = OUTPUT_INIT                                                              \
	}

int blob_writer_open(struct layout *layout, struct blob_writer *out, struct error *e);
int blob_writer_write(
	struct blob_writer *writer, const void *data, size_t size_bytes, struct error *e);
/* A blob of that name is replaced: should its bytes have rotted, they are good again. */
int blob_writer_finish(
	struct layout *layout, struct blob_writer *writer, struct digest *out, struct error *e);
void blob_writer_discard(struct blob_writer *writer);

/* The same for what is in the store already: it is only hashed. */
void blob_writer_open_existing(struct blob_writer *out);

/* One that is there already, with these bytes, is left alone. */
int layout_add_blob(struct layout *layout, const void *data, size_t size_bytes, struct digest *out,
	struct error *e);

/* Take a file of the directory `dir_fd`, on the store's file system, in as the blob that it was
 * found to be: flushed, then renamed. One that is there is replaced. */
int layout_take_blob(struct layout *layout, int dir_fd, const char *name,
	const struct digest *digest, struct error *e);

/* Read a blob of at most so many bytes whole; the caller frees. ERROR_MISSING, ERROR_LIMIT,
 * ERROR_DIGEST when its bytes are others. */
int layout_read_blob(struct layout *layout, const struct digest *digest, size_t max_bytes,
	uint8_t **bytes, size_t *size_bytes, struct error *e);

/* ERROR_MISSING, ERROR_SIZE when the blob is not as large as it should be. */
int layout_check_blob(
	struct layout *layout, const struct digest *digest, uint64_t size_bytes, struct error *e);

/* Begin another index.json, to be committed when all else is done; the one there is stays until
 * then. */
int layout_write_index(struct layout *layout, const char *text, size_t size_bytes,
	struct output *out, struct error *e);

/* The names of the stack files, sorted. ERROR_MISSING when there is none. */
struct layout_stacks {
	size_t count;
	char **names; /* owned */
};
int layout_list_stacks(struct layout *layout, struct layout_stacks *out, struct error *e);
void layout_stacks_free(struct layout_stacks *stacks);

/* "blobs/sha256/<hex>" */
enum { LAYOUT_BLOB_PATH_SIZE = 13 + DIGEST_HEX + 1 };
void layout_blob_path(const struct digest *digest, char out[LAYOUT_BLOB_PATH_SIZE]);

#endif

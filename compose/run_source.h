/*
 * What `plyboot run --root` names: a directory, a tar (plain, gzip, zstd), a .layer file, a stack
 * or an image of a store, an image of an OCI layout or a docker-archive. Each becomes layers in a
 * store.
 */
#ifndef PLYBOOT_RUN_SOURCE_H
#define PLYBOOT_RUN_SOURCE_H

#include "layout.h"
#include "../layers/stack.h"

enum run_source_kind {
	RUN_SOURCE_DIRECTORY,
	RUN_SOURCE_TAR,
	RUN_SOURCE_RECORDS, /* a .layer file, whose blobs are in a store */
	RUN_SOURCE_STACK,   /* of a store */
	RUN_SOURCE_IMAGE,   /* of an OCI layout */
	RUN_SOURCE_ARCHIVE  /* an OCI layout or a docker-archive in a tar */
};

struct run_source {
	const char *given; /* the caller's */
	enum run_source_kind kind;
	char *path;      /* owned */
	char *reference; /* owned; the image's name, NULL: the only one; the stack's NAME-VERSION */
};

/* How sources are read. */
struct run_reading {
	const char *architecture; /* as `uname -m` says it */
	const char *store;        /* where the blobs of .layer files are */
	bool root_owned;          /* what a directory has belongs to 0:0 */
};

/* Find out what `given` is. ERROR_MISSING: no such file, no such stack; ERROR_USAGE: several, and
 * nothing says which. Free with run_source_free(). */
int run_source_open(const char *given, struct run_source *out, struct error *e);
void run_source_free(struct run_source *source);

/* Hash what the source's layers depend on. A tree is looked through, every name's metadata, not
 * read: what changed has another time of change. So a name that was changed so lately that a
 * further change might not show is waited for, some milliseconds. */
int run_source_identify(const struct run_source *source, const struct run_reading *reading,
	struct sha256 *hash, struct error *e);

/* Its layers, bottom first. */
struct run_layers {
	size_t count;
	struct layer_record *records; /* owned */
};

/* Put the source's layers into the store, and their records on top of those in `layers`. A layer
 * that is there already is left out below. ERROR_LIMIT, and all that pack, import and the store's
 * readers have to say. */
int run_source_take(const struct run_source *source, const struct run_reading *reading,
	struct layout *layout, struct run_layers *layers, struct error *e);

/* One more on top. */
int run_layers_add(struct run_layers *layers, const struct layer_record *record, struct error *e);

#endif

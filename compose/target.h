/* What `ls`, `cat` and `inspect` look into: a .layer file, a stack file, or NAME-VERSION in the
 * store. No signature is asked for; what is then read of the layers is what these records say. */
#ifndef PLYBOOT_TARGET_H
#define PLYBOOT_TARGET_H

#include "layer_file.h"
#include "layer_read.h"
#include "layout.h"
#include "merged.h"

struct target {
	struct layout layout;
	struct layer_file file; /* the records, bottom first */
	bool is_stack;
	struct stack stack; /* then; its layers are the file's */
	size_t signature_count;
	struct digest signed_by[LIMIT_SIGNATURES]; /* unverified */
	struct layer_index *indexes; /* owned; of each record, once target_read() is done */
	struct merged merged;
};

#define TARGET_INIT                                                                                \
	{                                                                                          \
		.layout = LAYOUT_INIT                                                              \
	}

/* A .layer file or a stack file? By how it begins. */
bool target_recognizes(const uint8_t *bytes, size_t size_bytes);

/* Take what such a file says; `file_name`: what it is called in the store, or NULL. ERROR_FORMAT,
 * ERROR_LIMIT, ERROR_SIGNATURE. */
int target_take(struct target *target, const uint8_t *bytes, size_t size_bytes,
	const char *file_name, struct error *e);

/* Open the store and take NAME-VERSION of it. */
int target_take_named(struct target *target, const char *name, const char *store, struct error *e);

/* Read the records and open the store (`store` as --store gave it). ERROR_USAGE, ERROR_MISSING,
 * ERROR_FORMAT, and those of layout_open(). */
int target_open(const char *name, const char *store, struct target *out, struct error *e);

/* Read all layers, and make one tree of them; of a single layer that no stack says to be a root,
 * one that shows its whiteouts. Every error of layer_read_index(). */
int target_read(struct target *target, struct error *e);

/* Is it one layer, looked at for itself? */
bool target_is_layer(const struct target *target);

void target_close(struct target *target);
#define SCOPED_TARGET __attribute__((cleanup(target_close))) struct target

#endif

/*
 * The tree that a stack of layers makes, as the OCI image specification (layer.md) and overlayfs
 * have it: a whiteout removes what lies below it, an opaque directory hides what lower layers have
 * in it, a directory and anything else replace each other, directories become one. A directory that
 * upper layers only imply keeps the metadata of the topmost layer that describes it
 * (store_make_synthetic() in layers/store.h).
 *
 * And what each layer did to the tree below it.
 */
#ifndef PLYBOOT_MERGED_H
#define PLYBOOT_MERGED_H

#include "layer_index.h"

struct merged_node {
	const struct layer_entry *entry; /* of the topmost layer that has it: name, type, content */
	const struct layer_entry
		*described; /* whose metadata it has; `entry` but for directories */
	uint64_t bytes;     /* of a file's first name; others of the same file have 0, as in du */
	bool is_first;      /* of the names of its file that show */
	uint32_t parent;    /* the root's is the root */
	uint32_t end;       /* those from the next one up to this lie below it */
	uint32_t first_member;
	uint16_t member_count; /* in all layers, hidden ones and whiteouts too; bottom first */
	uint16_t layer;        /* that `entry` is of */
};

struct merged_member {
	const struct layer_entry *entry;
	uint16_t layer;
};

struct merged_sum {
	uint64_t entries, bytes;
};

/* What a layer did to the tree that those below it make. Entries are names, bytes those of files; a
 * file with several names counts with its first, and goes with its last. */
struct merged_layer {
	struct merged_sum added;    /* was not there */
	struct merged_sum changed;  /* other content, or a directory with other metadata */
	struct merged_sum removed;  /* is no longer there */
	struct merged_sum replaced; /* what `changed` files took the place of */
};

enum merged_how { MERGED_SHOWS, MERGED_REPLACED, MERGED_REMOVED };

/* Of a file of a layer, by all of its names. */
struct merged_fate {
	uint32_t visible; /* names of it that show */
	uint16_t by;      /* the layer that took the last one away */
	uint8_t how;      /* enum merged_how */
};

struct merged {
	const struct layer_index *layers; /* borrowed */
	size_t layer_count;
	size_t count; /* of nodes, in the order of a walk; the first is the root */
	struct merged_node *nodes;
	struct merged_member *members;
	struct merged_layer *did;
	/* [upper * layer_count + lower]: what of the lower layer the upper one took away. */
	struct merged_sum *hides;
	struct merged_fate **fates; /* of each layer, for each entry that leads */
	uint64_t shared_paths;      /* where several layers have something that is no directory */
};

/* Layers bottom first, at least one and at most LIMIT_LAYERS, which must outlive it.
 * `show_whiteouts`: those that hide something nowhere below are nodes too: for one layer alone.
 * ERROR_NOSPACE. In n log n of all entries, with some 200 bytes for each, the index included. */
int merged_make(const struct layer_index *layers, size_t count, bool show_whiteouts,
	struct merged *out, struct error *e);
void merged_free(struct merged *merged);

/* The node at a path in normal form; NULL: none. */
const struct merged_node *merged_find(const struct merged *merged, const char *path);

/* Where PATH of a command line leads, from the root of the tree and never out of it. Symlinks on
 * the way are followed, and the last one if `follow` or if a slash is behind it. ERROR_MISSING;
 * ERROR_TYPE: through what is no directory; ERROR_PATH: too many symlinks, or too long. */
int merged_resolve(const struct merged *merged, const char *path, bool follow,
	const struct merged_node **out, struct error *e);

/* How many names of its file show; 1 for directories. */
uint32_t merged_names(const struct merged *merged, const struct merged_node *node);

#endif

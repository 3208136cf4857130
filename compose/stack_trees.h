/* The trees that stacks of one store make, with what is in their files: for comparing them. */
#ifndef PLYBOOT_STACK_TREES_H
#define PLYBOOT_STACK_TREES_H

#include "../layers/owners.h"
#include "merged.h"
#include "stack_file.h"

/* Layers that were read, each once however many stacks have it. */
struct layer_shelf {
	struct layout *layout; /* borrowed */
	uint64_t bytes;
	size_t count;
	struct shelved_layer {
		struct digest digest;
		struct layer_index index;
		struct digest *contents; /* owned; layer_read_contents() */
	} * layers;
};

void layer_shelf_free(struct layer_shelf *shelf);
#define SCOPED_LAYER_SHELF __attribute__((cleanup(layer_shelf_free))) struct layer_shelf

struct stack_tree {
	struct layer_index *layers;     /* owned; what they point to is the shelf's */
	const struct digest **contents; /* the same */
	struct merged merged;
};

/* Read the stack that `owner` means: by name and version, and its signed text must be that one.
 * ERROR_MISSING: it is not in the store; ERROR_DIGEST: another one of that name and version is; and
 * every error of stack_file_open() and layer_read_index(). The shelf must outlive it. */
int stack_tree_open(struct layer_shelf *shelf, const struct owner *owner, struct stack_tree *out,
	struct error *e);
void stack_tree_free(struct stack_tree *tree);
#define SCOPED_STACK_TREE __attribute__((cleanup(stack_tree_free))) struct stack_tree

/* Do two nodes have the same type, contents, mode, owner and attributes? Times don't count. */
bool stack_tree_same(const struct stack_tree *a, const struct merged_node *x,
	const struct stack_tree *b, const struct merged_node *y);

#endif

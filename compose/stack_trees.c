#include "stack_trees.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layer_read.h"

static int no_memory(struct error *e)
{
	return error_set(e, ERROR_NOSPACE, 0, "no memory for the stacks' trees");
}

/* --- the shelf */

static const struct shelved_layer *find(
	const struct layer_shelf *shelf, const struct digest *digest)
{
	for (size_t i = 0; i < shelf->count; i++)
		if (digest_equal(&shelf->layers[i].digest, digest))
			return &shelf->layers[i];
	return NULL;
}

/* All that lies there has the memory that one index may have. */
static int read_layer(struct layer_shelf *shelf, const struct layer_record *record, struct error *e)
{
	struct shelved_layer *layers =
		reallocarray(shelf->layers, shelf->count + 1, sizeof *layers);
	if (layers == NULL)
		return no_memory(e);
	shelf->layers = layers;
	struct shelved_layer *layer = &layers[shelf->count];
	*layer = (struct shelved_layer){.digest = record->digest};
	layer->index.most_bytes =
		shelf->bytes < LAYER_INDEX_MOST_BYTES ? LAYER_INDEX_MOST_BYTES - shelf->bytes : 1;
	if (layer_read_contents(shelf->layout, record, &layer->index, &layer->contents, e) != 0)
		return -1;
	shelf->bytes += layer_index_bytes(&layer->index);
	shelf->count++;
	return 0;
}

void layer_shelf_free(struct layer_shelf *shelf)
{
	for (size_t i = 0; i < shelf->count; i++) {
		layer_index_free(&shelf->layers[i].index);
		free(shelf->layers[i].contents);
	}
	free(shelf->layers);
	*shelf = (struct layer_shelf){.layout = shelf->layout};
}

/* --- a stack's tree */

static int read_layers(struct layer_shelf *shelf, const struct stack *stack,
	struct stack_tree *tree, struct error *e)
{
	tree->layers = calloc(stack->layer_count, sizeof *tree->layers);
	tree->contents = calloc(stack->layer_count, sizeof *tree->contents);
	if (tree->layers == NULL || tree->contents == NULL)
		return no_memory(e);
	for (size_t i = 0; i < stack->layer_count; i++) {
		const struct layer_record *record = &stack->layers[i];
		if (find(shelf, &record->digest) == NULL && read_layer(shelf, record, e) != 0)
			return error_wrap(e, "layer %zu", i + 1);
		const struct shelved_layer *layer = find(shelf, &record->digest);
		tree->layers[i] = layer->index;
		tree->contents[i] = layer->contents;
	}
	return merged_make(tree->layers, stack->layer_count, false, &tree->merged, e);
}

static int read_tree(struct layer_shelf *shelf, const struct owner *owner,
	const struct stack_file *file, struct stack_tree *tree, struct error *e)
{
	struct digest text;
	struct sha256 hash;
	sha256_start(&hash);
	sha256_update(&hash, file->bytes, file->text_bytes);
	sha256_finish(&hash, &text);
	if (!digest_equal(&text, &owner->text))
		return error_set(e, ERROR_DIGEST, 0, "%s is another stack by now", file->name);
	return read_layers(shelf, &file->stack, tree, e);
}

int stack_tree_open(struct layer_shelf *shelf, const struct owner *owner, struct stack_tree *out,
	struct error *e)
{
	char name[STACK_FILE_NAME_SIZE];
	struct stack_file file;
	struct stack_tree tree = {.layers = NULL};
	(void)snprintf(name, sizeof name, "%s-%" PRIu64, owner->name, owner->version);
	if (stack_file_open(shelf->layout, name, &file, e) != 0)
		return -1;
	int result = read_tree(shelf, owner, &file, &tree, e);
	stack_file_close(&file);
	if (result == 0)
		*out = tree;
	else
		stack_tree_free(&tree);
	return result;
}

void stack_tree_free(struct stack_tree *tree)
{
	merged_free(&tree->merged);
	free(tree->layers);
	free(tree->contents);
	*tree = (struct stack_tree){.layers = NULL};
}

/* --- two nodes */

static bool same_metadata(const struct layer_entry *a, const struct layer_entry *b)
{
	struct layer_entry timeless = *a;
	timeless.mtime = b->mtime;
	return layer_entry_same_metadata(&timeless, b);
}

static const struct digest *content_of(
	const struct stack_tree *tree, const struct merged_node *node)
{
	return &tree->contents[node->layer][node->entry->order];
}

bool stack_tree_same(const struct stack_tree *a, const struct merged_node *x,
	const struct stack_tree *b, const struct merged_node *y)
{
	const struct layer_entry *old = x->entry, *new = y->entry;
	if (old->type != new->type || !same_metadata(x->described, y->described))
		return false;
	switch (old->type) {
	case '0':
		return old->size_bytes ==
		       new->size_bytes &&digest_equal(content_of(a, x), content_of(b, y));
	case '2':
		return strcmp(old->link, new->link) == 0;
	case '3':
	case '4':
		return old->device == new->device;
	default:
		return true;
	}
}

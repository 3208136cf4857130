/* Internal to the synthetic layer: what is known of a stack's layers, and of the directories that
 * some of them only imply. */
#ifndef PLYBOOT_SYNTHETIC_PRIVATE_H
#define PLYBOOT_SYNTHETIC_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "ceilings.h"
#include "error.h"

/* One layer of the stack, as the search for metadata sees it. */
struct lower {
	int root_fd;
	char *text; /* the contents of "implied", which the items point into */
	size_t count;
	struct implied {
		const char *path;
		bool fresh;
		bool whiteouts; /* lie in it, and nothing more is said */
	} * items;              /* sorted by path, those with whiteouts behind */
};

struct stack_view {
	struct lower *lowers; /* bottom first */
	size_t count;
};

/* NULL: the layer has an entry for it, or no such directory. */
const struct implied *synthetic_implied(const struct lower *lower, const char *path);
bool synthetic_has_whiteouts(const struct lower *lower, const char *path);

/* Every path that some layer only implies or has whiteouts in, once, and the root; a directory
 * right before all below it. Borrowed from the view. */
struct path_set {
	const char **paths;
	size_t count;
};

enum { NO_LAYER = -1 };

/* A directory of the stack. */
struct node {
	size_t first, end; /* in the set: its own path, if that is there, and those below it */
	size_t length;     /* of its path, which is the beginning of all these */
	size_t parent;     /* the root's is the root */
	size_t children, child_count; /* in the list, by name */
	int *layers; /* owned; those in which it is a directory that can show, topmost first */
	size_t layer_count;
	bool covered;     /* no layer that is still to come can show there */
	int described_by; /* the layer whose metadata it has, or NO_LAYER */
	bool wanted;      /* in the synthetic layer */
};

struct node_list {
	const struct stack_view *view;
	struct path_set set;
	struct node *items; /* parents before their children */
	size_t count, capacity;
};

/* Fill a list that has its view, which must outlive it, with what the stack shows of each directory
 * that some layer only implies or has whiteouts in, and of those on the way there. Free it in any
 * case. */
int node_list_fill(struct node_list *list, struct error *e);
void node_list_free(struct node_list *list);

void node_path(
	const struct node_list *list, const struct node *node, char out[LIMIT_PATH_BYTES + 1]);

#endif

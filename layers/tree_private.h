/* Shared by tree.c (entries and their metadata) and tree_names.c (what stands where). */
#ifndef PLYBOOT_TREE_PRIVATE_H
#define PLYBOOT_TREE_PRIVATE_H

#include <sys/stat.h>

#include "tree.h"

/* What a directory gets when all of its children are there. */
struct directory {
	char *path;   /* owned */
	size_t order; /* of its entry: the last one of a name wins */
	struct timespec mtime;
	void *default_acl; /* owned: set earlier, it would be inherited by the children */
	size_t default_acl_bytes;
};

struct tree {
	int root_fd;
	bool names_only;
	int parent_fd; /* of the last entry, -1: none */
	char parent[LIMIT_PATH_BYTES + 1];
	struct path_list opaque;  /* named by an opaque marker */
	struct path_list removed; /* named by a whiteout, with an entry of this layer there too */
	struct path_list implied;
	size_t directory_count, directory_capacity;
	struct directory *directories; /* in the order of their entries, until tree_finish() */
};

/* Below `dir_fd` strictly; "" is the directory itself. */
int tree_open_below(int dir_fd, const char *path, int flags);

/* The directory that holds `path`, made when it is not there, and kept open for the entries that
 * follow. Borrowed. */
int tree_open_parent(struct tree *tree, const char *path, int *out, struct error *e);

/* Make way for an entry: the last one of a name wins, and a directory goes only when it is empty.
 */
int tree_make_way(struct tree *tree, int dir_fd, const char *path, struct error *e);

bool tree_is_whiteout(const struct tree *tree, const struct stat *st);

/* A directory could not be opened: because something else, or nothing, stands there by now? Any
 * other reason must not pass for that. */
bool tree_is_gone(int error_number);

/* An empty regular file; 0 or -1 with errno. */
int tree_make_plain(int dir_fd, const char *name, mode_t mode);

/* The lists of tree_finish(); `directories` is sorted by then. Sets the implied ones' times. */
int tree_list_opaque(struct tree *tree, struct path_list *out, struct error *e);
int tree_list_implied(struct tree *tree, struct path_list *out, struct error *e);

/* Has that directory an entry of its own? Once `directories` is sorted. */
bool tree_has_directory(const struct tree *tree, const char *path);

#endif

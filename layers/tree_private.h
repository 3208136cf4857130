/* Shared by tree.c (entries and their metadata), tree_levels.c (the directories being filled) and
 * tree_names.c (what stands where). */
#ifndef PLYBOOT_TREE_PRIVATE_H
#define PLYBOOT_TREE_PRIVATE_H

#include <sys/stat.h>

#include "tree.h"

/* A directory that is being filled: the root, and each on the way to where entries go. They stay
 * open while entries come for them, and get their time when they are left; one that is entered
 * again gets the time back that it had. So nothing has to be remembered for a directory behind. */
struct level {
	size_t length; /* of its path, within the path of the deepest */
	int fd;        /* -1: closed, since too many were open */
	bool dirty;    /* its time must be set */
	struct timespec mtime;
};

/* What children would inherit, and a directory therefore gets when all are there: a default ACL and
 * the set-group-ID bit. */
struct inheritable {
	char *path;   /* owned */
	size_t order; /* of its entry: the last one of a name wins */
	mode_t mode;
	bool sets_mode;
	void *default_acl; /* owned, or NULL */
	size_t default_acl_bytes;
};

struct tree {
	int root_fd;
	bool names_only;
	mode_t umask_before;
	char path[LIMIT_PATH_BYTES + 1]; /* of the deepest level */
	size_t level_count, level_capacity;
	struct level *levels;
	struct path_list opaque;    /* named by an opaque marker */
	struct path_list removed;   /* named by a whiteout, with an entry of this layer there too */
	struct path_list whiteouts; /* the directories in which they were made */
	/* Directories made without an entry (ORIGIN_IMPLIED), and what happened to such since. The
	 * values grow in the order of events. */
	struct path_list origins;
	uint64_t implied_made;
	size_t inheritable_count, inheritable_capacity;
	struct inheritable *inheritable;
};

/* --- levels */

int tree_levels_open(struct tree *tree, struct error *e);
void tree_levels_close(struct tree *tree);

/* Go to the directory of `length` bytes of `path`, made when it is not there: it is the deepest
 * level then, and will be changed. Borrowed. */
int tree_enter(struct tree *tree, const char *path, size_t length, int *out, struct error *e);

/* One down from the deepest level, into the directory `name` that `fd` (taken over) is open on. */
int tree_push(
	struct tree *tree, const char *name, int fd, const struct timespec *mtime, struct error *e);

/* The deepest level, whose descriptor is open. */
struct level *tree_deepest(struct tree *tree);

/* All of them get their times. */
int tree_leave_all(struct tree *tree, struct error *e);

/* --- names */

/* Below `dir_fd` strictly; "" is the directory itself. */
int tree_open_below(int dir_fd, const char *path, int flags);

/* The directory that holds `path`, made when it is not there, and kept open for the entries that
 * follow. Borrowed. */
int tree_open_parent(struct tree *tree, const char *path, int *out, struct error *e);

/* Make the directory `name` in `dir_fd`, for which there is no entry; replace_whiteout: one of this
 * layer's stands there. `path` ends with `name`. */
int tree_make_implied(
	struct tree *tree, int dir_fd, const char *name, const char *path, struct error *e);
int tree_replace_whiteout(
	struct tree *tree, int dir_fd, const char *name, const char *path, struct error *e);

int tree_refuse_parent(const char *path, struct error *e);

/* Make way for an entry: the last one of a name wins, and a directory goes only when it is empty.
 */
int tree_make_way(struct tree *tree, int dir_fd, const char *path, struct error *e);

bool tree_is_whiteout(const struct tree *tree, const struct stat *st);

/* A directory could not be opened: because something else, or nothing, stands there by now? Any
 * other reason must not pass for that. */
bool tree_is_gone(int error_number);

/* An empty regular file; 0 or -1 with errno. */
int tree_make_plain(int dir_fd, const char *name, mode_t mode);

enum tree_origin { ORIGIN_SETTLED, ORIGIN_IMPLIED };
/* What the directory `path` is from now on. */
int tree_note_origin(struct tree *tree, const char *path, enum tree_origin origin, struct error *e);

/* The lists of tree_finish(). */
int tree_list_opaque(struct tree *tree, struct path_list *out, struct error *e);
int tree_list_implied(struct tree *tree, struct path_list *out, struct error *e);

/* --- what children would inherit (tree_inherit.c) */

/* Remember it for tree_set_inheritable(). `existed`: it may take the place of an earlier one. */
int tree_keep_inheritable(
	struct tree *tree, const struct tree_entry *entry, bool existed, struct error *e);
/* The directory is gone, and so is what it was to get. */
int tree_drop_inheritable(struct tree *tree, const char *path, struct error *e);
int tree_set_inheritable(struct tree *tree, struct error *e);
void tree_free_inheritable(struct tree *tree);

int tree_set_xattr_failed(const char *path, const char *name, struct error *e);

#endif

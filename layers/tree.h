/*
 * Writing one layer's tree below a directory descriptor. Internal to unpacking: it has no opinion
 * about tar, only about names, what may replace what, and metadata.
 */
#ifndef PLYBOOT_TREE_H
#define PLYBOOT_TREE_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "paths.h"
#include "unpack.h"
#include "xattrs.h"

struct tree_entry {
	const char *path; /* normal form */
	char type;        /* as in a tar header */
	mode_t mode;      /* permission bits, 07777 */
	uid_t uid;
	gid_t gid;
	struct timespec mtime;
	dev_t device;
	const char *link; /* symlink: as it is; hard link: normal form */
	struct xattr_list xattrs;
};

struct tree;

/* `root_fd`, an empty directory without the set-group-ID bit and a default ACL, must outlive the
 * tree. Everything is made by user and group 0 but for names_only. The umask is 0 until
 * tree_close(). */
int tree_open(int root_fd, bool names_only, struct tree **out, struct error *e);

/* Begin a regular file: the descriptor to write its contents to, which tree_end_file() takes back,
 * sets metadata on and closes. With names_only nothing need be written. (Its size is not set first,
 * for the sake of huge pages: for 1 GiB that took 2.3 s instead of 0.9 s on Linux 6.18.) */
int tree_begin_file(struct tree *tree, const struct tree_entry *entry, int *out, struct error *e);
int tree_end_file(struct tree *tree, const struct tree_entry *entry, int fd, struct error *e);

int tree_add_directory(struct tree *tree, const struct tree_entry *entry, struct error *e);
int tree_add_symlink(struct tree *tree, const struct tree_entry *entry, struct error *e);
int tree_add_hard_link(struct tree *tree, const struct tree_entry *entry, struct error *e);
int tree_add_special(struct tree *tree, const struct tree_entry *entry, struct error *e);

/* Remove `path` from lower layers; a directory of this layer there becomes opaque. */
int tree_add_whiteout(struct tree *tree, const char *path, struct error *e);
/* Hide all that lower layers have in the directory `path`. */
int tree_add_opaque(struct tree *tree, const char *path, struct error *e);

/* How many directories were made without an entry of their own so far. */
uint64_t tree_implied_made(const struct tree *tree);

/* What could not be set before children were there: directories' times, default ACLs, set-group-ID
 * bits. Then hand over which directories are opaque and which were only implied. */
int tree_finish(
	struct tree *tree, struct path_list *opaque, struct path_list *implied, struct error *e);

void tree_close(struct tree *tree);

#endif

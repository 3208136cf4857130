/*
 * A directory tree in memory: every name with its metadata, a directory before what it holds, names
 * of one directory in the order of their bytes. File contents stay where they are.
 */
#ifndef PLYBOOT_SCAN_H
#define PLYBOOT_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "../layers/error.h"

struct scan_xattr {
	char *name;
	uint8_t *value;
	size_t size_bytes;
};

/* Whose names overlayfs's marks have, in a tree that is the upper directory of an overlay: those of
 * an ordinary mount, or of one with `userxattr`. Unsure: an ordinary one, but of user's marks each
 * counts as one that no layer can say. */
enum scan_marks { SCAN_MARKS_NONE, SCAN_MARKS_UNSURE, SCAN_MARKS_TRUSTED, SCAN_MARKS_USER };

struct scan_entry {
	char *path; /* below the root; "" for the root itself */
	struct stat st;
	bool whiteout;      /* of an upper: it removes its name of lower layers */
	bool opaque;        /* of an upper: a directory that hides what lower layers have there */
	bool gone;          /* of an upper: removed between listing and reading it */
	bool emptied;       /* its contents are left out */
	bool below;         /* of two uppers, one over the other: it is the lower one's */
	char *foreign_mark; /* of an upper: the attribute of overlayfs that no layer can say */
	char *link;         /* of a symlink */
	size_t xattr_count;
	struct scan_xattr *xattrs; /* sorted by name */
	size_t leader; /* the first entry that is the same inode; its own index if it is that */
};

struct scan {
	int root_fd, below_fd;
	const char *root, *below; /* the caller's paths; of an upper below this one: NULL */
	enum scan_marks marks;
	size_t count, capacity;
	struct scan_entry *entries;
};

#define SCAN_INIT                                                                                  \
	{                                                                                          \
		.root_fd = -1, .below_fd = -1                                                      \
	}

/* Read the tree below the directory `path`. Sockets and attributes that a layer can't have are left
 * out with a warning. `root_owned`: everything is said to belong to 0:0. Other file systems mounted
 * in it are part of it. ERROR_MISSING, ERROR_IO, ERROR_NOSPACE; ERROR_LIMIT for what no layer can
 * hold. */
int scan_tree(const char *path, bool root_owned, struct scan *out, struct error *e);

/* The same of an overlay's upper directory: whiteouts and marks are told from files. */
int scan_upper(const char *path, bool root_owned, enum scan_marks marks, struct scan *out,
	struct error *e);

/* Two uppers of one overlay, the second below the first, become one that shows the same over the
 * same layers. `below` is empty afterwards. ERROR_NOSPACE. */
int scan_put_over(struct scan *top, struct scan *below, struct error *e);

/* One name alone, as an entry with a path of its own, for scan_entry_free(). `dir_fd` is that of
 * its directory; "" is the directory itself. ERROR_MISSING; ERROR_IO, ERROR_NOSPACE, ERROR_LIMIT.
 */
int scan_name(int dir_fd, const char *path, enum scan_marks marks, struct scan_entry *out,
	struct error *e);
void scan_entry_free(struct scan_entry *entry);

/* Where an entry's directory tree is. */
const char *scan_root_of(const struct scan *scan, const struct scan_entry *entry);

/* Find which entries are one file, after some came or went. ERROR_NOSPACE. */
int scan_find_leaders(struct scan *scan, struct error *e);

/* Forget the entries that `keep` says false of, in their order. ERROR_NOSPACE. */
int scan_filter(struct scan *scan, bool (*keep)(void *context, const struct scan_entry *entry),
	void *context, struct error *e);

/* ERROR_IO when an entry of an upper went away meanwhile. */
int scan_refuse_gone(const struct scan *scan, struct error *e);

/* ERROR_WHITEOUT when a name begins with ".wh.": in a layer it would not be what it is. */
int scan_refuse_whiteouts(const struct scan *scan, struct error *e);

void scan_free(struct scan *scan);
#define SCOPED_SCAN __attribute__((cleanup(scan_free))) struct scan

/* A regular file's contents, for reading. Nothing is followed. ERROR_IO when it is not the file
 * that was scanned, by inode, size and time; after reading it, scan_check_file() asks that again.
 */
int scan_open_file(
	const struct scan *scan, const struct scan_entry *entry, int *fd, struct error *e);
int scan_check_file(const struct scan_entry *entry, int fd, struct error *e);

#endif

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

struct scan_entry {
	char *path; /* below the root; "" for the root itself */
	struct stat st;
	char *link; /* of a symlink */
	size_t xattr_count;
	struct scan_xattr *xattrs; /* sorted by name */
	size_t leader; /* the first entry that is the same inode; its own index if it is that */
};

struct scan {
	int root_fd;
	const char *root; /* the caller's path of it */
	size_t count, capacity;
	struct scan_entry *entries;
};

#define SCAN_INIT                                                                                  \
	{                                                                                          \
		.root_fd = -1                                                                      \
	}

/* Read the tree below the directory `path`. Sockets and attributes that a layer can't have are left
 * out with a warning. `root_owned`: everything is said to belong to 0:0. Other file systems mounted
 * in it are part of it. ERROR_MISSING, ERROR_IO, ERROR_NOSPACE; ERROR_LIMIT for what no layer can
 * hold. */
int scan_tree(const char *path, bool root_owned, struct scan *out, struct error *e);

void scan_free(struct scan *scan);
#define SCOPED_SCAN __attribute__((cleanup(scan_free))) struct scan

/* A regular file's contents, for reading. Nothing is followed. ERROR_IO when it is not the file
 * that was scanned, by inode, size and time; after reading it, scan_check_file() asks that again.
 */
int scan_open_file(
	const struct scan *scan, const struct scan_entry *entry, int *fd, struct error *e);
int scan_check_file(const struct scan_entry *entry, int fd, struct error *e);

/* The order of the entries: negative, 0, positive. */
int scan_compare_paths(const char *a, const char *b);

#endif

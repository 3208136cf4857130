/* Scanned entries and whiteouts as a pax archive (POSIX.1-2001), the same bytes for the same
 * entries. */
#ifndef PLYBOOT_TAROUT_H
#define PLYBOOT_TAROUT_H

#include "scan.h"

struct tarout;

/* Where the bytes go: 0, or -1 with the error. */
typedef int tarout_sink(void *context, const void *data, size_t size_bytes, struct error *e);

int tarout_open(tarout_sink *sink, void *context, struct tarout **out, struct error *e);

/* One entry with its contents; `link_to` is the path of an entry before it that this is a hard link
 * to, or NULL. ERROR_IO when the file is not what it was when it was scanned. */
int tarout_add(struct tarout *tar, const struct scan *scan, const struct scan_entry *entry,
	const char *link_to, struct error *e);

/* A directory, or a regular file with these contents, of 0:0, that no tree
 * has: `mode` with its type. */
int tarout_add_made(struct tarout *tar, const char *path, mode_t mode, time_t mtime,
	const void *data, size_t size_bytes, struct error *e);

/* The whiteout that removes `path` of lower layers. */
int tarout_add_whiteout(struct tarout *tar, const char *path, struct error *e);

/* What hides all that lower layers have in the directory `path`. */
int tarout_add_opaque(struct tarout *tar, const char *path, struct error *e);

/* The archive's end. */
int tarout_finish(struct tarout *tar, struct error *e);

void tarout_close(struct tarout *tar);

#endif

/*
 * The store: whole layers, unpacked once, by identity. A layer is unpacked beside it and renamed
 * in:
 *
 *     <store>/<id>/root      the tree, a lower directory for overlayfs
 *     <store>/<id>/implied   the directories without an entry of their own (NUL after each; a first
 *                            byte 'm' merged or 'f' fresh), and those with whiteouts ('w')
 *     <store>/new-<id>       what is being unpacked
 *
 * <id> is the hex SHA-256 of the signed layer record. The library takes a descriptor of the store's
 * directory; whoever owns it mounts, sizes and freezes it.
 */
#ifndef PLYBOOT_STORE_H
#define PLYBOOT_STORE_H

#include "unpack.h"

struct store_layer {
	struct digest id;
	bool reused;      /* it was in the store already */
	bool hides_lower; /* its root is opaque: overlayfs takes no notice, so leave lower ones out
			   */
	uint64_t user_xattrs_skipped;
	uint64_t start_us; /* CLOCK_MONOTONIC when crew.h began with it; 0: it did not */
};

/* Bytes of tmpfs (size=) and of memory outside it that a layer needs here. `page_bytes` is the
 * kernel's page size: file rounding beyond 4096 is added. Saturates instead of overflowing. */
void store_need(const struct layer_record *record, uint64_t page_bytes, uint64_t *tmpfs_bytes,
	uint64_t *kernel_bytes);

/* Have the layer in the store, unpacking it, in this process, when it is not there. On failure
 * nothing of it remains. (A stack's layers, in jails: crew.h.) */
int store_add(int store_fd, struct source *source, const struct layer_record *record,
	const struct layer_unpack_options *options, struct store_layer *out, struct error *e);

/* Remove what a directory entry holds, recursively, never crossing file systems or following links.
 * A name that is not there is no error. */
int store_remove(int dir_fd, const char *name, struct error *e);

/*
 * The synthetic layer: overlayfs takes a directory's metadata from the topmost
 * layer that has it, so a directory that a layer only implies would hide the metadata of the one
 * below. And it lists the whiteouts that lie in a directory which it merges with no other, as names
 * that are not there: such a directory gets one to merge with. Makes `<name>` in `into_fd` with
 * just those directories, and their parents, each with the metadata that OCI's rules give it. `ids`
 * are the stack's layers, bottom first. The root's metadata is set too, so that it can be copied to
 * a new upper.
 */
int store_make_synthetic(int store_fd, const struct digest *ids, size_t count, int into_fd,
	const char *name, struct error *e);

/* Copy owner, mode, times and xattrs (all but trusted.*) from one directory or file to another. */
int store_copy_metadata(int from_fd, int to_fd, struct error *e);

#endif

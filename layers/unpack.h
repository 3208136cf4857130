/*
 * A layer's tar becomes a tree: nothing outside `root_fd`, parents by openat2(RESOLVE_BENEATH |
 * RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV), files by O_EXCL | O_NOFOLLOW, metadata by descriptor.
 * OCI whiteouts become overlayfs's character device 0/0; opaque directories are listed, for
 * somebody with CAP_SYS_ADMIN to mark (store.h).
 */
#ifndef PLYBOOT_UNPACK_H
#define PLYBOOT_UNPACK_H

#include <stdbool.h>

#include "decode.h"
#include "paths.h"

struct tree_entry;

/* Told what is unpacked, in the tar's order: right before a name is made, and of a file's contents
 * as they come. What is then refused refuses the whole layer. Each returns 0, or -1 with an error,
 * which ends the unpacking. The arguments are gone after the call. (Which directories are opaque or
 * implied hangs on what follows them: struct unpack_result lists those.) */
struct unpack_observer {
	int (*entry)(struct unpack_observer *self, const struct tree_entry *entry,
		uint64_t size_bytes, struct error *e);
	int (*content)(
		struct unpack_observer *self, const void *data, size_t size_bytes, struct error *e);
	int (*whiteout)(struct unpack_observer *self, const char *path, struct error *e);
};

struct unpack_options {
	uint64_t max_unpacked_bytes;
	uint64_t max_entries;
	bool skip_user_xattrs;   /* leave user.* out, counting them */
	bool refuse_user_xattrs; /* ERROR_XATTR at the first user.* */
	/* Create every name and check everything, but no file contents, owners, modes, times,
	 * xattrs, and plain files for device nodes: what an unprivileged check needs. */
	bool names_only;
	_Atomic uint64_t *beats; /* counted up with each chunk and each entry; may be NULL */
	struct unpack_observer *observer; /* may be NULL */
};

/* Values in unpack_result.implied. */
enum {
	IMPLIED_MERGED, /* a lower layer's directory of that name shows through */
	IMPLIED_FRESH,  /* the same layer removed that one by a whiteout */
	IMPLIED_NOT     /* whatever else it is: whiteouts lie in it */
};

struct unpack_result {
	uint64_t unpacked_bytes;  /* sum of unpack_charge() */
	uint64_t entries;         /* of the tar, and directories that had none of their own */
	uint64_t user_xattrs;     /* how many there were (skipped or set) */
	struct path_list opaque;  /* directories that hide what lies below */
	struct path_list implied; /* directories without an entry of their own, "" for the root; and
				     those other than the root with whiteouts (IMPLIED_NOT) */
};

/* What one entry counts for in `unpacked`: a file's size rounded up to 4096, plus a symlink's
 * target, plus names and values of its xattrs. */
uint64_t unpack_charge(uint64_t file_bytes, uint64_t link_bytes, uint64_t xattr_bytes);

/* Unpack all of `decoder` below the empty directory `root_fd`, to its very end. On failure the
 * directory holds part of the layer: the caller removes it. Free the result with
 * unpack_result_free(). Every error of the catalogue from ERROR_DIGEST to ERROR_NOSPACE. */
int unpack_tar(struct decoder *decoder, int root_fd, const struct unpack_options *options,
	struct unpack_result *out, struct error *e);

void unpack_result_free(struct unpack_result *result);

/* Stream, decoder, unpacking, and the exact comparison with the signed numbers, in one:
 * ERROR_LIMIT when there is more than the record says, ERROR_SIZE when there is less. */
struct layer_unpack_options {
	bool user_xattrs_supported; /* by the destination's file system */
	bool names_only;
	unsigned workers; /* threads that read, check and decode ahead, at most
			     DECODER_WORKERS_MOST; 0: all in the caller's */
	void (*progress)(void *context, uint64_t stored_bytes); /* may be NULL */
	_Atomic uint64_t *beats; /* counted up as a sign of life, by any thread; may be NULL */
	void *progress_context;
	struct unpack_observer *observer; /* may be NULL */
};
/* The same for a stream that is open. */
int layer_unpack_stream(struct stream *stream, const struct layer_record *record, int root_fd,
	const struct layer_unpack_options *options, struct unpack_result *out, struct error *e);
int layer_unpack(struct source *source, const struct layer_record *record, int root_fd,
	const struct layer_unpack_options *options, struct unpack_result *out, struct error *e);

#endif

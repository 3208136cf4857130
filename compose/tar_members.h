/*
 * Where the files of a plain tar lie in it, for who reads a few of them in place: a store in a tar
 * (source_tar.h). One walk over the headers; contents are stepped over. Nothing that is found has
 * been verified; whoever reads contents holds them against a digest.
 */
#ifndef PLYBOOT_TAR_MEMBERS_H
#define PLYBOOT_TAR_MEMBERS_H

#include <stddef.h>
#include <stdint.h>

#include "../layers/error.h"

enum { TAR_MEMBERS_MOST = 10000 /* of any type */ };

/* The tar's bytes. */
struct tar_input {
	uint64_t size_bytes;
	/* At most `size_bytes` at `offset`, which is below the tar's size; `*got` is 0 only where
	 * it ends. */
	int (*read_at)(void *context, uint64_t offset, void *buffer, size_t size_bytes, size_t *got,
		struct error *e);
	void *context;
};

struct tar_member {
	char *name; /* owned; a normal path (paths.h) */
	uint64_t offset, size_bytes;
};

struct tar_members {
	size_t count, capacity;
	struct tar_member *items; /* owned; sorted by name, none twice */
};

/*
 * The regular files. ERROR_TAR: it is damaged, compressed, or no tar; ERROR_PATH: a name that
 * leaves it; ERROR_TYPE: a member that is neither a file nor a directory, or has holes;
 * ERROR_FORMAT: a name twice; ERROR_SIZE: it ends within a file; ERROR_LIMIT; ERROR_NOSPACE; errors
 * of the input. Free with tar_members_free().
 */
int tar_members_list(const struct tar_input *input, struct tar_members *out, struct error *e);
void tar_members_free(struct tar_members *members);

/* NULL: there is none of that name. */
const struct tar_member *tar_members_find(const struct tar_members *members, const char *name);

#endif

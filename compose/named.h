/*
 * What a store's stacks and images name: which blobs each of them needs. Whoever removes blobs
 * relies on it, so that it is known whole or not at all.
 */
#ifndef PLYBOOT_NAMED_H
#define PLYBOOT_NAMED_H

#include "layout.h"

enum {
	NAMED_DEPTH_MOST = 8,     /* of indexes in indexes */
	NAMED_BLOBS_MOST = 20000, /* of one stack or image */
};

enum named_kind { NAMED_LAYER, NAMED_PIECES, NAMED_DOCUMENT };

struct named_blob {
	struct digest digest;
	enum named_kind kind;
	uint64_t size_bytes; /* in the store; 0 when it is not there */
	size_t owners;       /* how many name it */
};

/* A stack of stacks/ or an image of index.json. */
struct named_owner {
	char *name; /* NAME-VERSION; the image's ref name, or its digest */
	bool image;
	size_t count, capacity;
	struct named_blob *blobs; /* none twice, in the order of the layers */
};

struct named {
	size_t count;
	struct named_owner *owners; /* stacks by name, then images as index.json has them */
};

/*
 * Stack files are decoded, not verified: what an unknown key signed is named as well. A manifest
 * that an index names and that is not there is warned of: there is nothing that it could name.
 * ERROR_FORMAT, ERROR_LIMIT, ERROR_DIGEST, ERROR_TYPE, ERROR_IO of anything that can't be read to
 * its end.
 */
int named_read(struct layout *layout, struct named *out, struct error *e);
/* Take out an owner, as if the store did not have it. The bytes of the blobs that nobody names
 * then; 0 when there is no such owner. */
uint64_t named_drop(struct named *named, const char *name, bool image);

void named_free(struct named *named);
#define SCOPED_NAMED __attribute__((cleanup(named_free))) struct named

/* NULL: nobody names it. */
const struct named_blob *named_find(const struct named_owner *owner, const struct digest *digest);
bool named_by_any(const struct named *named, const struct digest *digest);

#endif

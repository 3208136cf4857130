/*
 * What one layer holds, in memory: fed by unpacking's observer, so that it is exactly what would be
 * unpacked. Of a name given twice the last entry counts, hard links share what the first name had
 * when they were made, and whiteouts are only where nothing of the layer stands (layers/tree.h).
 *
 * Names are in the order of a walk: a directory right before all that lies below it.
 */
#ifndef PLYBOOT_LAYER_INDEX_H
#define PLYBOOT_LAYER_INDEX_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "../layers/tree.h"
#include "hoard.h"

enum { LAYER_INDEX_WHITEOUT = 'w' };

struct layer_entry {
	const char *path; /* normal form; the root is "" */
	const char *link; /* of a symlink, else NULL */
	const struct xattr *xattrs;
	uint64_t size_bytes; /* of a file, else 0 */
	struct timespec mtime;
	dev_t device;
	uint32_t uid, gid;
	uint32_t order;  /* the observer's count of the event that it came from, from 0 */
	uint32_t leader; /* the first name of the same file in the index; itself for most */
	uint32_t names;  /* of the same file in this layer */
	uint16_t mode;   /* 07777 */
	uint8_t xattr_count;
	char type;    /* as in a tar header, never '1'; or LAYER_INDEX_WHITEOUT */
	bool implied; /* a directory without an entry of its own: metadata from below */
	bool fresh;   /* an implied one that the same layer removed below */
	bool opaque;  /* a directory that hides what lies below in it */
};

/* All zero, but for `most_bytes`, is one that nothing was added to. */
struct layer_index {
	uint64_t most_bytes; /* of memory; 0: LAYER_INDEX_MOST_BYTES */
	size_t count, capacity;
	struct layer_entry *entries;
	struct hoard hoard;
};

/* No machine that reads layers should be brought down by one: 4,000,000 entries with paths of 400
 * bytes fit. */
#define LAYER_INDEX_MOST_BYTES (UINT64_C(4) << 30)

/* One event of the observer. ERROR_NOSPACE, ERROR_LIMIT: over most_bytes. */
int layer_index_add(struct layer_index *index, const struct tree_entry *entry, uint64_t size_bytes,
	struct error *e);
int layer_index_add_whiteout(struct layer_index *index, const char *path, struct error *e);

/* All was added, and unpacking has succeeded with `result`: sort, and take what counts. From here
 * on it may be looked at. ERROR_NOSPACE, ERROR_LIMIT; ERROR_PATH for a link that unpacking would
 * have refused. */
int layer_index_finish(
	struct layer_index *index, const struct unpack_result *result, struct error *e);

void layer_index_free(struct layer_index *index);

/* Same owner, mode, time and xattrs? */
bool layer_entry_same_metadata(const struct layer_entry *a, const struct layer_entry *b);

/* About what an index takes. */
uint64_t layer_index_bytes(const struct layer_index *index);

#endif

/*
 * A stack on its way into a store that /init reads: the layers partition of a running system, or a
 * directory that becomes one. Three steps: read and judge the stack file, plan, write. Only the
 * last one writes, blobs first, the stack file last and by one rename, when all that it names has
 * been flushed and read back.
 *
 * What ends it in between leaves no stack file without its blobs, and nothing less than was there.
 * Whole blobs stay, for a second call to go on with: another command that has the store open may
 * have found them there and rely on them.
 */
#ifndef PLYBOOT_INSTALLING_H
#define PLYBOOT_INSTALLING_H

#include "../layers/signed.h"
#include "bytes.h"
#include "origin.h"

/* Whether a stack may be installed: its signatures, the stack file, and all that is known of the
 * machine that it is for. On success the caller frees the stack. */
struct installing_judge {
	int (*judge)(const struct installing_judge *judge, const char *file_name,
		const uint8_t *bytes, size_t size_bytes, struct stack *out, struct error *e);
	const struct signature_policy *signatures;
	/* The machine's own policy, all of it: what it refuses would never boot there. */
	bool is_whole;
	const void *context;
};

enum installing_state { INSTALLING_THERE, INSTALLING_ROTTED, INSTALLING_MISSING };

struct installing_blob {
	struct digest digest;
	uint64_t size_bytes;
	bool is_layer; /* else a piece table */
	enum installing_state state;
	uint64_t frees_bytes; /* of a rotted one: what goes when the new one has its name */
};

struct installing_room {
	uint64_t need_bytes, have_bytes;
	uint64_t need_inodes, have_inodes; /* have: UINT64_MAX where the file system has no count */
};

struct installing {
	struct origin *from;
	struct layout *to;
	const struct installing_judge *judge;
	char file_name[STACK_FILE_NAME_SIZE];
	struct bytes stack_file; /* as it will be written */
	bool stack_stands;       /* these very bytes are there */
	struct stack stack;
	size_t count;
	struct installing_blob *blobs; /* owned; none twice */
	struct installing_room room;
};

/* Read the stack file `name` ("NAME-VERSION.stack") and judge it. The caller keeps the rest alive.
 * ERROR_MISSING, and what the judge says. To be closed in any case. */
int installing_read(struct installing *out, struct origin *from, const char *name,
	const struct installing_judge *judge, struct error *e);

/*
 * What of it `to` has, hashed, and the room that the rest takes. ERROR_MISSING: a blob is neither
 * there nor where it comes from; ERROR_SIZE: it is of another size there; ERROR_USAGE unless
 * `force`: a signed stack of that name and version says otherwise.
 */
int installing_plan(struct installing *self, struct layout *to, bool force, struct error *e);

/* What the plan takes of the file system, and what that has: a part of planning. ERROR_IO. */
int installing_measure_room(struct installing *self, struct error *e);

/* Is there room? ERROR_NOSPACE with both numbers. */
int installing_check_room(const struct installing *self, struct error *e);

/* True when nothing has to be written. */
bool installing_is_done(const struct installing *self);

/* ERROR_DIGEST: a blob is not what its name says, where it comes from or as it was read back; every
 * error of measure_check(); ERROR_IO; ERROR_NOSPACE. */
int installing_write(struct installing *self, struct error *e);

void installing_close(struct installing *self);

#endif

/* `plyboot run --keep`: what the command changed in the root of its guest becomes a layer. */
#ifndef PLYBOOT_RUN_KEEP_H
#define PLYBOOT_RUN_KEEP_H

#include "layout.h"
#include "output.h"
#include "run_given.h"
#include "scratch_guard.h"

enum { RUN_KEEP_SHARES = 2 };

/*
 * The guest gets this command itself, read-only, and an empty directory; when the command has ended
 * it runs `plyboot commit --live` into that. Nothing that it leaves there is believed: of the
 * directory only the tar of the layer is read, and it goes the way of any tar that is packed.
 */
struct run_keep {
	const char *output_path; /* the .layer file; the caller's; NULL: nothing is kept */
	const char *store;       /* the caller's */
	struct output output;
	struct scratch program, kept;
	struct scratch_guard guards[RUN_KEEP_SHARES];
	char paths[RUN_KEEP_SHARES][64];
};

#define RUN_KEEP_INIT                                                                              \
	{                                                                                          \
		.output = OUTPUT_INIT, .program = SCRATCH_INIT, .kept = SCRATCH_INIT,              \
		.guards = {SCRATCH_GUARD_INIT, SCRATCH_GUARD_INIT},                                \
	}

/* Before anything is made: begin the .layer file, and see that there is a store or can be one.
 * ERROR_IO, ERROR_NOSPACE, ERROR_MISSING, ERROR_FORMAT. */
int run_keep_begin(struct run_keep *keep, struct error *e);

/* Before the guest starts: give `command` the shares and what it runs. ERROR_IO, ERROR_NOSPACE. */
int run_keep_prepare(struct run_keep *keep, struct run_command *command, struct error *e);

/* Run the guest with that command, as run_guest() does, and keep when the command has ended.
 * Returns the status, which is the command's then; that nothing was written in another case is
 * said. -1: there was no guest, or what run_keep_take() says. */
int run_keep_guest(struct run_keep *keep, const struct qemu_request *request, FILE *explain,
	bool *doubtful, struct error *e);

/* When the command has ended: put the layer into the store, and write the .layer file.
 * ERROR_MISSING: the guest has left none. ERROR_DIGEST, ERROR_FORMAT, ERROR_PATH, ERROR_TYPE: it
 * has left something else; all that /init would refuse; ERROR_IO, ERROR_NOSPACE. Then neither has
 * anything of it. */
int run_keep_take(struct run_keep *keep, struct error *e);

void run_keep_close(struct run_keep *keep);

#endif

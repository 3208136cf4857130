/*
 * The state partition, for each name of a stack:
 *
 *     plyboot/<name>/upper              what is kept: the base
 *     plyboot/<name>/made-for           whose it is, and whose it was (layers/owners.h)
 *     plyboot/<name>/work               overlayfs's, for whatever is the upper
 *     plyboot/<name>/trials/<hex>/upper of a stack on trial, over the base, which then is only
 *                                       read; <hex>: SHA-256 of its signed text
 *     plyboot/<name>/trials/<hex>/alone of one that wants a fresh upper: nothing is below it
 *     plyboot/<name>/archive/<n>/       upper and made-for that another one took the place of
 *     plyboot/<name>/archive/<n>/aside  of the last one, until the stack is confirmed without it:
 *                                       it comes back if that does not happen (aside_mark.h)
 *     plyboot/<name>/archive/<n>/restore somebody asked for it: it becomes the base
 *     plyboot/<name>/asked              what the running system asks of the next boot
 *                                       (layers/asked.h)
 *     plyboot/<name>/merging, dropped, trials/new, archive/new, upper.new
 *                                       what was being made or removed when the power went
 *     plyboot/.reset-<name>, plyboot/<name>/unfinished
 *                                       the same of a reset (reset.h)
 *     plyboot/<name>/spare/             see spare.h
 *     plyboot/<name>/stuck-<n>          what was to be removed, and can't be
 *     plyboot/<name>/paths/             persistent paths, see persist.h and begun.h
 *
 * All of it is hostile until looked at: nothing is opened through a link.
 */
#ifndef PLYBOOT_STATE_PRIVATE_H
#define PLYBOOT_STATE_PRIVATE_H

#include <stdbool.h>

#include "aside_mark.h"
#include "owners.h"
#include "state.h"
#include "upper.h"

/* Is there anything of that name? -1 with an error when that can't be said. */
int state_has(int dir_fd, const char *name, struct error *e);

/* `made-for` of a home: ERROR_MISSING when there is none; errors of owners_decode(). */
int state_read_owners(int home, struct owners *out, struct error *e);
int state_write_owners(int home, const struct owners *owners, struct error *e);

/* A directory with the metadata of `model_fd`, in a place where nothing is yet. */
int state_make_upper(int dir_fd, const char *name, int model_fd, struct error *e);

/* It is out of the way at once, and gone in the end, even if that takes another boot. */
int state_drop(int home, int dir_fd, const char *name, struct error *e);

/* The base is put into the archive, if there is one: it is not there any more then. `mark`: why it
 * may come back (aside.h), or NULL. */
int state_archive(int home, const struct aside_mark *mark, struct error *e);

/* What was on its way into the archive (a directory that is open) when the power went is there. */
int state_finish_archive(int dir_fd, struct error *e);

/* A new base, in two steps: all that takes room, and the rest, once there is none any more. What
 * the first one made goes at the next boot, if the second does not come. */
int state_begin_base(int home, int model_fd, struct error *e);
int state_finish_base(
	int home, const struct upper_request *request, struct report *report, struct error *e);

/* The base is this stack's; what else is in `owners` was so before. What can't be noted is said. */
void state_own(int home, struct owners *owners, const struct upper_request *request,
	struct report *report);

/* All that an upper takes, in the home of the stack's name. Errors as of state_prepare(). */
int state_choose(int home, const struct upper_request *request, struct report *report,
	struct upper_dirs *out, struct error *e);

/* Before an upper is chosen: what a power cut left is finished or removed; trials that the record
 * has as confirmed become part of the base; when a confirmed stack boots, the others are dropped.
 * What can't be done is said, and stays as it is. -1: the base is in part what another stack's
 * trial shows, and is not to be used. */
int trials_settle(
	int home, const struct upper_request *request, struct report *report, struct error *e);

/* Has the stack a trial upper? */
int trials_has(int home, const struct digest *text, struct error *e);

/* One that can't be used: begun anew at the next try, should there be one. */
int trials_drop(int home, const struct digest *text, struct error *e);

/* Make one: whole, or not at all. `alone`: no base will be below it. */
int trials_make(int home, const struct digest *text, int model_fd, bool alone, struct error *e);

/* Is the trial upper of this stack one without a base below it? */
int trials_is_alone(int home, const struct digest *text, struct error *e);

#endif

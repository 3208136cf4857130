/* Which stack boots next. */
#ifndef PLYBOOT_CHOOSE_H
#define PLYBOOT_CHOOSE_H

#include "candidate.h"
#include "record.h"

enum { CHOOSE_NONE = -1 };

/*
 * The best candidate that was not tried in this boot, or CHOOSE_NONE. `found` holds only what is
 * not below the floor.
 *
 * 1. Confirmed stacks and those with tries left, the newest version first.
 * 2. Unconfirmed ones whose tries can't be counted: a hang would repeat for ever. Nothing can be
 *    written (`writable` is false), or the record is full of others that are there.
 * 3. Unconfirmed ones whose tries are used up, the one that was tried longest ago first: one that
 *    hangs must not hide one that works.
 */
int choose_next(const struct candidates *found, const struct record *record, bool writable);

/* Why a candidate comes behind any confirmed one: a constant, NULL when it doesn't. */
const char *choose_why_behind(const struct candidates *found, const struct candidate *candidate,
	const struct record *record, bool writable);

/* Before a try of it is counted: a full record forgets a stack that is not there any more. */
void choose_make_room(
	const struct candidates *found, const struct candidate *candidate, struct record *record);

#endif

/* Which stack boots next. */
#ifndef PLYBOOT_CHOOSE_H
#define PLYBOOT_CHOOSE_H

#include "candidates.h"
#include "record.h"

enum { CHOOSE_NONE = -1 };

/* The best candidate that was not tried in this boot, or CHOOSE_NONE. Confirmed stacks and those
 * with tries left come first, newest version first; then unconfirmed ones without tries left. When
 * no try can be written (`writable` is false), a hang would repeat for ever: unconfirmed ones come
 * after confirmed ones. `found` holds only what is not below the floor. */
int choose_next(const struct candidates *found, const struct record *record, bool writable);

/* Would choose_next() put this one behind any confirmed one? For the console. */
bool choose_is_last_resort(
	const struct candidate *candidate, const struct record *record, bool writable);

#endif

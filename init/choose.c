#include "choose.h"

enum rank { RANK_GOOD, RANK_UNCOUNTED, RANK_EXHAUSTED };

static enum rank rank_of(
	const struct candidate *candidate, const struct record *record, bool writable)
{
	const struct record_stack *known = record_find(record, &candidate->text);
	if (known != NULL && known->confirmed)
		return RANK_GOOD;
	if (known != NULL && known->tries_left == 0)
		return RANK_EXHAUSTED;
	return writable ? RANK_GOOD : RANK_UNCOUNTED;
}

int choose_next(const struct candidates *found, const struct record *record, bool writable)
{
	int best = CHOOSE_NONE;
	enum rank best_rank = RANK_EXHAUSTED;
	for (size_t i = 0; i < found->count; i++) {
		const struct candidate *candidate = &found->list[i];
		enum rank rank = rank_of(candidate, record, writable);
		if (candidate->tried)
			continue;
		if (best == CHOOSE_NONE || rank < best_rank ||
			(rank == best_rank &&
				candidate->stack.version > found->list[best].stack.version)) {
			best = (int)i;
			best_rank = rank;
		}
	}
	return best;
}

bool choose_is_last_resort(
	const struct candidate *candidate, const struct record *record, bool writable)
{
	return rank_of(candidate, record, writable) != RANK_GOOD;
}

#include "choose.h"

enum rank { RANK_GOOD, RANK_UNCOUNTED, RANK_EXHAUSTED };

struct place {
	enum rank rank;
	uint64_t age; /* of the last try, where that counts */
	uint64_t version;
};

static bool is_found(const struct candidates *found, const struct digest *text)
{
	for (size_t i = 0; i < found->count; i++) {
		if (digest_equal(&found->list[i].text, text))
			return true;
	}
	return false;
}

/* An entry that may go: RECORD_STACKS when there is none. Unconfirmed ones first, the lowest
 * version first. */
static uint32_t absent_entry(const struct candidates *found, const struct record *record)
{
	uint32_t absent = RECORD_STACKS;
	for (uint32_t i = 0; i < record->stack_count; i++) {
		const struct record_stack *stack = &record->stacks[i];
		if (!is_found(found, &stack->text) &&
			(absent == RECORD_STACKS ||
				record_goes_before(stack, &record->stacks[absent])))
			absent = i;
	}
	return absent;
}

static bool has_room(const struct candidates *found, const struct record *record)
{
	return record->stack_count < RECORD_STACKS || absent_entry(found, record) < RECORD_STACKS;
}

void choose_make_room(
	const struct candidates *found, const struct candidate *candidate, struct record *record)
{
	if (record->stack_count < RECORD_STACKS || record_find(record, &candidate->text) != NULL)
		return;
	uint32_t absent = absent_entry(found, record);
	if (absent < RECORD_STACKS)
		record_forget(record, absent);
}

static enum rank rank_of(const struct candidates *found, const struct candidate *candidate,
	const struct record *record, bool writable)
{
	const struct record_stack *known = record_find(record, &candidate->text);
	if (known != NULL && known->confirmed)
		return RANK_GOOD;
	if (known != NULL && known->tries_left == 0)
		return RANK_EXHAUSTED;
	return writable && (known != NULL || has_room(found, record)) ? RANK_GOOD : RANK_UNCOUNTED;
}

static struct place place_of(const struct candidates *found, const struct candidate *candidate,
	const struct record *record, bool writable)
{
	struct place place = {.rank = rank_of(found, candidate, record, writable),
		.version = candidate->stack.version};
	if (place.rank == RANK_EXHAUSTED)
		place.age = record_last_try_age(record, record_find(record, &candidate->text));
	return place;
}

static bool goes_before(const struct place *a, const struct place *b)
{
	if (a->rank != b->rank)
		return a->rank < b->rank;
	if (a->age != b->age)
		return a->age > b->age;
	return a->version > b->version;
}

int choose_next(const struct candidates *found, const struct record *record, bool writable)
{
	int best = CHOOSE_NONE;
	struct place best_place = {.rank = RANK_EXHAUSTED};
	for (size_t i = 0; i < found->count; i++) {
		struct place place = place_of(found, &found->list[i], record, writable);
		if (found->list[i].tried)
			continue;
		if (best == CHOOSE_NONE || goes_before(&place, &best_place)) {
			best = (int)i;
			best_place = place;
		}
	}
	return best;
}

const char *choose_why_behind(const struct candidates *found, const struct candidate *candidate,
	const struct record *record, bool writable)
{
	switch (rank_of(found, candidate, record, writable)) {
	case RANK_EXHAUSTED:
		return "its tries are used up, and it was never confirmed";
	case RANK_UNCOUNTED:
		return "it is not confirmed, and its tries can't be counted";
	default:
		return NULL;
	}
}

/* Which stack is next, for every kind of record. */
#include "choose.h"
#include "tap.h"

static struct candidates found;
static struct record record;

static void start(void)
{
	found.count = 0;
	memset(&record, 0, sizeof record);
}

static void add(uint64_t version)
{
	struct candidate *candidate = &found.list[found.count++];
	*candidate = (struct candidate){.stack = {.name = "demo", .version = version}};
	candidate->text.bytes[0] = (uint8_t)version;
}

static void know(uint64_t version, uint8_t tries_left, bool confirmed)
{
	struct record_stack *stack = &record.stacks[record.stack_count++];
	*stack = (struct record_stack){
		.name = "demo",
		.version = version,
		.tries_left = tries_left,
		.confirmed = confirmed,
	};
	stack->text.bytes[0] = (uint8_t)version;
	record.sequence = 1;
}

/* The whole ladder, as versions with a blank behind each. */
static const char *ladder(bool writable)
{
	static char text[256];
	int next;
	text[0] = '\0';
	while ((next = choose_next(&found, &record, writable)) != CHOOSE_NONE) {
		size_t used = strlen(text);
		found.list[next].tried = true;
		(void)snprintf(text + used, sizeof text - used, "%llu ",
			(unsigned long long)found.list[next].stack.version);
	}
	for (size_t i = 0; i < found.count; i++)
		found.list[i].tried = false;
	return text;
}

static bool is_behind(size_t index, bool writable)
{
	return choose_why_behind(&found, &found.list[index], &record, writable) != NULL;
}

/* Counts a try of the one that comes first, as /init does, and says which that was. */
static unsigned boot_once(void)
{
	int next = choose_next(&found, &record, true);
	const struct candidate *candidate = &found.list[next];
	const struct record_subject subject = {
		&candidate->text, candidate->stack.name, candidate->stack.version};
	choose_make_room(&found, candidate, &record);
	record_count_try(&record, &subject, RECORD_TRIES);
	return (unsigned)candidate->stack.version;
}

/* Two that nobody confirms: whichever hangs, the other one has its turn. */
static void worn_out_ones_take_turns(void)
{
	start();
	add(1), add(2);
	unsigned counts[3] = {0};
	for (unsigned i = 0; i < 2 * RECORD_TRIES; i++)
		counts[boot_once()]++;
	ok(counts[1] == RECORD_TRIES && counts[2] == RECORD_TRIES, "each has its tries");
	for (unsigned i = 0; i < 4; i++)
		is_int(boot_once(), i % 2 == 0 ? 2 : 1, "then they take turns: %u", i);
	is_str(ladder(true), "2 1 ", "in one boot as well");
	record.sequence = UINT64_MAX - 1;
	for (uint32_t i = 0; i < 2; i++)
		record.stacks[i].last_try = record.sequence - 1 + (record.stacks[i].version == 1);
	is_int(boot_once(), 2, "also where the sequence number wraps");
	is_int(boot_once(), 1, "then the other");
	is_int(boot_once(), 2, "and again");
}

/* More bad stacks than the record has room for, above one that was confirmed. */
static void a_full_record_hides_no_confirmed_stack(void)
{
	start();
	for (uint64_t version = 1; version <= RECORD_STACKS + 4; version++)
		add(version);
	know(1, RECORD_TRIES, true);
	unsigned boots = 0, confirmed = 0;
	while (confirmed < 3 && boots < 200) {
		confirmed += boot_once() == 1;
		boots++;
	}
	is_int(boots, (RECORD_STACKS - 1) * RECORD_TRIES + 3,
		"the confirmed one boots when all that can be counted are worn out");
	is_int(record.stack_count, RECORD_STACKS, "the record is full");
	ok(is_behind(1, true), "a new one can't be counted, and comes behind it");
	for (size_t i = 0; i < found.count; i++) { /* the newest one goes away */
		if (found.list[i].stack.version == RECORD_STACKS + 4)
			found.list[i] = found.list[--found.count];
	}
	is_int(boot_once(), 5, "with one gone there is room for one more");
	is_int(record.stack_count, RECORD_STACKS, "in the place of the one that went");
	struct digest gone = {{RECORD_STACKS + 4}};
	ok(record_find(&record, &gone) == NULL, "which is forgotten");
	ok(record_find(&record, &(struct digest){{1}}) != NULL, "the confirmed one is not");
}

static bool is_known(uint8_t version)
{
	return record_find(&record, &(struct digest){{version}}) != NULL;
}

/* Which of several that are not there any more goes first, and that none goes that is there. */
static void a_full_record_gives_up_what_is_gone(void)
{
	const struct candidate newcomer = {
		.text = {{100}}, .stack = {.name = "demo", .version = 100}};
	start();
	for (uint64_t version = 1; version <= RECORD_STACKS; version++) {
		if (version > 4)
			add(version);
		know(version, 1, version == 1 || version == 4);
	}
	choose_make_room(&found, &found.list[0], &record);
	is_int(record.stack_count, RECORD_STACKS, "one that is known needs no room");
	static const uint8_t order[] = {2, 3, 1, 4}; /* 1 and 4 were confirmed */
	for (size_t i = 0; i < sizeof order; i++) {
		choose_make_room(&found, &newcomer, &record);
		ok(!is_known(order[i]) && record.stack_count == RECORD_STACKS - 1, "%u goes",
			order[i]);
		know(50 + i, 1, false);
		add(50 + i);
	}
	choose_make_room(&found, &newcomer, &record);
	is_int(record.stack_count, RECORD_STACKS, "all that are left are there: none goes");
}

int main(void)
{
	a_full_record_gives_up_what_is_gone();
	worn_out_ones_take_turns();
	a_full_record_hides_no_confirmed_stack();
	start();
	is_str(ladder(true), "", "nothing to choose from");

	add(9), add(10), add(8);
	is_str(ladder(true), "10 9 8 ", "newest first, as numbers");
	is_str(ladder(false), "10 9 8 ", "also when nothing can be written");

	know(10, 1, false);
	is_str(ladder(true), "10 9 8 ", "one try left is enough");
	record.stacks[0].tries_left = 0;
	is_str(ladder(true), "9 8 10 ", "no tries left: last, but still there");
	ok(is_behind(1, true), "and known as such");

	know(9, 0, true);
	is_str(ladder(true), "9 8 10 ", "confirmed: tries don't matter");
	is_str(ladder(false), "9 8 10 ", "not writable: unknown ones behind confirmed ones");
	ok(is_behind(2, false), "8 is unconfirmed then");
	ok(!is_behind(0, false), "9 is not");

	start();
	add(3), add(2), add(1);
	know(1, 0, true);
	know(2, 2, false);
	is_str(ladder(true), "3 2 1 ", "a new one is tried before the confirmed one");
	is_str(ladder(false), "1 3 2 ", "not when the try can't be written");

	start();
	add(1);
	know(1, 0, false);
	is_str(ladder(true), "1 ", "an exhausted one boots when nothing else does");

	start();
	add(5);
	know(5, 0, false);
	record.stacks[0].text.bytes[1] = 1;
	ok(!is_behind(0, true), "another file of the same version starts anew");
	return done();
}

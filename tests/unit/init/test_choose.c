/* Which stack is next, for every kind of record. */
#include "init/choose.h"
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

int main(void)
{
	start();
	is_str(ladder(true), "", "nothing to choose from");

	add(9), add(10), add(8);
	is_str(ladder(true), "10 9 8 ", "newest first, as numbers");
	is_str(ladder(false), "10 9 8 ", "also when nothing can be written");

	know(10, 1, false);
	is_str(ladder(true), "10 9 8 ", "one try left is enough");
	record.stacks[0].tries_left = 0;
	is_str(ladder(true), "9 8 10 ", "no tries left: last, but still there");
	ok(choose_is_last_resort(&found.list[1], &record, true), "and known as such");

	know(9, 0, true);
	is_str(ladder(true), "9 8 10 ", "confirmed: tries don't matter");
	is_str(ladder(false), "9 8 10 ", "not writable: unknown ones behind confirmed ones");
	ok(choose_is_last_resort(&found.list[2], &record, false), "8 is unconfirmed then");
	ok(!choose_is_last_resort(&found.list[0], &record, false), "9 is not");

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
	ok(!choose_is_last_resort(&found.list[0], &record, true),
		"another file of the same version starts anew");
	return done();
}

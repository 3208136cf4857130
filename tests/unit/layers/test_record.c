/* layers/record.c: what a device remembers, and that damage is always seen. */
#include <stdlib.h>
#include <zlib.h>

#include "little_endian.h"
#include "record.h"
#include "errors.h"
#include "random.h"

typedef uint8_t copy_bytes[RECORD_COPY_BYTES];

enum { CRC_AT = 16, STACKS_AT = 64, STACK = 128, NAMES_AT = 2112, NAME = 96, END = 2112 + 8 * 96 };

static struct digest text_of(unsigned number)
{
	struct digest digest;
	digest_of(&number, sizeof number, &digest);
	return digest;
}

static void try_stack(struct record *record, unsigned number, const char *name, uint64_t version)
{
	struct digest text = text_of(number);
	record_count_try(record, &(struct record_subject){&text, name, version}, RECORD_TRIES);
}

static const struct record_stack *find(const struct record *record, unsigned number)
{
	struct digest text = text_of(number);
	return record_find(record, &text);
}

static void confirm(
	struct record *record, unsigned number, const char *name, uint64_t version, uint64_t floor)
{
	struct digest text = text_of(number);
	record_confirm(record, &(struct record_subject){&text, name, version}, floor);
}

/* Two names, three stacks, one of them confirmed; sequence 5. */
static struct record example(void)
{
	struct record record = {.sequence = 0};
	try_stack(&record, 1, "demo", 7);
	confirm(&record, 1, "demo", 7, 3);
	try_stack(&record, 2, "demo", 8);
	try_stack(&record, 2, "demo", 8);
	try_stack(&record, 3, "other", 1);
	return record;
}

static void put_crc(uint8_t *bytes)
{
	memset(bytes + CRC_AT, 0, 4);
	put_u32(bytes + CRC_AT, (uint32_t)crc32(0, bytes, RECORD_COPY_BYTES));
}

static void a_record_is_as_its_header_says(void)
{
	struct record record = example(), back;
	struct error e;
	copy_bytes bytes, again;
	struct digest text = text_of(2);
	record_encode(&record, bytes);
	ok(memcmp(bytes, "plyboot record 1", 16) == 0, "magic");
	is_int((long long)get_u64(bytes + 24), 5, "sequence number");
	is_int(get_u32(bytes + 32), 3, "stacks");
	is_int(get_u32(bytes + 36), 2, "names");
	const uint8_t *stack = bytes + STACKS_AT + STACK, *name = bytes + NAMES_AT;
	ok(memcmp(stack, text.bytes, 32) == 0, "the second stack's digest");
	is_int((long long)get_u64(stack + 32), 8, "its version");
	is_int(stack[40], 1, "its tries left");
	is_int(stack[41], 0, "not confirmed");
	is_int(stack[42], 0, "so not at two boots in a row");
	is_int(get_u32(stack + 44), 2, "its boots without a confirm");
	is_int((long long)get_u64(stack + 48), 4, "the number of its last try");
	is_str((const char *)stack + 64, "demo", "its name");
	is_int(bytes[STACKS_AT + 41], 1, "the first is confirmed");
	is_str((const char *)name, "demo", "the first name");
	is_int((long long)get_u64(name + 64), 3, "its floor");
	is_int(get_u32(name + 72), 2, "its boots since the last confirm");
	memcpy(again, bytes, sizeof again);
	put_crc(again);
	ok(memcmp(again, bytes, sizeof again) == 0, "the CRC is zlib's with the field zero");
	is_int(record_decode(bytes, &back, &e), 0, "it is read");
	record_encode(&back, again);
	ok(memcmp(again, bytes, sizeof again) == 0, "and written as it was");
}

static void refuses(const uint8_t *bytes, const char *name)
{
	struct record record;
	struct error e;
	memset(&record, UNTOUCHED, sizeof record);
	int result = record_decode(bytes, &record, &e);
	if (error_is(result, &e, ERROR_FORMAT, "%s", name))
		ok(is_untouched(&record, sizeof record), "... nothing is written");
}

static void damage_is_seen(void)
{
	struct record record = example(), out;
	struct error e;
	copy_bytes bytes, zero = {0};
	size_t wrong = 0;
	record_encode(&record, bytes);
	for (size_t bit = 0; bit < sizeof bytes * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		wrong += record_decode(bytes, &out, &e) == 0 || e.code != ERROR_FORMAT ||
			 (bit / 8 >= CRC_AT && strstr(e.text, "CRC") == NULL);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	is_int((long long)wrong, 0,
		"0 of 32768 flipped bits are accepted; behind the magic it is the CRC that tells");
	/* A torn write leaves the front of the new and the back of the old. */
	copy_bytes newer, torn;
	struct record next = record;
	try_stack(&next, 4, "third", 2);
	record_encode(&next, newer);
	for (size_t at = 1; at < sizeof bytes; at++) {
		memcpy(torn, newer, at);
		memcpy(torn + at, bytes, sizeof bytes - at);
		bool whole = memcmp(torn, newer, sizeof torn) == 0;
		wrong += !whole && record_decode(torn, &out, &e) == 0;
		memcpy(torn, bytes, at);
		memset(torn + at, 0, sizeof torn - at);
		whole = memcmp(torn, bytes, sizeof torn) == 0;
		wrong += !whole && record_decode(torn, &out, &e) == 0;
	}
	is_int((long long)wrong, 0, "0 of 8190 torn or cut copies are accepted");
	refuses(zero, "all zero");
	memset(zero, 0xff, sizeof zero);
	refuses(zero, "all ones");
}

/* The CRC is right in all of these: it is no protection from somebody who writes to the disk. */
static void forged_fields_are_refused(void)
{
	static const struct {
		size_t at;
		uint8_t byte;
		const char *name;
	} rows[] = {{20, 1, "the word behind the CRC"}, {32, 17, "17 stacks"}, {36, 9, "9 names"},
		{32, 4, "a stack that is all zero"}, {32, 2, "a stack behind the last"},
		{36, 3, "a name that is all zero"}, {36, 1, "a name behind the last"},
		{24, 0, "sequence number 0"}, {STACKS_AT + 32, 0, "version 0"},
		{STACKS_AT + 39, 0x80, "version 2^63"}, {STACKS_AT + 40, 100, "100 tries left"},
		{STACKS_AT + 41, 2, "confirmed is 2"}, {STACKS_AT + 42, 2, "reconfirmed is 2"},
		{STACKS_AT + 43, 1, "padding behind it"},
		{STACKS_AT + 56, 1, "padding behind the last try"},
		{STACKS_AT + 63, 1, "padding before the name"},
		{STACKS_AT + 64, 0, "an empty name"}, {STACKS_AT + 64, '/', "a slash in a name"},
		{STACKS_AT + 64 + 63, 'x', "a byte behind the name"},
		{NAMES_AT, 'D', "a capital in a name"},
		{NAMES_AT + 63, 'x', "a byte behind that name"},
		{NAMES_AT + 71, 0x80, "floor 2^63"}, {NAMES_AT + 76, 1, "padding behind a name"},
		{NAMES_AT + 95, 1, "padding at its end"}, {40, 1, "padding in the header"},
		{63, 1, "padding at its end"}, {END, 1, "the rest's first byte"},
		{4095, 1, "its last byte"}};
	struct record record = example();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		copy_bytes bytes;
		record_encode(&record, bytes);
		bytes[rows[i].at] = rows[i].byte;
		put_crc(bytes);
		refuses(bytes, rows[i].name);
	}
	copy_bytes bytes;
	record_encode(&record, bytes);
	memcpy(bytes + STACKS_AT + STACK, bytes + STACKS_AT, STACK);
	put_crc(bytes);
	refuses(bytes, "one stack twice");
	record_encode(&record, bytes);
	memcpy(bytes + NAMES_AT + NAME, bytes + NAMES_AT, NAME);
	put_crc(bytes);
	refuses(bytes, "one name twice");
	record_encode(&record, bytes);
	memset(bytes + STACKS_AT + 64, 'a', 64);
	put_crc(bytes);
	refuses(bytes, "a name without NUL");
}

static void encode_sequence(uint64_t sequence, uint8_t *out)
{
	struct record record = example();
	record.sequence = sequence;
	record_encode(&record, out);
}

static void the_newer_valid_copy_is_chosen(void)
{
	enum { ABSENT = 1, DAMAGED = 2 };
	static const struct {
		uint64_t a, b;
		int harm_a, harm_b;
		int winner;
		const char *name;
	} rows[] = {{4, 5, 0, 0, 1, "both good, the second newer"},
		{6, 5, 0, 0, 0, "both good, the first newer"},
		{4, 5, 0, DAMAGED, 0, "the newer damaged"},
		{4, 5, 0, ABSENT, 0, "the newer unreadable"},
		{4, 5, DAMAGED, 0, 1, "the older damaged"},
		{4, 5, ABSENT, 0, 1, "the older unreadable"},
		{4, 5, ABSENT, ABSENT, -1, "both unreadable"},
		{4, 5, DAMAGED, DAMAGED, -1, "both damaged"},
		{4, 5, ABSENT, DAMAGED, -1, "one unreadable, one damaged"},
		{5, 4, 0, 0, -1, "both in the other's place"},
		{5, 3, 0, 0, 1, "the first in the other's"},
		{4, 6, 0, 0, 0, "the second in the other's"},
		{2, UINT64_MAX, 0, 0, 0, "the number has wrapped"},
		{UINT64_MAX - 1, UINT64_MAX, 0, 0, 1, "the number is about to"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		copy_bytes a, b;
		struct record out;
		struct error e = {.code = ERROR_NONE};
		encode_sequence(rows[i].a, a);
		encode_sequence(rows[i].b, b);
		a[100] ^= rows[i].harm_a == DAMAGED;
		b[100] ^= rows[i].harm_b == DAMAGED;
		memset(&out, UNTOUCHED, sizeof out);
		int winner = record_choose(rows[i].harm_a == ABSENT ? NULL : a,
			rows[i].harm_b == ABSENT ? NULL : b, &out, &e);
		is_int(winner, rows[i].winner, "%s", rows[i].name);
		uint64_t sequence = winner == 0 ? rows[i].a : winner == 1 ? rows[i].b : 0;
		ok(out.sequence == sequence, "... its number is %llu",
			(unsigned long long)sequence);
		if (winner < 0)
			ok(e.code == ERROR_FORMAT && strstr(e.text, "copy 0") != NULL &&
					strstr(e.text, "copy 1") != NULL && out.stack_count == 0 &&
					out.name_count == 0,
				"... an empty record, and both reasons");
	}
	copy_bytes zero = {0};
	struct record out;
	is_int(record_choose(zero, zero, &out, NULL), -1, "a blank partition, no error to fill");
}

static void the_next_write_spares_the_current_copy(void)
{
	struct record record = {.sequence = 0};
	bool good = true;
	copy_bytes copies[2] = {{0}};
	for (unsigned i = 1; good && i <= 100; i++) {
		struct record read;
		int current = record_choose(copies[0], copies[1], &read, NULL);
		unsigned next = record_next_copy(&record);
		try_stack(&record, i % 20, "demo", i % 20 + 1);
		record_encode(&record, copies[next]);
		good = (int)next != current &&
		       record_choose(copies[0], copies[1], &read, NULL) == (int)next &&
		       read.sequence == i;
	}
	ok(good, "100 writes: each over the older copy, each then the newest");
	record.sequence = UINT64_MAX - 1;
	is_int(record_next_copy(&record), 1, "behind 2^64-2 comes copy 1");
	try_stack(&record, 1, "demo", 1);
	ok(record.sequence == UINT64_MAX, "with 2^64-1");
	is_int(record_next_copy(&record), 0, "behind that comes copy 0");
	try_stack(&record, 1, "demo", 1);
	ok(record.sequence == 2, "with 2");
}

static void tries_are_counted(void)
{
	struct record record = {.sequence = 0};
	ok(find(&record, 1) == NULL, "nothing is known of a stack");
	is_int((long long)record_floor(&record, "demo"), 0, "nor of a name's floor");
	for (unsigned i = 1; i <= 5; i++) {
		try_stack(&record, 1, "demo", 7);
		is_int(find(&record, 1)->tries_left, i < 3 ? 3 - i : 0, "tries left after %u", i);
	}
	ok(!find(&record, 1)->confirmed && find(&record, 1)->version == 7, "not confirmed");
	is_str(find(&record, 1)->name, "demo", "its name");
	is_int(record.names[0].boots_since_confirm, 5, "5 boots since the last confirm");
	is_int(record_boots_since_confirm(&record, "demo"), 5, "... as who asks is told");
	is_int(record_boots_since_confirm(&record, "other"), 0, "... and none of another name");
	is_int((long long)record.sequence, 5, "5 numbers");
	is_int(record.stack_count, 1, "one entry");
	try_stack(&record, 2, "demo", 7);
	is_int(find(&record, 2)->tries_left, 2, "another text of that version is another stack");
	record.names[0].boots_since_confirm = UINT32_MAX;
	try_stack(&record, 2, "demo", 7);
	ok(record.names[0].boots_since_confirm == UINT32_MAX, "boots do not wrap");
}

static void tries_are_given_anew(void)
{
	struct record record = {.sequence = 0};
	struct digest text = text_of(1), other = text_of(2);
	ok(!record_renew_tries(&record, &text, 3) && record.sequence == 0, "not of an unknown one");
	record_count_try(&record, &(struct record_subject){&text, "demo", 7}, 1);
	is_int(find(&record, 1)->tries_left, 0, "one try, and it is used up");
	ok(record_renew_tries(&record, &text, 7), "it gets others");
	is_int(find(&record, 1)->tries_left, 7, "as many as are given");
	is_int((long long)record.sequence, 2, "a number more");
	is_int((long long)find(&record, 1)->last_try, 1, "which is no try");
	confirm(&record, 2, "demo", 8, 0);
	ok(!record_renew_tries(&record, &other, 3), "a confirmed one needs none");
	record_count_try(&record, &(struct record_subject){&other, "demo", 8}, 99);
	copy_bytes bytes;
	struct record back;
	record_renew_tries(&record, &text, RECORD_TRIES_MOST);
	record_encode(&record, bytes);
	is_int(record_decode(bytes, &back, NULL), 0, "as many as can be");
}

static void a_try_has_its_age(void)
{
	struct record record = {.sequence = 0};
	confirm(&record, 3, "demo", 9, 0);
	ok(record_last_try_age(&record, find(&record, 3)) == UINT64_MAX, "never tried: the most");
	try_stack(&record, 1, "demo", 7);
	try_stack(&record, 2, "demo", 8);
	is_int((long long)record_last_try_age(&record, find(&record, 1)), 1, "one write ago");
	is_int((long long)record_last_try_age(&record, find(&record, 2)), 0, "just now");
	try_stack(&record, 1, "demo", 7);
	is_int((long long)record_last_try_age(&record, find(&record, 1)), 0, "the last one counts");
	record_forget(&record, 1);
	ok(find(&record, 1) == NULL && find(&record, 2) != NULL && find(&record, 3) != NULL &&
			record.stack_count == 2,
		"one is forgotten, the others not");
}

static void confirming_ends_the_trial(void)
{
	struct record record = {.sequence = 0};
	for (unsigned i = 0; i < 3; i++)
		try_stack(&record, 1, "demo", 7);
	confirm(&record, 1, "demo", 7, 5);
	ok(find(&record, 1)->confirmed, "confirmed");
	is_int((long long)record_floor(&record, "demo"), 5, "the floor is what the stack says");
	is_int(record.names[0].boots_since_confirm, 0, "no boots since");
	is_int((long long)record.sequence, 4, "a number more");
	uint8_t tries = find(&record, 1)->tries_left;
	try_stack(&record, 1, "demo", 7);
	ok(find(&record, 1)->tries_left == tries && find(&record, 1)->confirmed,
		"a confirmed stack keeps its tries");
	is_int(record.names[0].boots_since_confirm, 1, "its boots are counted");
	try_stack(&record, 2, "demo", 4);
	confirm(&record, 2, "demo", 4, 2);
	is_int((long long)record_floor(&record, "demo"), 5, "a lower floor changes nothing");
	confirm(&record, 3, "demo", 9, 6);
	ok(find(&record, 3) != NULL && find(&record, 3)->confirmed,
		"an unknown stack can be confirmed");
	is_int((long long)record_floor(&record, "demo"), 6, "a higher floor is taken");
	is_int((long long)record_floor(&record, "dem"), 0, "other names have none");
	confirm(&record, 4, "other", 1, 1);
	is_int((long long)record_floor(&record, "demo"), 6, "nor do they touch this one");
}

/* Only of a stack that is confirmed at each boot does silence mean anything. */
static void silence_is_counted(void)
{
	struct record record = {.sequence = 0};
	struct digest text = text_of(1), other = text_of(9);
	try_stack(&record, 1, "demo", 7);
	try_stack(&record, 1, "demo", 7);
	is_int(find(&record, 1)->boots_unconfirmed, 2, "two boots");
	ok(!record_take_boot_back(&record, &text), "of a trial, none is taken back");
	confirm(&record, 1, "demo", 7, 1);
	is_int(find(&record, 1)->boots_unconfirmed, 0, "confirmed: none");
	ok(!find(&record, 1)->reconfirmed, "once");
	confirm(&record, 1, "demo", 7, 1);
	ok(!find(&record, 1)->reconfirmed, "a second time in the same boot is still once");
	try_stack(&record, 1, "demo", 7);
	try_stack(&record, 1, "demo", 7);
	confirm(&record, 1, "demo", 7, 1);
	ok(!find(&record, 1)->reconfirmed, "and so is the second boot after it");
	try_stack(&record, 1, "demo", 7);
	confirm(&record, 1, "demo", 7, 1);
	ok(find(&record, 1)->reconfirmed, "two boots in a row");
	try_stack(&record, 2, "demo", 8);
	is_int(find(&record, 1)->boots_unconfirmed, 0, "another stack's boots are its own");
	try_stack(&record, 1, "demo", 7);
	try_stack(&record, 1, "demo", 7);
	copy_bytes bytes;
	struct record back;
	record_encode(&record, bytes);
	is_int(record_decode(bytes, &back, NULL), 0, "it is read");
	ok(find(&back, 1)->reconfirmed && find(&back, 1)->boots_unconfirmed == 2 &&
			!find(&back, 2)->reconfirmed,
		"as it was written");
	uint64_t sequence = record.sequence;
	ok(record_take_boot_back(&record, &text), "a boot that ended before the upper");
	is_int(find(&record, 1)->boots_unconfirmed, 1, "does not count");
	ok(record.sequence == sequence + 1, "a number more");
	ok(record_take_boot_back(&record, &text) && !record_take_boot_back(&record, &text),
		"there is no more to take back than there was");
	ok(!record_take_boot_back(&record, &other), "nor of a stack that is not known");
	struct record_stack *stack = &record.stacks[0];
	stack->boots_unconfirmed = UINT32_MAX;
	try_stack(&record, 1, "demo", 7);
	ok(stack->boots_unconfirmed == UINT32_MAX, "boots do not wrap");
}

static void a_full_table_gives_up_the_least(void)
{
	struct record record = {.sequence = 0};
	for (unsigned i = 0; i < RECORD_STACKS; i++)
		confirm(&record, i, "demo", 100 + i, 0);
	is_int(record.stack_count, RECORD_STACKS, "16 confirmed stacks");
	try_stack(&record, 50, "demo", 50);
	ok(find(&record, 0) == NULL && find(&record, 1) != NULL, "all confirmed: the lowest goes");
	try_stack(&record, 51, "demo", 1000);
	ok(find(&record, 50) == NULL && find(&record, 1) != NULL, "the only unconfirmed one goes");
	try_stack(&record, 52, "demo", 3);
	ok(find(&record, 51) == NULL && find(&record, 1) != NULL, "even when it is the highest");
	confirm(&record, 52, "demo", 3, 0);
	try_stack(&record, 53, "demo", 4);
	ok(find(&record, 52) == NULL, "all confirmed again: the lowest");

	record = (struct record){.sequence = 0};
	for (unsigned i = 0; i < RECORD_STACKS; i++)
		try_stack(&record, i, i % 2 == 0 ? "demo" : "other", 100 - i);
	try_stack(&record, 60, "demo", 200);
	ok(find(&record, RECORD_STACKS - 1) == NULL && find(&record, RECORD_STACKS - 2) != NULL,
		"none confirmed: the lowest of any name");
	is_int(record.stack_count, RECORD_STACKS, "still 16");
	is_int(find(&record, 60)->tries_left, RECORD_TRIES - 1, "the new one has its tries");
}

static void a_floor_is_never_forgotten(void)
{
	struct record record = {.sequence = 0};
	char name[] = "name0";
	for (unsigned i = 0; i < RECORD_NAMES; i++, name[4]++)
		confirm(&record, i, name, 10, i == 3 ? 0 : 5);
	try_stack(&record, 20, "ninth", 1);
	is_int(record.name_count, RECORD_NAMES, "8 names");
	is_str(record.names[3].name, "ninth", "a ninth takes the place of one without a floor");
	confirm(&record, 20, "ninth", 1, 1);
	confirm(&record, 21, "tenth", 9, 9);
	ok(record_floor(&record, "tenth") == 0 && find(&record, 21)->confirmed,
		"a tenth is confirmed, with no place for its floor");
	ok(record_floor(&record, "name0") == 5 && record_floor(&record, "ninth") == 1,
		"no other floor is lost");
	uint64_t sequence = record.sequence;
	try_stack(&record, 21, "tenth", 9);
	is_int((long long)record.sequence, (long long)sequence + 1, "its tries still count");
}

/* Any order of tries and confirms: always readable, a floor never goes down. */
static void random_histories_stay_valid(void)
{
	uint64_t seed = 5;
	size_t wrong = 0;
	struct record record = {.sequence = 0};
	for (unsigned i = 0; i < 20000; i++) {
		unsigned number = (unsigned)random_below(&seed, 40);
		char name[] = "name0";
		name[4] = (char)('0' + number % 10);
		uint64_t version = number + 1, before = record_floor(&record, name);
		if (random_below(&seed, 4) == 0)
			confirm(&record, number, name, version, random_below(&seed, version + 1));
		else
			try_stack(&record, number, name, version);
		copy_bytes bytes, again;
		struct record back;
		record_encode(&record, bytes);
		wrong += record_decode(bytes, &back, NULL) != 0 ||
			 record_floor(&record, name) < before;
		record_encode(&back, again);
		wrong += memcmp(bytes, again, sizeof bytes) != 0;
	}
	is_int((long long)wrong, 0, "20000 random steps: encode, decode, encode, no floor lowered");
}

int main(void)
{
	a_record_is_as_its_header_says();
	damage_is_seen();
	forged_fields_are_refused();
	the_newer_valid_copy_is_chosen();
	the_next_write_spares_the_current_copy();
	tries_are_counted();
	tries_are_given_anew();
	a_try_has_its_age();
	confirming_ends_the_trial();
	silence_is_counted();
	a_full_table_gives_up_the_least();
	a_floor_is_never_forgotten();
	random_histories_stay_valid();
	return done();
}

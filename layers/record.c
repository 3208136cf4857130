#include "record.h"

#include "little_endian.h"
#include "stack_private.h"

#include <inttypes.h>
#include <string.h>
#include <zlib.h>

static const char magic[] = "plyboot record 1";

enum {
	MAGIC_BYTES = 16,
	CRC_AT = 16,
	SEQUENCE_AT = 24,
	STACK_COUNT_AT = 32,
	NAME_COUNT_AT = 36,
	STACKS_AT = 64,
	STACK_BYTES = 128,
	NAMES_AT = STACKS_AT + RECORD_STACKS * STACK_BYTES,
	NAME_BYTES = 96
};
_Static_assert(NAMES_AT == 2112, "as record.h says");

static uint32_t crc_of(const uint8_t bytes[RECORD_COPY_BYTES])
{
	static const uint8_t zero[4];
	uLong crc = crc32(0, bytes, CRC_AT);
	crc = crc32(crc, zero, sizeof zero);
	return (uint32_t)crc32(crc, bytes + CRC_AT + 4, RECORD_COPY_BYTES - CRC_AT - 4);
}

static void put_stack(uint8_t *bytes, const struct record_stack *stack)
{
	memcpy(bytes, stack->text.bytes, DIGEST_BYTES);
	put_u64(bytes + 32, stack->version);
	bytes[40] = stack->tries_left;
	bytes[41] = stack->confirmed;
	bytes[42] = stack->reconfirmed;
	put_u32(bytes + 44, stack->boots_unconfirmed);
	put_u64(bytes + 48, stack->last_try);
	memcpy(bytes + 64, stack->name, strnlen(stack->name, STACK_NAME_SIZE));
}

static void put_name(uint8_t *bytes, const struct record_name *name)
{
	memcpy(bytes, name->name, strnlen(name->name, STACK_NAME_SIZE));
	put_u64(bytes + 64, name->floor);
	put_u32(bytes + 72, name->boots_since_confirm);
}

void record_encode(const struct record *record, uint8_t out[RECORD_COPY_BYTES])
{
	memset(out, 0, RECORD_COPY_BYTES);
	memcpy(out, magic, MAGIC_BYTES);
	put_u64(out + SEQUENCE_AT, record->sequence);
	put_u32(out + STACK_COUNT_AT, record->stack_count);
	put_u32(out + NAME_COUNT_AT, record->name_count);
	for (size_t i = 0; i < record->stack_count; i++)
		put_stack(out + STACKS_AT + i * STACK_BYTES, &record->stacks[i]);
	for (size_t i = 0; i < record->name_count; i++)
		put_name(out + NAMES_AT + i * NAME_BYTES, &record->names[i]);
	put_u32(out + CRC_AT, crc_of(out));
}

static bool get_text(const uint8_t *bytes, char out[STACK_NAME_SIZE])
{
	memcpy(out, bytes, STACK_NAME_SIZE);
	return stack_name_is_valid(out, strnlen(out, STACK_NAME_SIZE));
}

static bool get_stack(const uint8_t *bytes, struct record_stack *out)
{
	memcpy(out->text.bytes, bytes, DIGEST_BYTES);
	out->version = get_u64(bytes + 32);
	out->tries_left = bytes[40];
	out->confirmed = bytes[41] != 0;
	out->reconfirmed = bytes[42] != 0;
	out->boots_unconfirmed = get_u32(bytes + 44);
	out->last_try = get_u64(bytes + 48);
	return get_text(bytes + 64, out->name) && out->version >= 1 && out->version <= INT64_MAX &&
	       out->tries_left <= RECORD_TRIES_MOST;
}

static bool get_name(const uint8_t *bytes, struct record_name *out)
{
	out->floor = get_u64(bytes + 64);
	out->boots_since_confirm = get_u32(bytes + 72);
	return get_text(bytes, out->name) && out->floor <= INT64_MAX;
}

static const struct record_name *look_up(const struct record *record, const char *name)
{
	for (uint32_t i = 0; i < record->name_count; i++) {
		if (strcmp(record->names[i].name, name) == 0)
			return &record->names[i];
	}
	return NULL;
}

/* The counts grow as the entries come, so that a second entry of one thing finds the first. */
static int get_entries(const uint8_t *bytes, struct record *out, struct error *e)
{
	uint32_t stacks = get_u32(bytes + STACK_COUNT_AT), names = get_u32(bytes + NAME_COUNT_AT);
	if (stacks > RECORD_STACKS || names > RECORD_NAMES)
		return error_set(e, ERROR_FORMAT, 0, "%" PRIu32 " stacks and %" PRIu32 " names",
			stacks, names);
	for (; out->stack_count < stacks; out->stack_count++) {
		struct record_stack *stack = &out->stacks[out->stack_count];
		if (!get_stack(bytes + STACKS_AT + out->stack_count * STACK_BYTES, stack) ||
			record_find(out, &stack->text) != NULL)
			return error_set(e, ERROR_FORMAT, 0,
				"stack %" PRIu32 " is no stack, or a second one", out->stack_count);
	}
	for (; out->name_count < names; out->name_count++) {
		struct record_name *name = &out->names[out->name_count];
		if (!get_name(bytes + NAMES_AT + out->name_count * NAME_BYTES, name) ||
			look_up(out, name->name) != NULL)
			return error_set(e, ERROR_FORMAT, 0,
				"name %" PRIu32 " is no name, or a second one", out->name_count);
	}
	return 0;
}

static bool is_blank(const uint8_t bytes[RECORD_COPY_BYTES])
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, RECORD_COPY_BYTES - 1) == 0;
}

int record_decode(const uint8_t bytes[RECORD_COPY_BYTES], struct record *out, struct error *e)
{
	if (is_blank(bytes))
		return error_set(e, ERROR_FORMAT, 0, "blank, nothing was ever written");
	if (memcmp(bytes, magic, MAGIC_BYTES) != 0)
		return error_set(e, ERROR_FORMAT, 0, "not a record");
	if (get_u32(bytes + CRC_AT) != crc_of(bytes))
		return error_set(e, ERROR_FORMAT, 0, "the CRC does not match");
	struct record record = {.sequence = get_u64(bytes + SEQUENCE_AT)};
	if (record.sequence == 0)
		return error_set(e, ERROR_FORMAT, 0, "sequence number 0");
	if (get_entries(bytes, &record, e) != 0)
		return -1;
	/* Padding, flags, unused entries: whatever encoding would not have written. */
	uint8_t again[RECORD_COPY_BYTES];
	record_encode(&record, again);
	if (memcmp(again, bytes, sizeof again) != 0)
		return error_set(e, ERROR_FORMAT, 0, "not in its canonical form");
	*out = record;
	return 0;
}

static unsigned place_of(uint64_t sequence)
{
	return (unsigned)(sequence % 2);
}

unsigned record_next_copy(const struct record *current)
{
	return 1 - place_of(current->sequence);
}

static int decode_copy(const uint8_t *bytes, unsigned copy, struct record *out, struct error *e)
{
	int result;
	if (bytes == NULL)
		result = error_set(e, ERROR_IO, 0, "cannot be read");
	else
		result = record_decode(bytes, out, e);
	/* In the other's place the next write would go over it, and a power cut lose both. */
	if (result == 0 && place_of(out->sequence) != copy)
		result = error_set(e, ERROR_FORMAT, 0, "it belongs in the other place");
	return result;
}

int record_choose(const uint8_t *a, const uint8_t *b, struct record *out, struct error *e)
{
	struct record records[2];
	struct error errors[2];
	bool good[2];
	good[0] = decode_copy(a, 0, &records[0], &errors[0]) == 0;
	good[1] = decode_copy(b, 1, &records[1], &errors[1]) == 0;
	if (!good[0] && !good[1]) {
		*out = (struct record){.sequence = 0};
		return error_set(e, ERROR_FORMAT, 0,
			"no valid record: copy 0: %.200s; copy 1: %.200s", errors[0].text,
			errors[1].text);
	}
	/* Compared as in RFC 1982, so that not even a forged number can be the last one. */
	int winner = good[1];
	if (good[0] && good[1])
		winner = (int64_t)(records[1].sequence - records[0].sequence) > 0;
	*out = records[winner];
	return winner;
}

const struct record_stack *record_find(const struct record *record, const struct digest *text)
{
	for (uint32_t i = 0; i < record->stack_count; i++) {
		if (digest_equal(&record->stacks[i].text, text))
			return &record->stacks[i];
	}
	return NULL;
}

uint64_t record_last_try_age(const struct record *record, const struct record_stack *stack)
{
	return stack->last_try == 0 ? UINT64_MAX : record->sequence - stack->last_try;
}

uint64_t record_floor(const struct record *record, const char *name)
{
	const struct record_name *known = look_up(record, name);
	return known != NULL ? known->floor : 0;
}

uint32_t record_boots_since_confirm(const struct record *record, const char *name)
{
	const struct record_name *known = look_up(record, name);
	return known != NULL ? known->boots_since_confirm : 0;
}

/* The next number goes into the other copy; 0 means "never written". */
static void count_sequence(struct record *record)
{
	record->sequence++;
	if (record->sequence == 0)
		record->sequence = 2;
}

bool record_goes_before(const struct record_stack *a, const struct record_stack *b)
{
	if (a->confirmed != b->confirmed)
		return !a->confirmed;
	return a->version < b->version;
}

void record_forget(struct record *record, uint32_t index)
{
	record->stack_count--;
	memmove(&record->stacks[index], &record->stacks[index + 1],
		(record->stack_count - index) * sizeof record->stacks[0]);
}

static struct record_stack *free_stack(struct record *record)
{
	if (record->stack_count < RECORD_STACKS)
		return &record->stacks[record->stack_count++];
	struct record_stack *victim = &record->stacks[0];
	for (uint32_t i = 1; i < RECORD_STACKS; i++) {
		if (record_goes_before(&record->stacks[i], victim))
			victim = &record->stacks[i];
	}
	return victim;
}

static struct record_stack *find_stack(struct record *record, const struct digest *text)
{
	for (uint32_t i = 0; i < record->stack_count; i++) {
		if (digest_equal(&record->stacks[i].text, text))
			return &record->stacks[i];
	}
	return NULL;
}

static struct record_stack *enter_stack(
	struct record *record, const struct record_subject *subject, uint8_t tries)
{
	struct record_stack *stack = find_stack(record, subject->text);
	if (stack != NULL)
		return stack;
	stack = free_stack(record);
	*stack = (struct record_stack){
		.text = *subject->text, .version = subject->version, .tries_left = tries};
	memcpy(stack->name, subject->name, strnlen(subject->name, STACK_NAME_SIZE - 1));
	return stack;
}

/* NULL when all entries are taken and each holds a floor: a floor is never forgotten. */
static struct record_name *enter_name(struct record *record, const char *name)
{
	struct record_name *entry = (struct record_name *)look_up(record, name);
	if (entry != NULL)
		return entry;
	if (record->name_count < RECORD_NAMES)
		entry = &record->names[record->name_count++];
	for (uint32_t i = 0; entry == NULL && i < RECORD_NAMES; i++) {
		if (record->names[i].floor == 0)
			entry = &record->names[i];
	}
	if (entry == NULL)
		return NULL;
	*entry = (struct record_name){.floor = 0};
	memcpy(entry->name, name, strnlen(name, STACK_NAME_SIZE - 1));
	return entry;
}

void record_count_try(struct record *record, const struct record_subject *subject, uint8_t tries)
{
	struct record_stack *stack = enter_stack(record, subject, tries);
	if (!stack->confirmed && stack->tries_left > 0)
		stack->tries_left--;
	if (stack->boots_unconfirmed < UINT32_MAX)
		stack->boots_unconfirmed++;
	struct record_name *entry = enter_name(record, subject->name);
	if (entry != NULL && entry->boots_since_confirm < UINT32_MAX)
		entry->boots_since_confirm++;
	count_sequence(record);
	stack->last_try = record->sequence;
}

bool record_renew_tries(struct record *record, const struct digest *text, uint8_t tries)
{
	struct record_stack *stack = find_stack(record, text);
	if (stack == NULL || stack->confirmed)
		return false;
	stack->tries_left = tries;
	count_sequence(record);
	return true;
}

bool record_take_boot_back(struct record *record, const struct digest *text)
{
	struct record_stack *stack = find_stack(record, text);
	if (stack == NULL || !stack->confirmed || stack->boots_unconfirmed == 0)
		return false;
	stack->boots_unconfirmed--;
	count_sequence(record);
	return true;
}

void record_confirm(struct record *record, const struct record_subject *subject, uint64_t floor)
{
	struct record_stack *stack = enter_stack(record, subject, RECORD_TRIES);
	if (stack->confirmed && stack->boots_unconfirmed == 1)
		stack->reconfirmed = true;
	stack->confirmed = true;
	stack->boots_unconfirmed = 0;
	stack->tries_left = RECORD_TRIES; /* in case somebody looks at nothing else */
	struct record_name *entry = enter_name(record, subject->name);
	if (entry != NULL) {
		entry->boots_since_confirm = 0;
		if (floor > entry->floor)
			entry->floor = floor;
	}
	count_sequence(record);
}

/*
 * The record: what a device remembers about its stacks, on a small raw partition. Two copies of
 * 4096 bytes, 1 MiB apart; the valid one with the higher sequence number counts, the other is
 * written next. Little-endian:
 *
 *     offset 0    "plyboot record 1" (16 bytes, no NUL)
 *     offset 16   u32 CRC-32 (ISO-HDLC, as zlib's) of the 4096 bytes with this field zero
 *     offset 20   u32 0
 *     offset 24   u64 sequence number, at least 1; even in copy 0, odd in copy 1
 *     offset 32   u32 stacks used (0..16), u32 names used (0..8)
 *     offset 64   16 x 128: SHA-256 of the stack's signed text (32), u64 version, u8 tries left
 *                 (0..99), u8 confirmed, u8 reconfirmed, u8 0, u32 boots of it since it was
 *                 confirmed last, u64 sequence number of its last try, 8 zero bytes, name (64,
 *                 NUL-padded)
 *     offset 2112 8 x 96: name (64, NUL-padded), u64 floor, u32 boots since the last confirm,
 *                 20 zero bytes
 *     the rest    zero
 *
 * It is not secret and not signed: it can only tighten what the initramfs fixed.
 */
#ifndef PLYBOOT_RECORD_H
#define PLYBOOT_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "stack.h"

enum {
	RECORD_COPY_BYTES = 4096,
	RECORD_COPY_DISTANCE = 1024 * 1024,
	RECORD_PARTITION_BYTES = 2 * 1024 * 1024,
	RECORD_STACKS = 16,
	RECORD_NAMES = 8,
	RECORD_TRIES = 3, /* that an unconfirmed stack gets, unless init.conf says otherwise */
	RECORD_TRIES_MOST = 99
};

struct record_stack {
	struct digest
		text; /* of the signed bytes: another file with the same version is another stack */
	char name[STACK_NAME_SIZE];
	uint64_t version;
	uint8_t tries_left;
	bool confirmed;
	bool reconfirmed; /* at two boots in a row: that it isn't, from then on, means something */
	uint32_t boots_unconfirmed; /* of this very stack since it was confirmed last */
	uint64_t last_try;          /* the sequence number that counted it; 0: it was never tried */
};

struct record_name {
	char name[STACK_NAME_SIZE];
	uint64_t floor;
	uint32_t boots_since_confirm;
};

struct record {
	uint64_t sequence; /* 0: nothing was ever written */
	uint32_t stack_count, name_count;
	struct record_stack stacks[RECORD_STACKS];
	struct record_name names[RECORD_NAMES];
};

/* ERROR_FORMAT for anything that record_encode() would not have written. */
int record_decode(const uint8_t bytes[RECORD_COPY_BYTES], struct record *out, struct error *e);
void record_encode(const struct record *record, uint8_t out[RECORD_COPY_BYTES]);

/* Choose between two copies; `a` and `b` may be NULL (unreadable). A copy in the other's place is
 * not valid. Numbers compare as in RFC 1982, so that none is the last one. Returns which copy won
 * (0 or 1), or -1 with an empty record (sequence 0) and the reason in `e`. */
int record_choose(const uint8_t *a, const uint8_t *b, struct record *out, struct error *e);

/* Where the next write goes: the copy that does not hold `current`, the record as it was read or
 * last written (so ask before counting a try or confirming). A record with an odd number lies in
 * copy 1. */
unsigned record_next_copy(const struct record *current);

/* What is known of a stack: NULL when nothing. */
const struct record_stack *record_find(const struct record *record, const struct digest *text);
uint32_t record_boots_since_confirm(const struct record *record, const char *name); /* or 0 */
uint64_t record_floor(const struct record *record, const char *name); /* 0 when nothing is known */

/* How many writes ago a stack was tried last: more than any other's for one that never was. */
uint64_t record_last_try_age(const struct record *record, const struct record_stack *stack);

/* Which stack a change is about. */
struct record_subject {
	const struct digest *text;
	const char *name;
	uint64_t version;
};

/* Count one try: an unknown stack is entered with `tries`, then one is taken off unless it is
 * confirmed; its boots since it was confirmed, and those of the name, go up; the sequence number
 * goes up. When the table is full, the lowest unconfirmed version of any name goes (or, if all are
 * confirmed, the lowest). A ninth name, while eight others hold floors, is not entered: a floor is
 * never forgotten. */
void record_count_try(struct record *record, const struct record_subject *subject, uint8_t tries);

/* Whose entry is given up first: unconfirmed ones, lower versions. */
bool record_goes_before(const struct record_stack *a, const struct record_stack *b);

/* Take the stack at this index out. It is no write of its own: the sequence number stays. */
void record_forget(struct record *record, uint32_t index);

/* A known stack gets `tries` again, and the sequence number goes up. False, and nothing changes,
 * when it is not known or is confirmed. */
bool record_renew_tries(struct record *record, const struct digest *text, uint8_t tries);

/* A boot of a confirmed stack that was counted did not get as far as its upper: it says nothing
 * about that. False, and nothing changes, of any other stack. */
bool record_take_boot_back(struct record *record, const struct digest *text);

/* The trial is over: confirmed, boots since confirm 0, the floor raised to `floor` (never lowered).
 * A stack that was confirmed at the boot before this one as well is reconfirmed. */
void record_confirm(struct record *record, const struct record_subject *subject, uint64_t floor);

#endif

/* The two copies of the record: what is accepted must encode to the very same bytes, and so must
 * what becomes of it. */
#include <string.h>
#include <zlib.h>

#include "must.h"
#include "record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_crc(uint8_t copy[RECORD_COPY_BYTES])
{
	memset(copy + 16, 0, 4);
	uLong crc = crc32(0, copy, RECORD_COPY_BYTES);
	for (int i = 0; i < 4; i++)
		copy[16 + i] = (uint8_t)(crc >> 8 * i);
}

static bool encodes_to(const struct record *record, const uint8_t copy[RECORD_COPY_BYTES])
{
	uint8_t again[RECORD_COPY_BYTES];
	record_encode(record, again);
	return memcmp(copy, again, sizeof again) == 0;
}

/* Boots and a confirmation leave a record that is read again as the same, and forget no floor. */
static void go_on(struct record record)
{
	struct record again;
	struct error e = {0};
	uint8_t copy[RECORD_COPY_BYTES];
	const struct digest text = {{1}};
	const char *known = record.name_count > 0 ? record.names[0].name : "demo";
	uint64_t floor = record_floor(&record, known), sequence = record.sequence;
	const struct record_subject subject = {&text, "demo", 7};
	record_count_try(&record, &subject, RECORD_TRIES);
	record_confirm(&record, &subject, 3);
	must(record_floor(&record, known) >= floor && record.sequence != sequence);
	record_encode(&record, copy);
	must(record_decode(copy, &again, &e) == 0 && encodes_to(&again, copy));
}

static bool check(const uint8_t copy[RECORD_COPY_BYTES])
{
	struct record record;
	struct error e = {0};
	if (record_decode(copy, &record, &e) != 0) {
		must(e.code == ERROR_FORMAT);
		return false;
	}
	must(encodes_to(&record, copy));
	go_on(record);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t copies[2][RECORD_COPY_BYTES];
	memset(copies, 0, sizeof copies);
	if (size > 0)
		memcpy(copies, data, size < sizeof copies ? size : sizeof copies);
	/* Random bytes never have the right checksum; so also with it put right. */
	bool valid[2];
	for (int i = 0; i < 2; i++) {
		(void)check(copies[i]);
		put_crc(copies[i]);
		valid[i] = check(copies[i]);
	}
	struct record chosen;
	struct error e = {0};
	int winner = record_choose(copies[0], copies[1], &chosen, &e);
	must(winner >= -1 && winner <= 1);
	if (winner < 0)
		must(chosen.sequence == 0);
	else
		must(valid[winner] && encodes_to(&chosen, copies[winner]) &&
			chosen.sequence % 2 == (unsigned)winner &&
			record_next_copy(&chosen) != (unsigned)winner);
	return 0;
}

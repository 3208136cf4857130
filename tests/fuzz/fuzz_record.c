/* A copy of the record: what is accepted must encode to the very same bytes. */
#include <stdlib.h>
#include <string.h>

#include "record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record record;
	struct error e;
	uint8_t copy[RECORD_COPY_BYTES] = {0}, again[RECORD_COPY_BYTES];
	memcpy(copy, data, size < sizeof copy ? size : sizeof copy);
	/* Random bytes never have the right checksum; so also with it put right. */
	for (int round = 0; round < 2; round++) {
		if (record_decode(copy, &record, &e) == 0) {
			record_encode(&record, again);
			if (memcmp(copy, again, sizeof copy) != 0)
				abort();
			struct digest text = {{1}};
			record_count_try(&record, &text, "demo", 7);
			record_confirm(&record, &text, "demo", 7, 3);
			record_encode(&record, again);
			if (record_decode(again, &record, &e) != 0)
				abort();
		}
		memset(copy + 16, 0, 4);
		uint32_t crc = 0xffffffff;
		for (size_t i = 0; i < sizeof copy; i++) {
			crc ^= copy[i];
			for (int bit = 0; bit < 8; bit++)
				crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
		}
		crc = ~crc;
		for (int i = 0; i < 4; i++)
			copy[16 + i] = (uint8_t)(crc >> 8 * i);
	}
	return 0;
}

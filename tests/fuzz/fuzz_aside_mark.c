/* Why an upper is set aside, and the names in the archive: what is accepted is written as the very
 * same bytes. */
#include "aside_mark.h"

#include <stdio.h>
#include <string.h>

#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_number(const uint8_t *data, size_t size)
{
	char text[64] = "", again[24];
	unsigned long number = 0;
	memcpy(text, data, size < sizeof text ? size : sizeof text - 1);
	if (!aside_number_parse(text, &number)) {
		must(number == 0);
		return;
	}
	must(number >= 1 && number <= ASIDE_NUMBER_MOST);
	(void)snprintf(again, sizeof again, "%lu", number);
	must(strcmp(again, text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct aside_mark mark;
	struct error e = {.code = ERROR_NONE};
	char text[ASIDE_MARK_SIZE];
	check_number(data, size);
	if (aside_mark_decode((const char *)data, size, &mark, &e) != 0) {
		must(e.code == ERROR_FORMAT);
		return 0;
	}
	must(aside_mark_encode(&mark, text) == size && memcmp(text, data, size) == 0);
	return 0;
}

/* What is asked for of the next boot: what is accepted is written as the very same bytes, and each
 * of its paths is one that may be asked for. */
#include "asked.h"

#include <string.h>

#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct asked asked, other;
static char text[ASKED_TEXT_SIZE];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error e = {.code = ERROR_NONE};
	if (asked_decode((const char *)data, size, &asked, &e) != 0) {
		must(e.code == ERROR_FORMAT && asked.count == 0 && !asked.reset);
		return 0;
	}
	must(asked.count <= ASKED_MOST && (asked.reset || asked.count > 0));
	must(size < ASKED_TEXT_SIZE && asked_encode(&asked, text) == size &&
		memcmp(text, data, size) == 0);
	/* In the other order they give the same list. */
	other.reset = asked.reset;
	other.count = 0;
	for (size_t i = asked.count; i > 0; i--)
		must(asked_add(&other, asked.paths[i - 1], &e) == 0);
	must(asked_encode(&other, text) == size && memcmp(text, data, size) == 0);
	for (size_t i = 0; i < asked.count; i++)
		must(asked_remove(&other, asked.paths[i]));
	must(other.count == 0);
	return 0;
}

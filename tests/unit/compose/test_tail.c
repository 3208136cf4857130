/* compose/tail.c: the last of a stream, compared with the stream itself. */
#include <stdlib.h>

#include "../../compose/tail.h"
#include "tap.h"

enum { STREAM_BYTES = 5 * TAIL_BYTES };

static char stream[STREAM_BYTES], copied[TAIL_BYTES];

/* Whether the tail of the first `length` bytes, added by `step` at a time, is what they end with.
 */
static bool ends_so(size_t length, size_t step)
{
	struct tail *tail = calloc(1, sizeof *tail);
	size_t wanted = length < TAIL_BYTES ? length : TAIL_BYTES;
	bool good = tail != NULL;
	for (size_t at = 0; good && at < length; at += step)
		tail_add(tail, stream + at, length - at < step ? length - at : step);
	good = good && tail->total_bytes == length && tail_copy(tail, copied) == wanted &&
	       memcmp(copied, stream + length - wanted, wanted) == 0;
	free(tail);
	return good;
}

int main(void)
{
	static const size_t lengths[] = {0, 1, TAIL_BYTES - 1, TAIL_BYTES, TAIL_BYTES + 1,
		2 * TAIL_BYTES - 1, 2 * TAIL_BYTES, 2 * TAIL_BYTES + 7, STREAM_BYTES};
	static const size_t steps[] = {
		1, 4093, TAIL_BYTES - 1, TAIL_BYTES, TAIL_BYTES + 1, STREAM_BYTES};
	for (size_t i = 0; i < STREAM_BYTES; i++)
		stream[i] = (char)(i * 2654435761U >> 13);
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		for (size_t j = 0; j < sizeof steps / sizeof steps[0]; j++)
			ok(ends_so(lengths[i], steps[j]), "the tail of %zu bytes, %zu at a time",
				lengths[i], steps[j]);
	}
	return done();
}

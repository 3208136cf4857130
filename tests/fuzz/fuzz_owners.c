/* Whose an upper is: what is accepted is written as the very same bytes, and a new owner is first.
 */
#include "owners.h"

#include <string.h>

#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct owners owners;
	struct error e = {.code = ERROR_NONE};
	char text[OWNERS_TEXT_SIZE];
	if (owners_decode((const char *)data, size, &owners, &e) != 0) {
		must(e.code == ERROR_FORMAT && owners.count == 0);
		return 0;
	}
	must(owners.count >= 1 && owners.count <= OWNERS_MOST);
	must(owners_encode(&owners, text) == size && memcmp(text, data, size) == 0);
	struct owner last = owners.list[owners.count - 1];
	size_t count = owners.count;
	owners_put_first(&owners, &last);
	must(owners.count == count && owners_is(&owners, &last.text));
	last.text.bytes[0] ^= 1;
	owners_put_first(&owners, &last);
	must(owners.count >= count && owners.count <= OWNERS_MOST &&
		owners_is(&owners, &last.text));
	must(owners_encode(&owners, text) > 0 &&
		owners_decode(text, strlen(text), &owners, &e) == 0);
	return 0;
}

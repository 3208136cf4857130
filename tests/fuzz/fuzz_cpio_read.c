/* Archives of an initramfs that `plyboot doctor` is given. */
#include "compose/cpio_read.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(size > 0 ? size : 1); /* no byte more */
	struct cpio_members members = {0};
	struct error e = {0};
	size_t at = 0;
	must(bytes != NULL);
	if (size > 0)
		memcpy(bytes, data, size);
	if (cpio_read(bytes, size, &at, &members, &e) == 0) {
		must(at <= size && (at == size || bytes[at] != 0));
		for (size_t i = 0; i < members.count; i++) {
			const struct cpio_member *member = &members.items[i];
			must(member->data >= bytes && member->size_bytes <= size &&
				member->data + member->size_bytes <= bytes + size);
			must(cpio_members_find(&members, member->path) != NULL);
		}
	} else {
		must(at == 0 && (e.code == ERROR_FORMAT || e.code == ERROR_LIMIT));
	}
	cpio_members_free(&members);
	free(bytes);
	return 0;
}

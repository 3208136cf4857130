/* An initramfs that `plyboot doctor` is given. */
#include "compose/cpio_read.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(size > 0 ? size : 1); /* no byte more */
	struct cpio_members members;
	struct error e = {0};
	must(bytes != NULL);
	if (size > 0)
		memcpy(bytes, data, size);
	if (cpio_read(bytes, size, &members, &e) == 0) {
		must(members.count > 0 && members.unread_bytes <= size);
		for (size_t i = 0; i < members.count; i++) {
			const struct cpio_member *member = &members.items[i];
			must(member->data >= bytes && member->size_bytes <= size &&
				member->data + member->size_bytes <= bytes + size);
			must(cpio_members_find(&members, member->path) != NULL);
		}
		cpio_members_free(&members);
	} else {
		must(e.code == ERROR_FORMAT || e.code == ERROR_LIMIT);
	}
	free(bytes);
	return 0;
}

/* An initramfs that `plyboot doctor` is given: archives, and what they are compressed by. */
#include "compose/initrd_read.h"
#include "must.h"

enum { MOST_BYTES = 16384 }; /* of zstd they make 500 MiB at most */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct initrd initrd;
	struct error e = {0};
	if (size > MOST_BYTES)
		return 0;
	uint8_t *bytes = must_copy(data, size);
	if (initrd_read(bytes, size, INITRD_MAX_BYTES, &initrd, &e) == 0) {
		must(initrd.unread_at <= size && (initrd.members.count > 0 || initrd.hides));
		must(!initrd.hides || initrd.unread_at < size);
		volatile uint8_t sum = 0;
		for (size_t i = 0; i < initrd.members.count; i++) {
			const struct cpio_member *member = &initrd.members.items[i];
			for (size_t at = 0; at < member->size_bytes; at += 64)
				sum = (uint8_t)(sum + member->data[at]);
		}
	} else {
		must(e.code == ERROR_FORMAT || e.code == ERROR_STREAM || e.code == ERROR_LIMIT ||
			e.code == ERROR_NOSPACE);
	}
	initrd_free(&initrd);
	free(bytes);
	return 0;
}

/* What `plyboot initramfs --fsck` and `plyboot run --kernel` are given. */
#include "compose/elf.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"x86_64", "i686", "aarch64", "s390x", "vax"};
	uint8_t *bytes = malloc(size > 0 ? size : 1); /* no byte more */
	unsigned right = 0;
	must(bytes != NULL);
	if (size > 0)
		memcpy(bytes, data, size);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct error e = {0};
		if (elf_check_static(bytes, size, names[i], &e) == 0)
			right++;
		else
			must((e.code == ERROR_TYPE || e.code == ERROR_TARGET) && e.text[0] != '\0');
	}
	must(right <= 1); /* no program runs on two of them */
	(void)elf_has_pvh(bytes, size);
	free(bytes);
	return 0;
}

/* A mutated tar header is refused for its checksum and nothing else is tried; so put them right. */
#ifndef PLYBOOT_FUZZ_CHECKSUMS_H
#define PLYBOOT_FUZZ_CHECKSUMS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A copy with the checksum of every block that looks like a header made right; the caller frees. */
static inline uint8_t *checksums_mend(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);
	if (copy == NULL)
		abort();
	memcpy(copy, data, size);
	for (size_t at = 0; at + 512 <= size; at += 512) {
		uint8_t *block = copy + at;
		unsigned sum = 0;
		char text[8];
		if (memcmp(block + 257, "ustar", 5) != 0)
			continue;
		memset(block + 148, ' ', 8);
		for (size_t i = 0; i < 512; i++)
			sum += block[i];
		(void)snprintf(text, sizeof text, "%06o", sum);
		memcpy(block + 148, text, 7);
	}
	return copy;
}

#endif

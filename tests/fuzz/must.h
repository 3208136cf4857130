/* What has to hold, in every build: assert() would go with NDEBUG. */
#ifndef PLYBOOT_FUZZ_MUST_H
#define PLYBOOT_FUZZ_MUST_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define must(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			(void)fprintf(                                                             \
				stderr, "%s:%d: must hold: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* A copy of exactly `size` bytes and a NUL, so that the sanitizers see a read behind it. The caller
 * frees. */
static inline void *must_copy(const void *data, size_t size)
{
	uint8_t *copy = malloc(size + 1);
	must(copy != NULL);
	if (size > 0)
		memcpy(copy, data, size);
	copy[size] = '\0';
	return copy;
}

#endif

#include "embedded.h"

#include <string.h>

/* Made by embedded_<architecture>.S. */
extern const uint8_t embedded_init_x86_64_start[], embedded_init_x86_64_end[];

/* A new architecture is a row here, an .S beside, and a word in the Makefile's ARCHES. */
const struct embedded_init embedded_inits[] = {
	{"x86_64", embedded_init_x86_64_start, embedded_init_x86_64_end},
	{NULL, NULL, NULL},
};

const struct embedded_init *embedded_find(const char *architecture)
{
	for (const struct embedded_init *init = embedded_inits; init->architecture != NULL;
		init++) {
		if (strcmp(init->architecture, architecture) == 0)
			return init;
	}
	return NULL;
}

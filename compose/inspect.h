/* Internal to `plyboot inspect`: what it can look into, beside what verb_inspect.c has itself. */
#ifndef PLYBOOT_INSPECT_H
#define PLYBOOT_INSPECT_H

#include <stdbool.h>
#include <stdint.h>

#include "../layers/error.h"

struct inspect_options {
	const char *store, *plot;
	bool pieces, json, image;
};

/* A .layer file or a stack file, as target_recognizes() them. */
int inspect_layers(const struct inspect_options *given, const uint8_t *bytes, size_t size_bytes,
	struct error *e);

/* NAME-VERSION in the store. */
int inspect_named(const struct inspect_options *given, const char *name, struct error *e);

#endif

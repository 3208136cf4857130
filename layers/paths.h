/* Names out of a tar: one normal form, and a growing list of them. */
#ifndef PLYBOOT_PATHS_H
#define PLYBOOT_PATHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "ceilings.h"

/* Write the normal form of a relative path: no "." and no empty components, no slash at the end;
 * the root itself is "". ERROR_PATH: absolute, empty, "..", only slashes, a component over 255
 * bytes, 4096 bytes or more. */
int path_normalize(const char *raw, char out[LIMIT_PATH_BYTES + 1], struct error *e);

/* The last component of a normal path, and where its parent ends (0 for an entry of the root). */
const char *path_base(const char *path);
size_t path_parent_length(const char *path);

/* Paths with a number each, in the order they came. Zero-initialise. */
struct path_list {
	size_t count, capacity;
	uint64_t bytes; /* of memory that they take */
	struct path_item {
		char *path; /* owned */
		uint32_t value;
	} * items;
};

int path_list_add(struct path_list *list, const char *path, uint32_t value, struct error *e);
void path_list_sort(struct path_list *list);                        /* by path, then value */
bool path_list_has(const struct path_list *list, const char *path); /* sorted before */
void path_list_free(struct path_list *list);

#endif

/* Is a mounted overlay what was asked for? /proc/self/mountinfo against the request (proc(5)). */
#ifndef PLYBOOT_OVERLAY_CHECK_H
#define PLYBOOT_OVERLAY_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

enum { OVERLAY_NAME_SIZE = 128 };

/* What mountinfo must show. */
struct overlay_shown {
	const char *at;
	size_t lower_count;
	char (*lowers)[OVERLAY_NAME_SIZE]; /* top first */
	const char *upper, *work;          /* NULL: none */
	bool read_only;
};

/* The options that every overlay of ours gets. */
struct overlay_option {
	const char *name, *value;
	/* Module parameters that are "N" when leaving the option out means `value`. */
	const char *parameters[2];
};
enum { OVERLAY_OPTIONS = 5 };
extern const struct overlay_option overlay_options[OVERLAY_OPTIONS];

/* `text` is mountinfo's and is cut in place; `parameter` says 'Y' or 'N', 0 when there is none.
 * ERROR_KERNEL names what differs. */
int overlay_check(char *text, const struct overlay_shown *want,
	char (*parameter)(void *context, const char *name), void *context, struct error *e);

#endif

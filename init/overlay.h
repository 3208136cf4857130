/* The root: an overlay of the store's layers. */
#ifndef PLYBOOT_OVERLAY_H
#define PLYBOOT_OVERLAY_H

#include <stdbool.h>

#include "digest.h"
#include "error.h"

#define OVERLAY_PATH "/sysroot"

struct overlay_request {
	const struct digest *ids; /* layers in the store, bottom first */
	size_t count;
	const char *synthetic; /* the synthetic layer's name in the store: on top */
	const char *base;      /* absolute path of an upper that is only read, above it; or NULL */
	const char *upper, *work; /* absolute paths; NULL: a read-only overlay of lowers alone */
	bool read_only;
};

/* Mount it at OVERLAY_PATH and read back that it is so; when it isn't, nothing is left mounted.
 * `*method` becomes "lowerdir+" or "mount(2)". ERROR_KERNEL; ERROR_LIMIT when mount(2)'s option
 * string would be cut. */
int overlay_mount(const struct overlay_request *request, const char **method, struct error *e);

void overlay_unmount(void);

#endif

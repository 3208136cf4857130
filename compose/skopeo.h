/* Calling skopeo, which knows registries and all the places that an image can be in. */
#ifndef PLYBOOT_SKOPEO_H
#define PLYBOOT_SKOPEO_H

#include <linux/limits.h>
#include <stdbool.h>

#include "bytes.h"

struct skopeo {
	char path[PATH_MAX];
	bool insecure;        /* plain http, or a certificate that nobody knows */
	const char *authfile; /* NULL: skopeo's own */
};

enum { SKOPEO_MANIFEST_MAX_BYTES = 4 * 1024 * 1024 };

/* ERROR_MISSING. */
int skopeo_open(bool insecure, const char *authfile, struct skopeo *out, struct error *e);

/* Between a layout that is open at `layout_fd`, where the image has the name `name`, and what
 * skopeo calls `image`. Not a byte of manifest or blobs is changed on the way. What the layout has
 * is not fetched again. ERROR_IO with what skopeo says. */
int skopeo_push(const struct skopeo *skopeo, int layout_fd, const char *name, const char *image,
	struct error *e);
int skopeo_pull(const struct skopeo *skopeo, const char *image, int layout_fd, const char *name,
	struct error *e);

/* The image for OCI's name of an architecture becomes the layout's only one, without a name. A
 * manifest that is none of OCI's is made one; layers that have no compression get one. What the
 * layout has is not fetched again. ERROR_IO. */
int skopeo_fetch(const struct skopeo *skopeo, const char *image, const char *architecture,
	int layout_fd, struct error *e);

/* The manifest of `image` as it is. ERROR_IO, ERROR_LIMIT. */
int skopeo_manifest(
	const struct skopeo *skopeo, const char *image, struct bytes *out, struct error *e);

#endif

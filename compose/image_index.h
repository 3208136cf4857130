/* index.json of an image layout (image-layout.md of the OCI image specification): which images are
 * in it, by name. */
#ifndef PLYBOOT_IMAGE_INDEX_H
#define PLYBOOT_IMAGE_INDEX_H

#include "bytes.h"
#include "layout.h"

/* Read it, from a regular file that no symlink leads to. ERROR_MISSING, ERROR_FORMAT, ERROR_LIMIT.
 */
int image_index_read(const struct layout *layout, struct bytes *out, struct error *e);

/* An index of one image. */
int image_index_write(const struct digest *manifest, uint64_t size_bytes, const char *name,
	struct bytes *out, struct error *e);

/* Enter an image, in the place of one that has the name; all else stays. */
int image_index_put(struct layout *layout, const struct digest *manifest, uint64_t size_bytes,
	const char *name, struct error *e);

#endif

/* index.json of an image layout (image-layout.md of the OCI image specification): which images are
 * in it, by name. */
#ifndef PLYBOOT_IMAGE_INDEX_H
#define PLYBOOT_IMAGE_INDEX_H

#include "bytes.h"
#include "layout.h"
#include "oci.h"

/* Read it, from a regular file that no symlink leads to. ERROR_MISSING, ERROR_FORMAT, ERROR_LIMIT.
 */
int image_index_read(const struct layout *layout, struct bytes *out, struct error *e);

/* The same, parsed. And ERROR_FORMAT, ERROR_LIMIT of oci_index_parse(). */
int image_index_open(const struct layout *layout, struct oci_index *out, struct error *e);

/* A manifest or a config among the blobs, of the size that its descriptor says; the caller frees.
 * ERROR_MISSING, ERROR_SIZE, ERROR_LIMIT, ERROR_DIGEST. */
int image_document_read(struct layout *layout, const struct oci_descriptor *descriptor,
	uint8_t **bytes, struct error *e);

/* An index of one image. */
int image_index_write(const struct digest *manifest, uint64_t size_bytes, const char *name,
	struct bytes *out, struct error *e);

/* Enter an image, in the place of one that has the name; all else stays. */
int image_index_put(struct layout *layout, const struct digest *manifest, uint64_t size_bytes,
	const char *name, struct error *e);

#endif

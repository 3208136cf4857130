/* What an image in the store says of itself. */
#ifndef PLYBOOT_ENTRY_IMAGE_H
#define PLYBOOT_ENTRY_IMAGE_H

#include "oci.h"

/* The config of the image that the index.json of the store at `path` has under `name`; the caller
 * frees. ERROR_MISSING: no store, no such image, or a blob of it is not there. ERROR_USAGE: several
 * of that name. ERROR_TYPE: it is no image of one machine. ERROR_DIGEST, ERROR_SIZE: a blob is not
 * what its name says. ERROR_FORMAT, ERROR_LIMIT, ERROR_IO, ERROR_NOSPACE. */
int entry_image_read(const char *path, const char *name, struct oci_config *out, struct error *e);

#endif

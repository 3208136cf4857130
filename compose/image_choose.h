/* One image of those that an index names. */
#ifndef PLYBOOT_IMAGE_CHOOSE_H
#define PLYBOOT_IMAGE_CHOOSE_H

#include "oci.h"

/* Among the entries of index.json: those of the name, or all, for NULL, if they are one image for
 * several architectures; of them the first for OCI's name of an architecture (NULL: any).
 * ERROR_MISSING: none of the name. ERROR_USAGE: several, and nothing says which. ERROR_TARGET: none
 * for the architecture. ERROR_NOSPACE. */
int image_choose(const struct oci_index *index, const char *name, const char *architecture,
	const struct oci_descriptor **out, struct error *e);

/* Among the images that an index is of: the first for the architecture (NULL: any); an only one may
 * leave it to its config. ERROR_TARGET, ERROR_NOSPACE. */
int image_choose_platform(const struct oci_index *index, const char *architecture,
	const struct oci_descriptor **out, struct error *e);

/* What an entry is called, in full where that is written beside its ref name; NULL: nothing. */
const char *image_full_name(const struct oci_descriptor *descriptor);

#endif

#ifndef PLYBOOT_INSPECT_IMAGE_H
#define PLYBOOT_INSPECT_IMAGE_H

#include <stdbool.h>

#include "../layers/error.h"

/* Show the image that a store's index.json has under `name`: its platform, config, history and
 * layers, for people or as one JSON object (layers/FORMAT.md). ERROR_MISSING, and what
 * import_choose_oci() says, but for the architecture: it is that of the image. */
int inspect_image(const char *store, const char *name, bool json, struct error *e);

#endif

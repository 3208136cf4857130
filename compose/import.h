/* What `plyboot import` is made of: from a source to an image, and from an image to layers of the
 * store. */
#ifndef PLYBOOT_IMPORT_H
#define PLYBOOT_IMPORT_H

#include "import_files.h"
#include "layout.h"
#include "oci.h"
#include "../layers/stack.h"

/* A layer of an image before it is taken in. */
struct import_layer {
	char *file;           /* owned; its name in the source */
	bool pinned;          /* by a manifest: */
	struct digest digest; /* of the stored bytes */
	uint64_t size_bytes;
	enum media media;
	bool repeated; /* the same layer lies above it: left out */
};

struct import_image {
	char *name;        /* owned; what the source calls it, NULL: nothing */
	uint8_t *manifest; /* owned; NULL: the source has none, and one is written */
	size_t manifest_bytes;
	char *manifest_type;  /* owned */
	uint8_t *config_text; /* owned */
	size_t config_bytes;
	struct oci_config config;
	size_t layer_count;
	struct import_layer *layers; /* owned; bottom first */
};

void import_image_free(struct import_image *image);
#define SCOPED_IMPORT_IMAGE __attribute__((cleanup(import_image_free))) struct import_image

/* Choose an image of an OCI layout: by name, where that is not NULL, and by OCI's name (NULL: any)
 * of an architecture. Manifest and config have then the digests and sizes that they should.
 * ERROR_USAGE: several, and no name says which. ERROR_MISSING: no such name, a blob that is not
 * there. ERROR_TARGET: none for the architecture. ERROR_DIGEST, ERROR_SIZE, ERROR_TYPE,
 * ERROR_LIMIT, ERROR_FORMAT. */
int import_choose_oci(const struct import_files *files, const char *name, const char *architecture,
	struct import_image *out, struct error *e);

/* The same of a docker-archive. */
int import_choose_docker(const struct import_files *files, const char *name,
	const char *architecture, struct import_image *out, struct error *e);

/* Parse the config that is in `image` and hold it against the layers and the architecture. */
int import_check_config(struct import_image *image, const char *architecture, struct error *e);

/* The layers become blobs with piece tables, and `records`, one for each that is not repeated. */
int import_take_layers(struct layout *layout, const struct import_files *files,
	struct import_image *image, enum user_xattrs user_xattrs, struct layer_record *records,
	struct error *e);

/* Manifest (made, if the source has none) and config become blobs, and an index.json is begun that
 * has the image under `name`: it counts when it is committed. The layers must have been taken. */
int import_add_image(struct layout *layout, struct import_image *image, const char *name,
	struct digest *manifest, struct output *index, struct error *e);

/* What skopeo fetches. */
struct import_skopeos {
	struct layout *store;
	const char *source;
	const char *architecture; /* OCI's name */
	bool insecure;
	int into_fd; /* an empty directory on the store's file system */
};

/* Have skopeo copy it into an OCI layout below the directory, which gets the store's layers first,
 * so that only what is missing is fetched. ERROR_MISSING: no skopeo. ERROR_IO. */
int import_by_skopeo(
	const struct import_skopeos *self, struct import_files *files, struct error *e);
/* Have those layers of the image fetched, too, that the store has with bytes that have rotted. */
int import_mend_skopeos(const struct import_skopeos *self, const struct import_files *files,
	const struct import_image *image, struct error *e);
/* Is it one of skopeo's, as docker://... is? */
bool import_is_skopeos(const char *source);

#endif

/*
 * A pushed stack on its way in: fetched into a directory of its own in the store, checked there as
 * a whole, then moved. Whatever ends it in between, the store has whole blobs and no stack file
 * that names others.
 */
#ifndef PLYBOOT_PULLING_H
#define PLYBOOT_PULLING_H

#include "../layers/signed.h"
#include "carrier.h"
#include "layout.h"
#include "oci.h"
#include "scratch.h"
#include "skopeo.h"

struct pulling_asked {
	const char *image; /* as skopeo names it */
	const struct skopeo *skopeo;
	const struct signature_policy *policy; /* NULL: no signature is asked for */
	bool force;                            /* a signed stack that says otherwise is replaced */
};

/* What the image names, once each. */
struct pulling_blob {
	struct digest digest;
	uint64_t size_bytes;
	bool was_there; /* in the store, with the right bytes */
};

struct pulling {
	struct layout *store;
	struct scratch scratch;
	struct layout layout; /* in the scratch */
	char layout_path[32];
	struct bytes document; /* the manifest as it came */
	struct oci_manifest manifest;
	struct bytes carrier_tar;
	struct carrier carrier;
	struct stack stack;
	size_t signatures; /* lines in the stack file */
	size_t blob_count;
	struct pulling_blob *blobs; /* layers, the carrier among them, and the config */
};

/*
 * Fetch and check everything; nothing enters the store. What `skopeo_manifest()`, `skopeo_pull()`,
 * carrier_check() and measure_check() say; ERROR_FORMAT: no image of a stack; ERROR_DIGEST: the
 * image's layers and the stack's are not the same; ERROR_USAGE: a signed stack of that name and
 * version says otherwise. To be closed in any case.
 */
int pulling_fetch(struct layout *store, const struct pulling_asked *asked, struct pulling *out,
	struct error *e);

/* Move it into the store, the stack file last. The caller says layout_keep(). */
int pulling_keep(struct pulling *pulling, struct error *e);

void pulling_close(struct pulling *pulling);

#endif

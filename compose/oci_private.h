/* What reading and writing the documents have in common. */
#ifndef PLYBOOT_OCI_PRIVATE_H
#define PLYBOOT_OCI_PRIVATE_H

#include "oci.h"

/* The members of a config that are texts, in the specification's order: of the document itself, and
 * of its "config". */
struct oci_member {
	const char *key;
	size_t offset; /* in struct oci_config */
};
extern const struct oci_member oci_config_texts[], oci_execution_texts[];
/* ... lists of texts; objects whose keys are a set of texts. */
extern const struct oci_member oci_execution_lists[], oci_execution_sets[];
/* ... and of one entry of its history. */
extern const struct oci_member oci_history_texts[];

#endif

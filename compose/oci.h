/*
 * The JSON documents of the OCI image specification 1.0 (descriptor.md, image-index.md,
 * manifest.md, config.md), and of Docker's image manifest version 2, schema 2, which has other
 * names for the same. Read from anybody, written always the same way.
 *
 * All texts of a structure that was parsed belong to its document, which the structure owns;
 * whoever fills one in to have it written keeps what it points to. A text that is not there is
 * NULL, as is one that is null in the JSON.
 */
#ifndef PLYBOOT_OCI_H
#define PLYBOOT_OCI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../layers/digest.h"
#include "../layers/error.h"
#include "../layers/stack.h"

enum {
	OCI_DOCUMENT_BYTES = 4 * 1024 * 1024, /* of one document: what registries take, too */
	OCI_LIST_MOST = 10000                 /* entries of an index, of an environment, ... */
};

#define OCI_REF_NAME "org.opencontainers.image.ref.name"

#define OCI_TYPE_INDEX "application/vnd.oci.image.index.v1+json"
#define OCI_TYPE_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define OCI_TYPE_CONFIG "application/vnd.oci.image.config.v1+json"
#define OCI_TYPE_LAYER "application/vnd.oci.image.layer.v1.tar"

struct oci_texts {
	size_t count;
	const char **items; /* owned */
};

struct oci_pairs {
	size_t count;
	struct oci_pair {
		const char *key, *value;
	} * items; /* owned; in the document's order */
};

struct oci_descriptor {
	const char *media_type;
	struct digest digest;
	uint64_t size_bytes;                     /* at most LIMIT_LAYER_STORED_BYTES */
	const char *architecture, *os, *variant; /* of its platform */
	const char *artifact_type;
	struct oci_pairs annotations;
};

struct oci_descriptors {
	size_t count;
	struct oci_descriptor *items; /* owned */
};

struct oci_index {
	json_t *document; /* owned; NULL when it was not parsed */
	const char *media_type;
	struct oci_descriptors manifests;
};

struct oci_manifest {
	json_t *document;
	const char *media_type;
	struct oci_descriptor config;
	struct oci_descriptors layers; /* bottom first; at most LIMIT_LAYERS */
	struct oci_pairs annotations;
};

struct oci_history {
	const char *created, *created_by, *author, *comment;
	bool empty_layer;
};

struct oci_config {
	json_t *document;
	const char *architecture, *os, *variant, *created, *author;
	const char *user, *working_dir, *stop_signal;
	struct oci_texts entrypoint, cmd, env;
	struct oci_texts exposed_ports, volumes;
	struct oci_pairs labels;
	size_t history_count;
	struct oci_history *history; /* owned */
	size_t diff_id_count;
	struct digest *diff_ids; /* owned; of the layers' uncompressed tars, bottom first */
};

/* ERROR_LIMIT: a document over OCI_DOCUMENT_BYTES, a list that is too long, a size over a layer's
 * ceiling. ERROR_FORMAT: no JSON, a key twice, nested too deep, a value of the wrong type, a digest
 * other than SHA-256, a negative size, another schema version. ERROR_NOSPACE. */
int oci_index_parse(const void *bytes, size_t size_bytes, struct oci_index *out, struct error *e);
int oci_manifest_parse(
	const void *bytes, size_t size_bytes, struct oci_manifest *out, struct error *e);
int oci_config_parse(const void *bytes, size_t size_bytes, struct oci_config *out, struct error *e);

void oci_index_free(struct oci_index *index);
void oci_manifest_free(struct oci_manifest *manifest);
void oci_config_free(struct oci_config *config);
#define SCOPED_OCI_INDEX __attribute__((cleanup(oci_index_free))) struct oci_index
#define SCOPED_OCI_MANIFEST __attribute__((cleanup(oci_manifest_free))) struct oci_manifest
#define SCOPED_OCI_CONFIG __attribute__((cleanup(oci_config_free))) struct oci_config

/* A document as JSON, under the same limits; the caller gives it back with json_decref(). */
int oci_load(const void *bytes, size_t size_bytes, json_t **out, struct error *e);

/* The value of a key, NULL: it is not there. */
const char *oci_pairs_find(const struct oci_pairs *pairs, const char *key);

/* What a media type stands for; OCI's names and Docker's. */
enum oci_kind { OCI_KIND_INDEX, OCI_KIND_MANIFEST, OCI_KIND_CONFIG, OCI_KIND_OTHER };
enum oci_kind oci_kind(const char *media_type);

/* How a layer of that media type is stored. ERROR_TYPE: encrypted, not distributed with the image,
 * compressed in a way that the engine doesn't have, or no layer at all. */
int oci_layer_media(const char *media_type, enum media *out, struct error *e);

/* The JSON, compact, keys in the specification's order, NUL-terminated; caller frees. What is NULL
 * or empty is left out. ERROR_FORMAT: a text that is not UTF-8. ERROR_NOSPACE. */
int oci_index_write(
	const struct oci_index *index, char **text, size_t *size_bytes, struct error *e);
int oci_manifest_write(
	const struct oci_manifest *manifest, char **text, size_t *size_bytes, struct error *e);
int oci_config_write(
	const struct oci_config *config, char **text, size_t *size_bytes, struct error *e);

/* An index as it is, but for `entry`: it takes the place of the one that has the same ref name, or
 * comes last. All else that is in the index stays, known or not. Caller frees. Errors as those of
 * parsing and writing. */
int oci_index_put(const void *bytes, size_t size_bytes, const struct oci_descriptor *entry,
	char **text, size_t *text_bytes, struct error *e);

#endif

#include "oci.h"

#include <string.h>

#include "oci_private.h"

#define CONFIG(key_, field_)                                                                       \
	{                                                                                          \
		key_, offsetof(struct oci_config, field_)                                          \
	}
const struct oci_member oci_config_texts[] = {CONFIG("created", created), CONFIG("author", author),
	CONFIG("architecture", architecture), CONFIG("variant", variant), CONFIG("os", os), {0}};
const struct oci_member oci_execution_texts[] = {CONFIG("User", user),
	CONFIG("WorkingDir", working_dir), CONFIG("StopSignal", stop_signal), {0}};
const struct oci_member oci_execution_lists[] = {
	CONFIG("Env", env), CONFIG("Entrypoint", entrypoint), CONFIG("Cmd", cmd), {0}};
const struct oci_member oci_execution_sets[] = {
	CONFIG("ExposedPorts", exposed_ports), CONFIG("Volumes", volumes), {0}};

#define HISTORY(field_)                                                                            \
	{                                                                                          \
#field_, offsetof(struct oci_history, field_)                                      \
	}
const struct oci_member oci_history_texts[] = {
	HISTORY(created), HISTORY(created_by), HISTORY(author), HISTORY(comment), {0}};

const char *oci_pairs_find(const struct oci_pairs *pairs, const char *key)
{
	for (size_t i = 0; i < pairs->count; i++) {
		if (strcmp(pairs->items[i].key, key) == 0)
			return pairs->items[i].value;
	}
	return NULL;
}

/* --- media types */

enum oci_kind oci_kind(const char *media_type)
{
	static const struct {
		const char *name;
		enum oci_kind kind;
	} names[] = {
		{OCI_TYPE_INDEX, OCI_KIND_INDEX},
		{"application/vnd.docker.distribution.manifest.list.v2+json", OCI_KIND_INDEX},
		{OCI_TYPE_MANIFEST, OCI_KIND_MANIFEST},
		{"application/vnd.docker.distribution.manifest.v2+json", OCI_KIND_MANIFEST},
		{OCI_TYPE_CONFIG, OCI_KIND_CONFIG},
		{"application/vnd.docker.container.image.v1+json", OCI_KIND_CONFIG},
	};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(names[i].name, media_type) == 0)
			return names[i].kind;
	}
	return OCI_KIND_OTHER;
}

/* Why a media type is none of a layer that we can take. */
static const char *why_not(const char *media_type)
{
	static const struct {
		const char *part, *why;
	} reasons[] = {
		{"+encrypted", "it is encrypted"},
		{"nondistributable", "it is not distributed with the image"},
		{"foreign", "it is not distributed with the image"},
		{"bzip2", "bzip2 is not what /init can read: store the layer as gzip or zstd"},
		{"xz", "xz is not what /init can read: store the layer as gzip or zstd"},
	};
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
		if (strstr(media_type, reasons[i].part) != NULL)
			return reasons[i].why;
	}
	return "no layer of a root file system is of that type";
}

int oci_layer_media(const char *media_type, enum media *out, struct error *e)
{
	static const struct {
		const char *name;
		enum media media;
	} names[] = {
		{OCI_TYPE_LAYER, MEDIA_TAR},
		{OCI_TYPE_LAYER "+gzip", MEDIA_TAR_GZIP},
		{OCI_TYPE_LAYER "+zstd", MEDIA_TAR_ZSTD},
		{"application/vnd.docker.image.rootfs.diff.tar", MEDIA_TAR},
		{"application/vnd.docker.image.rootfs.diff.tar.gzip", MEDIA_TAR_GZIP},
		{"application/vnd.docker.image.rootfs.diff.tar.zstd", MEDIA_TAR_ZSTD},
	};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(names[i].name, media_type) == 0) {
			*out = names[i].media;
			return 0;
		}
	}
	return error_set(
		e, ERROR_TYPE, 0, "a layer of type %s: %s", media_type, why_not(media_type));
}

/* --- freeing */

static void free_descriptors(struct oci_descriptors *descriptors)
{
	for (size_t i = 0; i < descriptors->count; i++)
		free(descriptors->items[i].annotations.items);
	free(descriptors->items);
}

void oci_index_free(struct oci_index *index)
{
	free_descriptors(&index->manifests);
	json_decref(index->document);
	*index = (struct oci_index){0};
}

void oci_manifest_free(struct oci_manifest *manifest)
{
	free(manifest->config.annotations.items);
	free(manifest->annotations.items);
	free_descriptors(&manifest->layers);
	json_decref(manifest->document);
	*manifest = (struct oci_manifest){0};
}

void oci_config_free(struct oci_config *config)
{
	free(config->entrypoint.items);
	free(config->cmd.items);
	free(config->env.items);
	free(config->exposed_ports.items);
	free(config->volumes.items);
	free(config->labels.items);
	free(config->history);
	free(config->diff_ids);
	json_decref(config->document);
	*config = (struct oci_config){0};
}

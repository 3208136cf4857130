#include "image_config.h"

#include <stdlib.h>
#include <string.h>

#include "../layers/scope.h"
#include "image_index.h"
#include "oci.h"
#include "report.h"

const char *image_architecture(const char *machine)
{
	static const char *const names[][2] = {{"x86_64", "amd64"}, {"aarch64", "arm64"},
		{"i386", "386"}, {"i486", "386"}, {"i586", "386"}, {"i686", "386"},
		{"armv5tel", "arm"}, {"armv6l", "arm"}, {"armv7l", "arm"},
		{"loongarch64", "loong64"}, {"mips64", "mips64le"}};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(names[i][0], machine) == 0)
			return names[i][1];
	}
	return machine; /* Go's own, and riscv64, ppc64le, s390x */
}

/* --- the image that the bottom layers are of */

struct base {
	struct oci_config config; /* of no document where there is no such image */
	size_t layer_count;
};

/* Are the image's layers the stack's, from the bottom? */
static bool is_below(const struct oci_manifest *manifest, const struct stack *stack)
{
	size_t count = manifest->layers.count;
	if (count == 0 || count > stack->layer_count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!digest_equal(&manifest->layers.items[i].digest, &stack->layers[i].digest))
			return false;
	}
	return true;
}

/* Take the image as the base if it is one, and of more layers than that which was found. */
static int consider(struct base *base, struct layout *store,
	const struct oci_descriptor *descriptor, const struct stack *stack, struct error *e)
{
	SCOPED_OCI_MANIFEST manifest = {0};
	SCOPED_FREE uint8_t *bytes = NULL;
	SCOPED_FREE uint8_t *config_bytes = NULL;
	struct oci_config config;
	if (image_document_read(store, descriptor, &bytes, e) != 0 ||
		oci_manifest_parse(bytes, (size_t)descriptor->size_bytes, &manifest, e) != 0)
		return -1;
	if (!is_below(&manifest, stack) || manifest.layers.count <= base->layer_count)
		return 0;
	if (image_document_read(store, &manifest.config, &config_bytes, e) != 0 ||
		oci_config_parse(config_bytes, (size_t)manifest.config.size_bytes, &config, e) != 0)
		return -1;
	oci_config_free(&base->config);
	*base = (struct base){.config = config, .layer_count = manifest.layers.count};
	return 0;
}

/* What can't be read is passed over: that image is not exported. */
static int find_base(
	struct base *base, struct layout *store, const struct stack *stack, struct error *e)
{
	SCOPED_OCI_INDEX index = {0};
	struct error why;
	if (image_index_open(store, &index, e) != 0)
		return error_wrap(e, "the store `%s`", store->path);
	for (size_t i = 0; i < index.manifests.count; i++) {
		const struct oci_descriptor *descriptor = &index.manifests.items[i];
		if (descriptor->media_type != NULL &&
			oci_kind(descriptor->media_type) == OCI_KIND_MANIFEST &&
			consider(base, store, descriptor, stack, &why) != 0)
			report_warning(
				"an image that index.json names is passed over: %s", why.text);
	}
	return 0;
}

/* --- the config */

/* The entries that the image has for its layers, if they are as many as those, and one for each
 * other layer. */
static int set_history(struct oci_config *config, const struct base *base, size_t layer_count,
	const char *created, struct error *e)
{
	size_t kept = base->config.history_count, full = 0;
	for (size_t i = 0; i < kept; i++)
		full += !base->config.history[i].empty_layer;
	if (full != base->layer_count)
		kept = full = 0;
	struct oci_history *history = calloc(kept + layer_count - full, sizeof *history);
	if (history == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	if (kept > 0)
		memcpy(history, base->config.history, kept * sizeof *history);
	for (; full < layer_count; full++)
		history[kept++] = (struct oci_history){.created = created, .created_by = "plyboot"};
	config->history = history;
	config->history_count = kept;
	return 0;
}

static int set_diff_ids(struct oci_config *config, const struct stack_image *image, struct error *e)
{
	config->diff_ids = calloc(image->layer_count, sizeof *config->diff_ids);
	if (config->diff_ids == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	config->diff_id_count = image->layer_count;
	for (size_t i = 0; i < image->layer_count; i++)
		config->diff_ids[i] = image->layers[i].diff_id;
	return 0;
}

static int write_config(const struct base *base, const struct stack_image *image,
	const struct stack *stack, struct bytes *out, struct error *e)
{
	struct oci_config config = base->config; /* what it points to stays the base's */
	const char *architecture = image_architecture(stack->architecture);
	char *text = NULL;
	if (config.architecture == NULL || strcmp(config.architecture, architecture) != 0)
		config.variant = NULL;
	config.architecture = architecture;
	config.os = "linux";
	config.created = stack->created;
	config.history = NULL;
	config.diff_ids = NULL;
	int result = set_history(&config, base, image->layer_count, stack->created, e);
	if (result == 0)
		result = set_diff_ids(&config, image, e);
	if (result == 0)
		result = oci_config_write(&config, &text, &out->size, e);
	out->data = (uint8_t *)text;
	out->capacity = result == 0 ? out->size : 0;
	free(config.history);
	free(config.diff_ids);
	return result;
}

int image_config_write(const struct stack_image *image, struct layout *store,
	const struct stack *stack, struct bytes *out, struct error *e)
{
	struct base base = {0};
	int result = find_base(&base, store, stack, e);
	if (result == 0)
		result = write_config(&base, image, stack, out, e);
	oci_config_free(&base.config);
	return result;
}

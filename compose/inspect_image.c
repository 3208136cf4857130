#include "inspect_image.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "../qemu/console.h"
#include "import.h"

/* Texts come from whoever made the image: one line, and nothing that a terminal obeys. */
static void print_text(const char *label, const char *text)
{
	char line[4096];
	if (text == NULL || text[0] == '\0')
		return;
	console_harmless(text, line, sizeof line);
	printf("%-14s %s\n", label, line);
}

static void print_texts(const char *label, const struct oci_texts *texts)
{
	for (size_t i = 0; i < texts->count; i++)
		print_text(i == 0 ? label : "", texts->items[i]);
}

static void print_labels(const struct oci_pairs *labels)
{
	char line[4096];
	for (size_t i = 0; i < labels->count; i++) {
		(void)snprintf(
			line, sizeof line, "%s=%s", labels->items[i].key, labels->items[i].value);
		print_text("label", line);
	}
}

static void print_history(const struct oci_config *config)
{
	char line[4096];
	for (size_t i = 0; i < config->history_count; i++) {
		const struct oci_history *step = &config->history[i];
		(void)snprintf(line, sizeof line, "%s%s%s%s",
			step->created_by != NULL ? step->created_by : "?",
			step->comment != NULL && step->comment[0] != '\0' ? "  # " : "",
			step->comment != NULL ? step->comment : "",
			step->empty_layer ? "  (no layer)" : "");
		print_text("history", line);
	}
}

static void print_layers(const struct import_image *image)
{
	char stored[DIGEST_TEXT_SIZE], plain[DIGEST_TEXT_SIZE];
	for (size_t i = 0; i < image->layer_count; i++) {
		const struct import_layer *layer = &image->layers[i];
		digest_format(&layer->digest, stored);
		digest_format(&image->config.diff_ids[i], plain);
		printf("layer %zu of %zu%s\n", i + 1, image->layer_count,
			i == 0 ? " (bottom)" : "");
		printf("  digest         %s\n  media type     %s\n  stored         %" PRIu64
		       " bytes\n  uncompressed   %s\n",
			stored, media_name(layer->media), layer->size_bytes, plain);
	}
}

static void print_config(const struct oci_config *config)
{
	char platform[256];
	(void)snprintf(platform, sizeof platform, "%s/%s%s%s",
		config->os != NULL ? config->os : "?",
		config->architecture != NULL ? config->architecture : "?",
		config->variant != NULL ? "/" : "", config->variant != NULL ? config->variant : "");
	print_text("platform", platform);
	print_text("created", config->created);
	print_text("author", config->author);
	print_texts("entrypoint", &config->entrypoint);
	print_texts("cmd", &config->cmd);
	print_texts("env", &config->env);
	print_text("working dir", config->working_dir);
	print_text("user", config->user);
	print_text("stop signal", config->stop_signal);
	print_texts("ports", &config->exposed_ports);
	print_texts("volumes", &config->volumes);
	print_labels(&config->labels);
	print_history(config);
}

static void print_image(
	const struct import_image *image, const char *name, const struct digest *manifest)
{
	char digest[DIGEST_TEXT_SIZE];
	digest_format(manifest, digest);
	printf("image %s\n", name);
	print_text("manifest", digest);
	print_config(&image->config);
	print_layers(image);
}

/* --- as JSON */

static json_t *layer_as_json(const struct import_layer *layer, const struct digest *diff_id)
{
	char stored[DIGEST_TEXT_SIZE], plain[DIGEST_TEXT_SIZE];
	digest_format(&layer->digest, stored);
	digest_format(diff_id, plain);
	return json_pack("{s:s, s:s, s:I, s:s}", "digest", stored, "media_type",
		media_name(layer->media), "stored", (json_int_t)layer->size_bytes, "diff_id",
		plain);
}

/* The config is the image's own document, whatever is in it. */
static int print_json(const struct import_image *image, const char *name,
	const struct digest *manifest, struct error *e)
{
	char digest[DIGEST_TEXT_SIZE];
	digest_format(manifest, digest);
	json_t *layers = json_array();
	bool whole = layers != NULL;
	for (size_t i = 0; i < image->layer_count; i++)
		whole = json_array_append_new(layers, layer_as_json(&image->layers[i],
							      &image->config.diff_ids[i])) == 0 &&
			whole;
	json_t *object = json_pack("{s:s, s:s, s:s, s:O, s:o}", "kind", "image", "name", name,
		"manifest", digest, "config", image->config.document, "layers", layers);
	whole = whole && object != NULL && json_dumpf(object, stdout, 0) == 0;
	json_decref(object);
	putchar('\n');
	return whole ? 0 : error_set(e, ERROR_NOSPACE, 0, "no memory, or no room for the output");
}

int inspect_image(const char *store, const char *name, bool json, struct error *e)
{
	SCOPED_LAYOUT layout = LAYOUT_INIT;
	SCOPED_IMPORT_FILES files = IMPORT_FILES_INIT;
	SCOPED_IMPORT_IMAGE image = {0};
	struct digest manifest;
	if (layout_open(store, false, &layout, e) != 0 ||
		import_files_below(layout.fd, &files, e) != 0 ||
		import_choose_oci(&files, name, NULL, &image, e) != 0)
		return error_wrap(e, "the store `%s`", store);
	digest_of(image.manifest, image.manifest_bytes, &manifest);
	if (json)
		return print_json(&image, name, &manifest, e);
	print_image(&image, name, &manifest);
	return 0;
}

/* What both kinds of source have in common. */
#include <stdlib.h>
#include <string.h>

#include "import.h"
#include "report.h"

void import_image_free(struct import_image *image)
{
	for (size_t i = 0; i < image->layer_count; i++)
		free(image->layers[i].file);
	free(image->layers);
	oci_config_free(&image->config);
	free(image->config_text);
	free(image->manifest_type);
	free(image->manifest);
	free(image->name);
	*image = (struct import_image){0};
}

static int check_platform(
	const struct oci_config *config, const char *architecture, struct error *e)
{
	if (architecture == NULL)
		return 0;
	if (config->os != NULL && strcmp(config->os, "linux") != 0)
		return error_set(
			e, ERROR_TARGET, 0, "the image is for %s, not for linux", config->os);
	if (config->architecture == NULL || config->architecture[0] == '\0' ||
		strcmp(config->architecture, architecture) == 0)
		return 0;
	report_hint("`--arch %s` takes it", config->architecture);
	return error_set(e, ERROR_TARGET, 0, "the image is for %s, not for %s",
		config->architecture, architecture);
}

int import_check_config(struct import_image *image, const char *architecture, struct error *e)
{
	struct oci_config *config = &image->config;
	if (oci_config_parse(image->config_text, image->config_bytes, config, e) != 0 ||
		check_platform(config, architecture, e) != 0)
		return -1;
	if (image->layer_count == 0)
		return error_set(e, ERROR_FORMAT, 0, "the image has no layers");
	if (config->diff_id_count != image->layer_count)
		return error_set(e, ERROR_FORMAT, 0,
			"the config names %zu layers, the manifest %zu", config->diff_id_count,
			image->layer_count);
	return 0;
}

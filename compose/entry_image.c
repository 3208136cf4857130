#include "entry_image.h"

#include "../layers/scope.h"
#include "image_choose.h"
#include "image_index.h"
#include "report.h"

static int find(const struct oci_index *index, const char *name, const struct oci_descriptor **out,
	struct error *e)
{
	if (image_choose(index, name, NULL, out, e) == 0)
		return 0;
	if (e->code == ERROR_MISSING)
		report_hint("`plyboot import --name %s` puts one there", name);
	return -1;
}

static int read_document(struct layout *layout, const struct oci_descriptor *descriptor,
	uint8_t **bytes, struct error *e)
{
	if (image_document_read(layout, descriptor, bytes, e) == 0)
		return 0;
	if (e->code == ERROR_DIGEST)
		report_hint("import the image again");
	return -1;
}

static int read_config(struct layout *layout, const struct oci_descriptor *image,
	struct oci_config *out, struct error *e)
{
	SCOPED_FREE uint8_t *text = NULL;
	SCOPED_FREE uint8_t *config = NULL;
	SCOPED_OCI_MANIFEST manifest = {0};
	if (oci_kind(image->media_type) != OCI_KIND_MANIFEST)
		return error_set(e, ERROR_TYPE, 0, "it is no image of one machine, but %s",
			image->media_type != NULL ? image->media_type : "of no known type");
	if (read_document(layout, image, &text, e) != 0 ||
		oci_manifest_parse(text, (size_t)image->size_bytes, &manifest, e) != 0)
		return error_wrap(e, "its manifest");
	if (read_document(layout, &manifest.config, &config, e) != 0 ||
		oci_config_parse(config, (size_t)manifest.config.size_bytes, out, e) != 0)
		return error_wrap(e, "its config");
	return 0;
}

int entry_image_read(const char *path, const char *name, struct oci_config *out, struct error *e)
{
	SCOPED_LAYOUT layout = LAYOUT_INIT;
	SCOPED_OCI_INDEX index = {0};
	const struct oci_descriptor *image;
	if (layout_open(path, false, &layout, e) != 0)
		return -1;
	if (image_index_open(&layout, &index, e) != 0 || find(&index, name, &image, e) != 0)
		return error_wrap(e, "the store `%s`", path);
	if (read_config(&layout, image, out, e) != 0)
		return error_wrap(e, "the image `%s`", name);
	return 0;
}

#include "entry_image.h"

#include <errno.h>
#include <string.h>

#include "../layers/scope.h"
#include "../layers/syscalls.h"
#include "layout.h"
#include "report.h"

/* A document among the blobs, with the digest and size that its descriptor gives. */
static int read_blob(
	struct layout *layout, const struct oci_descriptor *of, uint8_t **bytes, struct error *e)
{
	struct blob *blob;
	struct digest digest;
	if (of->size_bytes > OCI_DOCUMENT_BYTES)
		return error_set(e, ERROR_LIMIT, 0, "a document over %d bytes", OCI_DOCUMENT_BYTES);
	if (layout_check_blob(layout, &of->digest, of->size_bytes, e) != 0 ||
		layout->source->ops->open_blob(layout->source, &of->digest, &blob, e) != 0)
		return -1;
	SCOPED_FREE uint8_t *content = malloc((size_t)of->size_bytes + 1);
	int result = content == NULL
			     ? error_set(e, ERROR_NOSPACE, 0, "no memory")
			     : blob->ops->read_at(blob, 0, content, (size_t)of->size_bytes, e);
	blob_close(blob);
	if (result != 0)
		return -1;
	digest_of(content, (size_t)of->size_bytes, &digest);
	if (!digest_equal(&digest, &of->digest)) {
		report_hint("import the image again");
		return error_set(e, ERROR_DIGEST, 0, "a blob's bytes are not those of its name");
	}
	*bytes = SCOPE_TAKE(content);
	return 0;
}

static int find(const struct oci_index *index, const char *name, const struct oci_descriptor **out,
	struct error *e)
{
	*out = NULL;
	for (size_t i = 0; i < index->manifests.count; i++) {
		const struct oci_descriptor *one = &index->manifests.items[i];
		const char *its = oci_pairs_find(&one->annotations, OCI_REF_NAME);
		if (its == NULL || strcmp(its, name) != 0)
			continue;
		if (*out != NULL)
			return error_set(e, ERROR_USAGE, 0, "several images are called `%s`", name);
		*out = one;
	}
	if (*out != NULL)
		return 0;
	report_hint("`plyboot import --name %s` puts one there", name);
	return error_set(e, ERROR_MISSING, 0, "no image is called `%s`", name);
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
	if (read_blob(layout, image, &text, e) != 0 ||
		oci_manifest_parse(text, (size_t)image->size_bytes, &manifest, e) != 0)
		return error_wrap(e, "its manifest");
	if (read_blob(layout, &manifest.config, &config, e) != 0 ||
		oci_config_parse(config, (size_t)manifest.config.size_bytes, out, e) != 0)
		return error_wrap(e, "its config");
	return 0;
}

static int read_index(struct layout *layout, struct oci_index *out, struct error *e)
{
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size_bytes;
	SCOPED_FD fd = sys_openat2(layout->fd, "index.json", O_RDONLY, 0, SYS_RESOLVE_STRICT);
	if (fd < 0)
		return error_errno(e, errno, "open index.json");
	if (input_read_fd(fd, "index.json", OCI_DOCUMENT_BYTES, &bytes, &size_bytes, e) != 0)
		return -1;
	return oci_index_parse(bytes, size_bytes, out, e) == 0 ? 0 : error_wrap(e, "index.json");
}

int entry_image_read(const char *path, const char *name, struct oci_config *out, struct error *e)
{
	SCOPED_LAYOUT layout = LAYOUT_INIT;
	SCOPED_OCI_INDEX index = {0};
	const struct oci_descriptor *image;
	if (layout_open(path, false, &layout, e) != 0)
		return -1;
	if (read_index(&layout, &index, e) != 0 || find(&index, name, &image, e) != 0)
		return error_wrap(e, "the store `%s`", path);
	if (read_config(&layout, image, out, e) != 0)
		return error_wrap(e, "the image `%s`", name);
	return 0;
}

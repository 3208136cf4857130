#include "image_index.h"

#include <string.h>
#include <sys/stat.h>

#include "../layers/scope.h"
#include "../layers/syscalls.h"

int image_index_read(const struct layout *layout, struct bytes *out, struct error *e)
{
	struct stat st;
	SCOPED_FD fd =
		sys_openat2(layout->fd, "index.json", O_RDONLY | O_NONBLOCK, 0, SYS_RESOLVE_STRICT);
	if (fd < 0 || fstat(fd, &st) != 0)
		return error_errno(e, errno, "open index.json of `%s`", layout->path);
	if (!S_ISREG(st.st_mode))
		return error_set(e, ERROR_FORMAT, 0, "index.json is not a regular file");
	bytes_free(out);
	if (input_read_fd(fd, "index.json", OCI_DOCUMENT_BYTES, &out->data, &out->size, e) != 0)
		return -1;
	out->capacity = out->size;
	return 0;
}

int image_index_open(const struct layout *layout, struct oci_index *out, struct error *e)
{
	SCOPED_BYTES document = {0};
	if (image_index_read(layout, &document, e) != 0)
		return -1;
	if (oci_index_parse(document.data, document.size, out, e) != 0)
		return error_wrap(e, "index.json");
	return 0;
}

int image_document_read(struct layout *layout, const struct oci_descriptor *descriptor,
	uint8_t **bytes, struct error *e)
{
	size_t size_bytes;
	if (layout_check_blob(layout, &descriptor->digest, descriptor->size_bytes, e) != 0)
		return -1;
	return layout_read_blob(
		layout, &descriptor->digest, OCI_DOCUMENT_BYTES, bytes, &size_bytes, e);
}

/* An index with one image more. */
static int add(struct bytes *index, const struct digest *manifest, uint64_t size_bytes,
	const char *name, struct error *e)
{
	struct oci_pair reference = {.key = OCI_REF_NAME, .value = name};
	const struct oci_descriptor entry = {.media_type = OCI_TYPE_MANIFEST,
		.digest = *manifest,
		.size_bytes = size_bytes,
		.annotations = {.count = 1, .items = &reference}};
	char *text;
	size_t text_bytes;
	if (oci_index_put(index->data, index->size, &entry, &text, &text_bytes, e) != 0)
		return -1;
	bytes_free(index);
	*index =
		(struct bytes){.data = (uint8_t *)text, .size = text_bytes, .capacity = text_bytes};
	return 0;
}

int image_index_write(const struct digest *manifest, uint64_t size_bytes, const char *name,
	struct bytes *out, struct error *e)
{
	static const char empty[] = "{\"schemaVersion\":2,\"manifests\":[]}";
	bytes_free(out);
	if (bytes_add(out, empty, sizeof empty - 1, e) != 0)
		return -1;
	return add(out, manifest, size_bytes, name, e);
}

int image_index_put(struct layout *layout, const struct digest *manifest, uint64_t size_bytes,
	const char *name, struct error *e)
{
	SCOPED_BYTES index = {0};
	SCOPED_OUTPUT output = OUTPUT_INIT;
	if (layout_lock_index(layout, e) != 0 || image_index_read(layout, &index, e) != 0 ||
		add(&index, manifest, size_bytes, name, e) != 0)
		return error_wrap(e, "`%s`", layout->path);
	if (layout_write_index(layout, (const char *)index.data, index.size, &output, e) != 0)
		return -1;
	return output_commit(&output, OUTPUT_REPLACE, e);
}

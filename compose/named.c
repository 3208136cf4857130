#include "named.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "../layers/scope.h"
#include "../layers/signed.h"
#include "../layers/stack.h"
#include "image_index.h"
#include "interrupt.h"
#include "oci.h"
#include "report.h"
#include "stack_file.h"

const struct named_blob *named_find(const struct named_owner *owner, const struct digest *digest)
{
	for (size_t i = 0; i < owner->count; i++) {
		if (digest_equal(&owner->blobs[i].digest, digest))
			return &owner->blobs[i];
	}
	return NULL;
}

bool named_by_any(const struct named *named, const struct digest *digest)
{
	for (size_t i = 0; i < named->count; i++) {
		if (named_find(&named->owners[i], digest) != NULL)
			return true;
	}
	return false;
}

static uint64_t size_in(const struct layout *layout, const struct digest *digest)
{
	char path[LAYOUT_BLOB_PATH_SIZE];
	struct stat st;
	layout_blob_path(digest, path);
	if (fstatat(layout->fd, path, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
		return 0;
	return (uint64_t)st.st_size;
}

/* `*known` when it had been added before. */
static int add_blob(const struct layout *layout, struct named_owner *owner,
	const struct digest *digest, enum named_kind kind, bool *known, struct error *e)
{
	*known = named_find(owner, digest) != NULL;
	if (*known)
		return 0;
	if (owner->count == NAMED_BLOBS_MOST)
		return error_set(
			e, ERROR_LIMIT, 0, "it names more than %d blobs", NAMED_BLOBS_MOST);
	if (owner->count == owner->capacity) {
		size_t capacity = owner->capacity * 2 + 16;
		struct named_blob *blobs = realloc(owner->blobs, capacity * sizeof *blobs);
		if (blobs == NULL)
			return error_set(e, ERROR_NOSPACE, 0, "no memory");
		owner->blobs = blobs;
		owner->capacity = capacity;
	}
	owner->blobs[owner->count++] = (struct named_blob){
		.digest = *digest, .kind = kind, .size_bytes = size_in(layout, digest)};
	return 0;
}

static int add_owner(struct named *named, const char *name, size_t length, bool image,
	struct named_owner **out, struct error *e)
{
	struct named_owner *owners = realloc(named->owners, (named->count + 1) * sizeof *owners);
	if (owners == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	named->owners = owners;
	owners[named->count] = (struct named_owner){.name = strndup(name, length), .image = image};
	if (owners[named->count].name == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	*out = &owners[named->count++];
	return 0;
}

/* --- stacks */

static int decode(struct layout *layout, const char *file_name, struct stack *out, struct error *e)
{
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size_bytes, text_bytes, count;
	struct signature_line lines[LIMIT_SIGNATURES];
	if (layout->source->ops->read_stack(layout->source, file_name, &bytes, &size_bytes, e) != 0)
		return -1;
	return stack_file_decode(bytes, size_bytes, &text_bytes, lines, &count, out, e);
}

static int add_layers(const struct layout *layout, struct named_owner *owner,
	const struct stack *stack, struct error *e)
{
	bool known;
	for (size_t i = 0; i < stack->layer_count; i++) {
		if (add_blob(layout, owner, &stack->layers[i].digest, NAMED_LAYER, &known, e) != 0)
			return -1;
	}
	for (size_t i = 0; i < stack->layer_count; i++) {
		if (add_blob(layout, owner, &stack->layers[i].pieces, NAMED_PIECES, &known, e) != 0)
			return -1;
	}
	return 0;
}

static int add_stack(
	struct layout *layout, struct named *named, const char *file_name, struct error *e)
{
	struct stack stack;
	struct named_owner *owner;
	if (interrupt_check(e) != 0)
		return -1;
	if (decode(layout, file_name, &stack, e) != 0)
		return error_wrap(e, "stacks/%s", file_name);
	int result = add_owner(named, file_name, strlen(file_name) - 6, false, &owner, e);
	if (result == 0)
		result = add_layers(layout, owner, &stack, e);
	stack_free(&stack);
	return result;
}

struct visit {
	struct layout *layout;
	struct named *named;
};

static int visit_stack(void *context, const char *file_name, struct error *e)
{
	const struct visit *visit = context;
	return add_stack(visit->layout, visit->named, file_name, e);
}

static int compare_owners(const void *a, const void *b)
{
	return strcmp(((const struct named_owner *)a)->name, ((const struct named_owner *)b)->name);
}

static int add_stacks(struct layout *layout, struct named *named, struct error *e)
{
	struct visit visit = {layout, named};
	if (layout->source->ops->list_stacks(layout->source, visit_stack, &visit, e) != 0)
		return -1;
	if (named->count > 0)
		qsort(named->owners, named->count, sizeof *named->owners, compare_owners);
	return 0;
}

/* --- images */

static int add_descriptor(struct layout *layout, struct named_owner *owner,
	const struct oci_descriptor *descriptor, unsigned depth, struct error *e);

static int add_index(struct layout *layout, struct named_owner *owner, const uint8_t *bytes,
	size_t size_bytes, unsigned depth, struct error *e)
{
	SCOPED_OCI_INDEX index = {0};
	if (oci_index_parse(bytes, size_bytes, &index, e) != 0)
		return -1;
	for (size_t i = 0; i < index.manifests.count; i++) {
		if (add_descriptor(layout, owner, &index.manifests.items[i], depth + 1, e) != 0)
			return -1;
	}
	return 0;
}

static int add_manifest(struct layout *layout, struct named_owner *owner, const uint8_t *bytes,
	size_t size_bytes, struct error *e)
{
	SCOPED_OCI_MANIFEST manifest = {0};
	bool known;
	if (oci_manifest_parse(bytes, size_bytes, &manifest, e) != 0 ||
		add_blob(layout, owner, &manifest.config.digest, NAMED_DOCUMENT, &known, e) != 0)
		return -1;
	for (size_t i = 0; i < manifest.layers.count; i++) {
		if (add_blob(layout, owner, &manifest.layers.items[i].digest, NAMED_LAYER, &known,
			    e) != 0)
			return -1;
	}
	return 0;
}

/* What an index names is an index or a manifest: of anything else it can't be known what it names.
 */
static int add_descriptor(struct layout *layout, struct named_owner *owner,
	const struct oci_descriptor *descriptor, unsigned depth, struct error *e)
{
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size_bytes;
	bool known;
	char text[DIGEST_TEXT_SIZE];
	enum oci_kind kind = oci_kind(descriptor->media_type);
	digest_format(&descriptor->digest, text);
	if (depth > NAMED_DEPTH_MOST)
		return error_set(e, ERROR_LIMIT, 0, "indexes in indexes, more than %d deep",
			NAMED_DEPTH_MOST);
	if (kind != OCI_KIND_INDEX && kind != OCI_KIND_MANIFEST)
		return error_set(e, ERROR_TYPE, 0, "%s is %s, neither a manifest nor an index",
			text, descriptor->media_type);
	if (add_blob(layout, owner, &descriptor->digest, NAMED_DOCUMENT, &known, e) != 0)
		return -1;
	if (known)
		return 0;
	if (layout_read_blob(
		    layout, &descriptor->digest, OCI_DOCUMENT_BYTES, &bytes, &size_bytes, e) != 0) {
		if (e->code != ERROR_MISSING)
			return error_wrap(e, "%s", text);
		report_warning("%s names %s, which is not in the store", owner->name, text);
		return 0;
	}
	int result = kind == OCI_KIND_INDEX ? add_index(layout, owner, bytes, size_bytes, depth, e)
					    : add_manifest(layout, owner, bytes, size_bytes, e);
	return result == 0 ? 0 : error_wrap(e, "%s", text);
}

static int add_image(struct layout *layout, struct named *named,
	const struct oci_descriptor *descriptor, struct error *e)
{
	char text[DIGEST_TEXT_SIZE];
	struct named_owner *owner;
	const char *name = oci_pairs_find(&descriptor->annotations, OCI_REF_NAME);
	digest_format(&descriptor->digest, text);
	if (name == NULL)
		name = text;
	if (interrupt_check(e) != 0 || add_owner(named, name, strlen(name), true, &owner, e) != 0)
		return -1;
	return add_descriptor(layout, owner, descriptor, 1, e);
}

static int add_images(struct layout *layout, struct named *named, struct error *e)
{
	SCOPED_OCI_INDEX index = {0};
	if (image_index_open(layout, &index, e) != 0)
		return -1;
	for (size_t i = 0; i < index.manifests.count; i++) {
		if (add_image(layout, named, &index.manifests.items[i], e) != 0)
			return error_wrap(e, "index.json");
	}
	return 0;
}

/* --- */

static void count_owners(struct named *named)
{
	for (size_t i = 0; i < named->count; i++) {
		for (size_t j = 0; j < named->owners[i].count; j++) {
			struct named_blob *blob = &named->owners[i].blobs[j];
			blob->owners = 0;
			for (size_t k = 0; k < named->count; k++)
				blob->owners +=
					named_find(&named->owners[k], &blob->digest) != NULL;
		}
	}
}

int named_read(struct layout *layout, struct named *out, struct error *e)
{
	*out = (struct named){0};
	if (add_stacks(layout, out, e) != 0 || add_images(layout, out, e) != 0) {
		named_free(out);
		return error_wrap(e, "the store `%s`", layout->path);
	}
	count_owners(out);
	return 0;
}

uint64_t named_drop(struct named *named, const char *name, bool image)
{
	uint64_t bytes = 0;
	for (size_t i = 0; i < named->count; i++) {
		struct named_owner *owner = &named->owners[i];
		if (owner->image != image || strcmp(owner->name, name) != 0)
			continue;
		for (size_t j = 0; j < owner->count; j++)
			bytes += owner->blobs[j].owners == 1 ? owner->blobs[j].size_bytes : 0;
		free(owner->name);
		free(owner->blobs);
		named->count--;
		memmove(owner, owner + 1, (named->count - i) * sizeof *owner);
		count_owners(named);
		break;
	}
	return bytes;
}

void named_free(struct named *named)
{
	for (size_t i = 0; i < named->count; i++) {
		free(named->owners[i].name);
		free(named->owners[i].blobs);
	}
	free(named->owners);
	*named = (struct named){0};
}

#include "image_choose.h"

#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "report.h"

#define CONTAINERD_NAME "io.containerd.image.name"

static const char *name_of(const struct oci_descriptor *descriptor)
{
	return oci_pairs_find(&descriptor->annotations, OCI_REF_NAME);
}

const char *image_full_name(const struct oci_descriptor *descriptor)
{
	const char *whole = oci_pairs_find(&descriptor->annotations, CONTAINERD_NAME);
	return whole != NULL ? whole : name_of(descriptor);
}

/* docker save writes the tag alone as the ref name, and the whole beside it. */
static bool has_name(const struct oci_descriptor *descriptor, const char *name)
{
	const char *own = name_of(descriptor),
		   *whole = oci_pairs_find(&descriptor->annotations, CONTAINERD_NAME);
	return (own != NULL && strcmp(own, name) == 0) ||
	       (whole != NULL && strcmp(whole, name) == 0);
}

/* A list for a message, by `describe`. */
static int list(const struct oci_index *index,
	void (*describe)(const struct oci_descriptor *descriptor, char *out, size_t size),
	struct bytes *out, struct error *e)
{
	for (size_t i = 0; i < index->manifests.count; i++) {
		char text[256];
		describe(&index->manifests.items[i], text, sizeof text);
		if (text[0] != '\0' &&
			bytes_print(out, e, "%s%s", out->size == 0 ? "" : ", ", text) != 0)
			return -1;
	}
	if (out->size == 0 && bytes_print(out, e, "none") != 0)
		return -1;
	return bytes_add(out, "", 1, e);
}

static void describe_name(const struct oci_descriptor *descriptor, char *out, size_t size)
{
	const char *name = name_of(descriptor);
	(void)snprintf(out, size, "%s", name != NULL ? name : "");
}

static void describe_platform(const struct oci_descriptor *descriptor, char *out, size_t size)
{
	(void)snprintf(out, size, "%s/%s%s%s", descriptor->os != NULL ? descriptor->os : "?",
		descriptor->architecture != NULL ? descriptor->architecture : "?",
		descriptor->variant != NULL ? "/" : "",
		descriptor->variant != NULL ? descriptor->variant : "");
}

static bool is_for(const struct oci_descriptor *descriptor, const char *architecture)
{
	if (architecture == NULL)
		return true;
	return descriptor->architecture != NULL &&
	       strcmp(descriptor->architecture, architecture) == 0 &&
	       (descriptor->os == NULL || strcmp(descriptor->os, "linux") == 0);
}

static int no_platform(const struct oci_index *index, const char *architecture, struct error *e)
{
	SCOPED_BYTES names = {0};
	if (list(index, describe_platform, &names, e) != 0)
		return -1;
	report_hint("--arch chooses among them");
	return error_set(e, ERROR_TARGET, 0, "no image for linux/%s; there are: %.300s",
		architecture, (const char *)names.data);
}

int image_choose_platform(const struct oci_index *index, const char *architecture,
	const struct oci_descriptor **out, struct error *e)
{
	const struct oci_descriptors *all = &index->manifests;
	for (size_t i = 0; i < all->count; i++) {
		if (is_for(&all->items[i], architecture)) {
			*out = &all->items[i];
			return 0;
		}
	}
	if (all->count != 1 || all->items[0].architecture != NULL)
		return no_platform(index, architecture, e);
	*out = &all->items[0];
	return 0;
}

static int not_named(const struct oci_index *index, const char *name, struct error *e)
{
	SCOPED_BYTES names = {0};
	if (list(index, describe_name, &names, e) != 0)
		return -1;
	if (name != NULL)
		return error_set(e, ERROR_MISSING, 0, "no image is named `%s`; there are: %.300s",
			name, (const char *)names.data);
	report_hint("--image REF chooses one");
	return error_set(e, ERROR_USAGE, 0, "there are %zu images: %.300s", index->manifests.count,
		(const char *)names.data);
}

static bool are_one_image(const struct oci_index *index)
{
	const struct oci_descriptors *all = &index->manifests;
	for (size_t i = 0; i < all->count; i++) {
		const char *first = name_of(&all->items[0]), *name = name_of(&all->items[i]);
		if (all->items[i].architecture == NULL || (first == NULL) != (name == NULL) ||
			(name != NULL && strcmp(name, first) != 0))
			return false;
	}
	return true;
}

/* Of a name, one for each architecture is well; without an architecture nothing chooses. */
static int choose_named(const struct oci_index *index, const char *name, const char *architecture,
	const struct oci_descriptor **out, struct error *e)
{
	const struct oci_descriptors *all = &index->manifests;
	const struct oci_descriptor *found = NULL;
	for (size_t i = 0; i < all->count; i++) {
		const struct oci_descriptor *entry = &all->items[i];
		if (!has_name(entry, name))
			continue;
		if (found != NULL && architecture == NULL)
			return error_set(e, ERROR_USAGE, 0, "several images are named `%s`", name);
		if (found == NULL || (!is_for(found, architecture) && is_for(entry, architecture)))
			found = entry;
	}
	if (found == NULL)
		return not_named(index, name, e);
	*out = found;
	return 0;
}

int image_choose(const struct oci_index *index, const char *name, const char *architecture,
	const struct oci_descriptor **out, struct error *e)
{
	const struct oci_descriptors *all = &index->manifests;
	if (name != NULL)
		return choose_named(index, name, architecture, out, e);
	if (all->count == 0)
		return error_set(e, ERROR_MISSING, 0, "it has no image");
	if (all->count > 1)
		return are_one_image(index) ? image_choose_platform(index, architecture, out, e)
					    : not_named(index, NULL, e);
	*out = &all->items[0];
	return 0;
}

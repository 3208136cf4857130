/* plyboot export: a stack's layers become an image for other tools. */
#include <stdio.h>
#include <string.h>

#include "export_to.h"
#include "stack_file.h"
#include "stack_image.h"
#include "verbs.h"

struct export_options {
	const char *store, *reference;
	bool with_stack;
};

#define FIELD(name_) .offset = offsetof(struct export_options, name_)
static const struct option_spec options[] = {
	{.name = "--store",
		.kind = OPTION_TEXT,
		FIELD(store),
		.value = "DIR",
		.help = "where the stack is; default: $PLYBOOT_STORE, else ./store"},
	{.name = "--ref",
		.kind = OPTION_TEXT,
		FIELD(reference),
		.value = "NAME",
		.help = "what the image is called in the layout; default: STACK"},
	{.name = "--with-stack",
		.kind = OPTION_FLAG,
		FIELD(with_stack),
		.help = "put the stack file and the piece tables there, too: for `plyboot "
			"install`"},
	{0},
};
#undef FIELD

/* What skopeo and umoci can name (annotations.md of the OCI image specification, ref.name). */
static int check_reference(const char *name, struct error *e)
{
	static const char characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789-._:@/+";
	if (name[0] != '\0' && name[strspn(name, characters)] == '\0')
		return 0;
	return error_set(e, ERROR_USAGE, 0, "`%s` is no name for an image in a layout", name);
}

static int copy_layers(struct layout *store, const struct stack *stack, struct export_to *to,
	struct stack_image *image, struct error *e)
{
	for (size_t i = 0; i < stack->layer_count; i++) {
		const struct layer_record *record = &stack->layers[i];
		const struct stack_image_layer *known = stack_image_find(image, &record->digest);
		if (known != NULL)
			stack_image_add(image, known);
		else if (export_to_begin(to, &record->digest, record->stored_bytes, e) != 0 ||
			 stack_image_read(image, store, record, export_to_write, to, e) != 0 ||
			 export_to_end(to, e) != 0)
			return -1;
	}
	return 0;
}

static int copy_table(
	struct layout *store, const struct digest *digest, struct export_to *to, struct error *e)
{
	struct bytes table = {0};
	if (layout_read_blob(store, digest, LIMIT_PIECE_TABLE_BYTES, &table.data, &table.size, e) !=
		0)
		return -1;
	int result = export_to_add(to, &table, digest, e);
	bytes_free(&table);
	return result;
}

static int copy_stack(
	struct layout *store, const struct stack_file *file, struct export_to *to, struct error *e)
{
	const struct stack *stack = &file->stack;
	for (size_t i = 0; i < stack->layer_count; i++) {
		size_t first = 0;
		while (!digest_equal(&stack->layers[first].pieces, &stack->layers[i].pieces))
			first++;
		if (first == i && copy_table(store, &stack->layers[i].pieces, to, e) != 0)
			return -1;
	}
	return export_to_add_stack(to, file, e);
}

static int copy(struct layout *store, const struct stack_file *file, bool with_stack,
	struct export_to *to, const char *name, struct error *e)
{
	SCOPED_STACK_IMAGE image = {0};
	const struct stack *stack = &file->stack;
	char text[DIGEST_TEXT_SIZE];
	if (stack_image_open(stack, 0, &image, e) != 0 ||
		copy_layers(store, stack, to, &image, e) != 0 ||
		stack_image_finish(&image, store, stack, e) != 0 ||
		export_to_add(to, &image.config, &image.config_digest, e) != 0 ||
		export_to_add(to, &image.manifest, &image.manifest_digest, e) != 0 ||
		(with_stack && copy_stack(store, file, to, e) != 0) ||
		export_to_finish(to, &image.manifest_digest, image.manifest.size, name, e) != 0)
		return -1;
	digest_format(&image.manifest_digest, text);
	printf("%s\n%s: %s, %zu layers\n", text, to->path, name, image.layer_count);
	return 0;
}

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	const struct export_options *given = opaque;
	const char *name = operands->items[0];
	const char *reference = given->reference != NULL ? given->reference : name;
	SCOPED_LAYOUT store = LAYOUT_INIT;
	struct stack_file file;
	struct export_to to;
	if (check_reference(reference, e) != 0 ||
		layout_open(layout_path(given->store), false, &store, e) != 0 ||
		stack_file_open(&store, name, &file, e) != 0)
		return -1;
	int result = export_to_open(operands->items[1], given->with_stack, &to, e);
	if (result == 0) {
		result = copy(&store, &file, given->with_stack, &to, reference, e);
		export_to_close(&to);
	}
	stack_file_close(&file);
	return result;
}

const struct verb verb_export = {
	.name = "export",
	.summary = "write a stack's layers as an OCI image",
	.operands = "STACK DEST",
	.operands_min = 2,
	.operands_max = 2,
	.options = options,
	.options_bytes = sizeof(struct export_options),
	.run = run,
	.text = "STACK is NAME-VERSION in the store. DEST is a directory, which becomes an OCI "
		"image layout or is one already and gets one more image; or, when its name ends in "
		".tar, an archive of such a layout. skopeo, umoci, podman and others read both "
		"(oci:DEST:NAME, oci-archive:DEST).\n\n"
		"The layers are in it as they are in the store, with the same digests. Those of an "
		"image that was imported bring its entrypoint, environment and the like along.\n\n"
		"With --with-stack it is a store as well, of this one stack, with its signatures: "
		"what `plyboot install` takes, from a USB stick for example.\n",
	.examples = "For podman, and for a USB stick:\n"
		    "  plyboot export demo-1 demo.tar\n"
		    "  plyboot export --with-stack demo-1 /media/usb/demo.tar\n",
};

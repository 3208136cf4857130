/* plyboot import: an image of the container world becomes layers. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "../layers/scope.h"
#include "image_config.h"
#include "import.h"
#include "packing.h"
#include "report.h"
#include "scratch.h"
#include "verbs.h"

struct import_options {
	const char *store, *output, *architecture, *name, *image, *user_xattrs;
	bool insecure;
};

#define FIELD(name_) .offset = offsetof(struct import_options, name_)
static const struct option_spec options[] = {
	{.name = "-o",
		.kind = OPTION_TEXT,
		FIELD(output),
		.value = "FILE.layer",
		.help = "write the layers' records here, the bottom one first",
		.required = true},
	{.name = "--store",
		.kind = OPTION_TEXT,
		FIELD(store),
		.value = "DIR",
		.help = "the store that the blobs go to: made if there is none; default: "
			"$PLYBOOT_STORE, else ./store"},
	{.name = "--image",
		.kind = OPTION_TEXT,
		FIELD(image),
		.value = "REF",
		.help = "which one, where SOURCE has several images"},
	{.name = "--arch",
		.kind = OPTION_TEXT,
		FIELD(architecture),
		.value = "A",
		.help = "as `uname -m` or OCI says it; default: this machine's"},
	{.name = "--name",
		.kind = OPTION_TEXT,
		FIELD(name),
		.value = "REF",
		.help = "what the image is called in the store's index.json; default: as SOURCE "
			"calls it"},
	{.name = "--insecure",
		.kind = OPTION_FLAG,
		FIELD(insecure),
		.help = "a registry may be without TLS; the layers' digests are checked all the "
			"same"},
	{.name = "--user-xattrs",
		.kind = OPTION_TEXT,
		FIELD(user_xattrs),
		.value = "required|optional",
		.help = "what /init does with user.* attributes before Linux 6.6, whose tmpfs "
			"can't hold them: refuse the layer, or leave them out",
		.choices = packing_user_xattrs,
		.fallback = "required"},
	{0},
};
#undef FIELD

struct import {
	const struct import_options *given;
	const char *source; /* as it was given */
	const char *image;  /* which one: of --image, or behind SOURCE; NULL: not said */
	const char *architecture;
	struct layout layout;
	struct scratch scratch;
	struct import_files files;
	struct layer_record *taken; /* owned; one for each layer */
	struct output records, index;
};

static void close_import(struct import *import)
{
	free(import->taken);
	output_discard(&import->index);
	output_discard(&import->records);
	import_files_close(&import->files);
	scratch_remove(&import->scratch);
	layout_close(&import->layout);
}
#define SCOPED_IMPORT __attribute__((cleanup(close_import))) struct import

/* --- the source */

/* "PATH" or "PATH:REF"; what exists counts. Caller frees. */
static char *split_source(const char *source, const char **image, struct error *e)
{
	static const char *const prefixes[] = {"oci:", "oci-archive:", "docker-archive:"};
	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
		if (strncmp(source, prefixes[i], strlen(prefixes[i])) == 0) {
			source += strlen(prefixes[i]);
			break;
		}
	}
	char *path = strdup(source);
	if (path == NULL) {
		(void)error_set(e, ERROR_NOSPACE, 0, "no memory");
		return NULL;
	}
	for (const char *colon = source;
		access(path, F_OK) != 0 && (colon = strchr(colon, ':')) != NULL; colon++) {
		size_t length = (size_t)(colon - source);
		memcpy(path, source, length);
		path[length] = '\0';
		*image = colon + 1;
	}
	if (access(path, F_OK) == 0)
		return path;
	free(path);
	report_hint("what skopeo shall fetch begins with docker://, containers-storage: ...");
	(void)error_errno(e, ENOENT, "`%s`", source);
	return NULL;
}

static int open_path(struct import *import, struct error *e)
{
	SCOPED_FREE char *path = split_source(import->source, &import->image, e);
	struct stat st;
	if (path == NULL)
		return -1;
	SCOPED_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) != 0)
		return error_errno(e, errno, "open `%s`", path);
	if (S_ISDIR(st.st_mode))
		return import_files_below(fd, &import->files, e);
	if (import_files_unpack(fd, import->scratch.fd, &import->files, e) != 0)
		return error_wrap(e, "`%s`", path);
	return 0;
}

static int check_layout(const struct import_files *files, struct error *e)
{
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size_bytes;
	json_t *document;
	if (import_files_read(files, "oci-layout", &bytes, &size_bytes, e) != 0 ||
		oci_load(bytes, size_bytes, &document, e) != 0)
		return error_wrap(e, "oci-layout");
	const char *version = json_string_value(json_object_get(document, "imageLayoutVersion"));
	int result = version != NULL && strcmp(version, "1.0.0") == 0
			     ? 0
			     : error_set(e, ERROR_FORMAT, 0, "oci-layout: not of version 1.0.0");
	json_decref(document);
	return result;
}

/* Newer docker saves are both at once. */
static int choose(const struct import *import, struct import_image *image, struct error *e)
{
	const struct import_files *files = &import->files;
	int result;
	if (import_files_has(files, "oci-layout"))
		result = check_layout(files, e) != 0 ? -1
						     : import_choose_oci(files, import->image,
							       import->architecture, image, e);
	else if (import_files_has(files, "manifest.json"))
		result = import_choose_docker(files, import->image, import->architecture, image, e);
	else
		result = error_set(e, ERROR_FORMAT, 0,
			"neither an OCI layout (oci-layout) nor a docker-archive (manifest.json)");
	return result == 0 ? 0 : error_wrap(e, "`%s`", import->source);
}

static int open_and_choose(struct import *import, struct import_image *image, struct error *e)
{
	const struct import_skopeos skopeos = {.store = &import->layout,
		.source = import->source,
		.architecture = import->architecture,
		.insecure = import->given->insecure,
		.into_fd = import->scratch.fd};
	if (!import_is_skopeos(import->source))
		return open_path(import, e) != 0 ? -1 : choose(import, image, e);
	if (import_by_skopeo(&skopeos, &import->files, e) != 0 || choose(import, image, e) != 0)
		return -1;
	return import_mend_skopeos(&skopeos, &import->files, image, e);
}

/* --- the name */

static int check_name(const char *name, struct error *e)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	size_t length =
		strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
			     "._:@/+-");
	if (name[0] != '\0' && name[length] == '\0' && length <= 255 &&
		strchr(letters, name[0]) != NULL)
		return 0;
	return error_set(e, ERROR_USAGE, 0,
		"`%.80s` can't be an image's name: letters, digits and ._:@/+-, at most 255; "
		"--name "
		"gives another",
		name);
}

/* Caller frees. */
static char *choose_name(const struct import *import, const struct import_image *image)
{
	const char *source = import->source;
	if (import->given->name != NULL)
		return strdup(import->given->name);
	if (image->name != NULL)
		return strdup(image->name);
	if (import_is_skopeos(source)) {
		source = strchr(source, ':') + 1;
		return strdup(source + strspn(source, "/"));
	}
	while (strrchr(source, '/') != NULL && strrchr(source, '/')[1] != '\0')
		source = strrchr(source, '/') + 1;
	return strndup(source, strcspn(source, ".:/"));
}

/* --- the store */

static int write_records(
	struct import *import, const struct layer_record *records, size_t count, struct error *e)
{
	for (size_t i = 0; i < count; i++) {
		char text[LAYER_RECORD_TEXT_SIZE];
		size_t size_bytes;
		if (layer_record_encode(&records[i], text, &size_bytes, e) != 0 ||
			output_write(&import->records, text, size_bytes, e) != 0)
			return -1;
	}
	return 0;
}

/* The index comes last: until then nobody sees anything of the image. */
static int commit(struct import *import, struct error *e)
{
	if (output_prepare(&import->records, e) != 0 || output_prepare(&import->index, e) != 0 ||
		output_commit(&import->records, OUTPUT_REPLACE, e) != 0 ||
		output_commit(&import->index, OUTPUT_REPLACE, e) != 0)
		return -1;
	layout_keep(&import->layout);
	return 0;
}

/* --- what is said */

static void print_layers(const struct import_image *image, const struct layer_record *records)
{
	char text[DIGEST_TEXT_SIZE];
	for (size_t i = 0, at = 0; i < image->layer_count; i++) {
		digest_format(&image->layers[i].digest, text);
		printf("layer %zu of %zu: %s\n  ", i + 1, image->layer_count, text);
		if (image->layers[i].repeated) {
			printf("the same comes again above it: left out\n");
			continue;
		}
		const struct layer_record *record = &records[at++];
		printf("%" PRIu64 " bytes stored, %" PRIu64 " unpacked, %" PRIu64 " entries\n",
			record->stored_bytes, record->unpacked_bytes, record->entries);
	}
}

static void print_next(const struct import *import)
{
	const char *output = import->given->output;
	const char *base = strrchr(output, '/') == NULL ? output : strrchr(output, '/') + 1;
	char name[STACK_NAME_SIZE] = "root";
	size_t length = strspn(base, "abcdefghijklmnopqrstuvwxyz0123456789_-");
	if (length > 0 && length < sizeof name && base[0] != '_' && base[0] != '-')
		(void)snprintf(name, sizeof name, "%.*s", (int)length, base);
	printf("next: plyboot stack --store %s --name %s --version 1 --init PATH %s\n",
		import->layout.path, name, output);
}

static void say(const struct import *import, const struct import_image *image, const char *name,
	const struct digest *manifest, const struct layer_record *records)
{
	char text[DIGEST_TEXT_SIZE];
	digest_format(manifest, text);
	printf("%s\n  manifest %s\n", name, text);
	print_layers(image, records);
	print_next(import);
}

/* --- all of it */

static int take(struct import *import, struct import_image *image, struct error *e)
{
	SCOPED_FREE char *name = choose_name(import, image);
	enum user_xattrs user_xattrs = strcmp(import->given->user_xattrs, "optional") == 0
					       ? USER_XATTRS_OPTIONAL
					       : USER_XATTRS_REQUIRED;
	struct digest manifest;
	size_t count = 0;
	import->taken = calloc(image->layer_count, sizeof *import->taken);
	if (import->taken == NULL || name == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	if (check_name(name, e) != 0)
		return -1;
	if (import_take_layers(
		    &import->layout, &import->files, image, user_xattrs, import->taken, e) != 0)
		return error_wrap(e, "`%s`", import->source);
	for (size_t i = 0; i < image->layer_count; i++)
		count += !image->layers[i].repeated;
	if (import_add_image(&import->layout, image, name, &manifest, &import->index, e) != 0 ||
		write_records(import, import->taken, count, e) != 0 || commit(import, e) != 0)
		return -1;
	say(import, image, name, &manifest, import->taken);
	return 0;
}

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	const struct import_options *given = opaque;
	struct utsname machine;
	SCOPED_IMPORT import = {.given = given,
		.source = operands->items[0],
		.image = given->image,
		.layout = LAYOUT_INIT,
		.scratch = SCRATCH_INIT,
		.files = IMPORT_FILES_INIT,
		.records = OUTPUT_INIT,
		.index = OUTPUT_INIT};
	SCOPED_IMPORT_IMAGE image = {0};
	if (uname(&machine) != 0)
		return error_errno(e, errno, "uname");
	import.architecture = image_architecture(
		given->architecture != NULL ? given->architecture : machine.machine);
	if (given->name != NULL && check_name(given->name, e) != 0)
		return -1;
	if (output_open(&import.records, given->output, 0644, e) != 0 ||
		layout_open(layout_path(given->store), true, &import.layout, e) != 0 ||
		scratch_open_in(import.layout.fd, &import.scratch, e) != 0)
		return -1;
	return open_and_choose(&import, &image, e) != 0 ? -1 : take(&import, &image, e);
}

const struct verb verb_import = {
	.name = "import",
	.summary = "make layers of a container image",
	.operands = "SOURCE",
	.operands_min = 1,
	.operands_max = 1,
	.options = options,
	.options_bytes = sizeof(struct import_options),
	.run = run,
	.text = "SOURCE is an OCI layout, as a directory or a tar; a docker-archive, as `docker "
		"save` and `podman save` write it; each also as tar.gz or tar.zst, and with `:REF` "
		"behind it where it has several images. Whatever else skopeo can name is fetched "
		"by `skopeo copy`, which is called then: docker://HOST/NAME:TAG, "
		"containers-storage:NAME, docker-daemon:NAME. Of blobs that the store has, nothing "
		"is fetched.\n\n"
		"Each layer stays as it is, and keeps the digest that a registry knows it by. "
		"Manifest, config and layers must have the digests and sizes that are said of "
		"them, and what /init would refuse is refused. The store's index.json then has "
		"the image, for skopeo and others. Of an image for several architectures one is "
		"taken.\n\n"
		"FILE.layer has the records of all layers, for `plyboot stack`. An image's "
		"entrypoint is no init: `plyboot entry --image REF` makes the layer that starts "
		"it. `plyboot inspect --image REF` shows the image's config.\n",
	.examples = "What `podman save` wrote, and an image of a registry:\n"
		    "  plyboot import -o app.layer app.tar\n"
		    "  plyboot import -o app.layer docker://registry.example/app:1\n",
};

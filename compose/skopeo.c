#include "skopeo.h"

#include <stdio.h>

#include "../layers/scope.h"
#include "program.h"

enum { MOST_WORDS = 12 };

/* A command line that grows. */
struct words {
	const char *items[MOST_WORDS + 1];
	size_t count;
};

static void add(struct words *words, const char *word)
{
	if (words->count < MOST_WORDS)
		words->items[words->count++] = word;
}

static void add_authfile(struct words *words, const struct skopeo *skopeo)
{
	if (skopeo->authfile == NULL)
		return;
	add(words, "--authfile");
	add(words, skopeo->authfile);
}

int skopeo_open(bool insecure, const char *authfile, struct skopeo *out, struct error *e)
{
	*out = (struct skopeo){.insecure = insecure, .authfile = authfile};
	return program_find("skopeo", "skopeo", out->path, e);
}

/* The program sees the layout as a descriptor, so that a colon in its path means nothing. */
static char *layout_name(const char *name)
{
	char *text;
	return asprintf(&text, "oci:" PROGRAM_FD_PATH ":%s", name) < 0 ? NULL : text;
}

/* `words` has how. */
static int copy(const struct skopeo *skopeo, struct words *words, int layout_fd, const char *from,
	const char *to, struct error *e)
{
	add_authfile(words, skopeo);
	add(words, "--");
	add(words, from);
	add(words, to);
	return program_run(&(struct program_run){.path = skopeo->path,
				   .arguments = words->items,
				   .keep_fd = layout_fd,
				   .directory_fd = -1},
		e);
}

static int copy_as_is(const struct skopeo *skopeo, int layout_fd, const char *from, const char *to,
	const char *insecure, struct error *e)
{
	struct words words = {
		.items = {"skopeo", "copy", "--quiet", "--preserve-digests"}, .count = 4};
	if (skopeo->insecure)
		add(&words, insecure);
	return copy(skopeo, &words, layout_fd, from, to, e);
}

int skopeo_push(const struct skopeo *skopeo, int layout_fd, const char *name, const char *image,
	struct error *e)
{
	SCOPED_FREE char *from = layout_name(name);
	if (from == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	return copy_as_is(skopeo, layout_fd, from, image, "--dest-tls-verify=false", e);
}

int skopeo_pull(const struct skopeo *skopeo, const char *image, int layout_fd, const char *name,
	struct error *e)
{
	SCOPED_FREE char *to = layout_name(name);
	if (to == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	return copy_as_is(skopeo, layout_fd, image, to, "--src-tls-verify=false", e);
}

int skopeo_fetch(const struct skopeo *skopeo, const char *image, const char *architecture,
	int layout_fd, struct error *e)
{
	struct words words = {.items = {"skopeo", "--override-os", "linux", "--override-arch",
				      architecture, "copy", "--quiet"},
		.count = 7};
	if (skopeo->insecure)
		add(&words, "--src-tls-verify=false");
	return copy(skopeo, &words, layout_fd, image, "oci:" PROGRAM_FD_PATH, e);
}

static int take_manifest(void *context, const void *data, size_t size_bytes, struct error *e)
{
	struct bytes *manifest = context;
	if (size_bytes > SKOPEO_MANIFEST_MAX_BYTES - manifest->size)
		return error_set(e, ERROR_LIMIT, 0, "a manifest of more than %d bytes",
			SKOPEO_MANIFEST_MAX_BYTES);
	return bytes_add(manifest, data, size_bytes, e);
}

int skopeo_manifest(
	const struct skopeo *skopeo, const char *image, struct bytes *out, struct error *e)
{
	struct words words = {.items = {"skopeo", "inspect", "--raw"}, .count = 3};
	if (skopeo->insecure)
		add(&words, "--tls-verify=false");
	add_authfile(&words, skopeo);
	add(&words, "--");
	add(&words, image);
	return program_run(&(struct program_run){.path = skopeo->path,
				   .arguments = words.items,
				   .keep_fd = -1,
				   .directory_fd = -1,
				   .sink = take_manifest,
				   .context = out},
		e);
}

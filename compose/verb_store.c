/* plyboot store: what shares what in a store, and what that saves. */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "../layers/scope.h"
#include "named.h"
#include "verbs.h"

struct store_options {
	const char *store;
	bool json;
};

#define FIELD(name_) .offset = offsetof(struct store_options, name_)
static const struct option_spec options[] = {
	{.name = "--store",
		.kind = OPTION_TEXT,
		FIELD(store),
		.value = "DIR",
		.help = "default: $PLYBOOT_STORE, else ./store"},
	{.name = "--json", .kind = OPTION_FLAG, FIELD(json), .help = "for programs"},
	{0},
};
#undef FIELD

struct total {
	size_t count;
	uint64_t bytes;
};

struct survey {
	struct layout layout;
	struct named named;
	struct total blobs, unnamed;
	uint64_t saved_bytes;
};

/* What an owner has, or of that only what nobody else has. */
static uint64_t bytes_of(const struct named_owner *owner, bool own)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < owner->count; i++) {
		if (!own || owner->blobs[i].owners == 1)
			sum += owner->blobs[i].size_bytes;
	}
	return sum;
}

static size_t layers_of(const struct named_owner *owner)
{
	size_t count = 0;
	for (size_t i = 0; i < owner->count; i++)
		count += owner->blobs[i].kind == NAMED_LAYER;
	return count;
}

static int count_blobs(struct survey *self, struct error *e)
{
	SCOPED_FD fd = layout_open_directory(&self->layout, "blobs/sha256", e);
	if (fd < 0)
		return -1;
	DIR *dir = fdopendir(fd);
	if (dir == NULL)
		return error_errno(e, errno, "list blobs/sha256/ of the store");
	(void)scope_take_fd(&fd);
	const struct dirent *entry;
	struct digest digest;
	struct stat st;
	while ((errno = 0, entry = readdir(dir)) != NULL) {
		if (!digest_parse_hex(entry->d_name, strlen(entry->d_name), &digest) ||
			fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		struct total *totals[] = {&self->blobs, &self->unnamed};
		for (size_t i = 0; i < (named_by_any(&self->named, &digest) ? 1u : 2u); i++) {
			totals[i]->count++;
			totals[i]->bytes += (uint64_t)st.st_size;
		}
	}
	int result = errno == 0 ? 0 : error_errno(e, errno, "list blobs/sha256/ of the store");
	(void)closedir(dir);
	return result;
}

/* How much more it would be if each had its own. */
static uint64_t saved_bytes(const struct named *named)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < named->count; i++) {
		const struct named_owner *owner = &named->owners[i];
		for (size_t j = 0; j < owner->count; j++) {
			bool first = true;
			for (size_t k = 0; k < i && first; k++)
				first = named_find(&named->owners[k], &owner->blobs[j].digest) ==
					NULL;
			sum += first ? 0 : owner->blobs[j].size_bytes;
		}
	}
	return sum;
}

/* --- for people */

static void print_shared(const struct named *named, size_t index, const struct named_blob *blob)
{
	const char *between = ", shared with ";
	for (size_t i = 0; i < named->count; i++) {
		if (i == index || named_find(&named->owners[i], &blob->digest) == NULL)
			continue;
		printf("%s%s", between, named->owners[i].name);
		between = ", ";
	}
}

static void print_owner(const struct named *named, size_t index)
{
	const struct named_owner *owner = &named->owners[index];
	size_t layers = layers_of(owner);
	printf("%s %s: %zu layer%s, %" PRIu64 " bytes, %" PRIu64 " of them its own\n",
		owner->image ? "image" : "stack", owner->name, layers, layers == 1 ? "" : "s",
		bytes_of(owner, false), bytes_of(owner, true));
	for (size_t i = 0; i < owner->count; i++) {
		const struct named_blob *blob = &owner->blobs[i];
		char digest[DIGEST_TEXT_SIZE];
		digest_format(&blob->digest, digest);
		if (blob->kind != NAMED_LAYER)
			continue;
		printf("  %s %" PRIu64 " bytes", digest, blob->size_bytes);
		print_shared(named, index, blob);
		putchar('\n');
	}
}

static void print(const struct survey *self)
{
	for (size_t i = 0; i < self->named.count; i++)
		print_owner(&self->named, i);
	printf("%zu blobs, %" PRIu64 " bytes; sharing saves %" PRIu64 " bytes\n", self->blobs.count,
		self->blobs.bytes, self->saved_bytes);
	if (self->unnamed.count > 0)
		printf("%zu that nothing names, %" PRIu64 " bytes: see `plyboot gc`\n",
			self->unnamed.count, self->unnamed.bytes);
}

/* --- for programs */

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *json_of_blob(const struct named *named, size_t index, const struct named_blob *blob)
{
	static const char *const kinds[] = {"layer", "pieces", "document"};
	char digest[DIGEST_TEXT_SIZE];
	json_t *shared = json_array();
	digest_format(&blob->digest, digest);
	for (size_t i = 0; i < named->count; i++) {
		if (i != index && named_find(&named->owners[i], &blob->digest) != NULL)
			(void)json_array_append_new(shared, json_string(named->owners[i].name));
	}
	return json_pack("{s:s, s:s, s:o, s:o}", "digest", digest, "kind", kinds[blob->kind],
		"bytes", number(blob->size_bytes), "shared_with", shared);
}

static json_t *json_of_owner(const struct named *named, size_t index)
{
	const struct named_owner *owner = &named->owners[index];
	json_t *blobs = json_array();
	for (size_t i = 0; i < owner->count; i++)
		(void)json_array_append_new(blobs, json_of_blob(named, index, &owner->blobs[i]));
	return json_pack("{s:s, s:s, s:o, s:o, s:o}", "name", owner->name, "kind",
		owner->image ? "image" : "stack", "bytes", number(bytes_of(owner, false)),
		"own_bytes", number(bytes_of(owner, true)), "blobs", blobs);
}

static json_t *json_of_total(const struct total *total)
{
	return json_pack(
		"{s:o, s:o}", "count", number(total->count), "bytes", number(total->bytes));
}

static int print_json(const struct survey *self, struct error *e)
{
	json_t *owners = json_array();
	for (size_t i = 0; i < self->named.count; i++)
		(void)json_array_append_new(owners, json_of_owner(&self->named, i));
	json_t *all = json_pack("{s:o, s:o, s:o, s:o}", "owners", owners, "blobs",
		json_of_total(&self->blobs), "unnamed", json_of_total(&self->unnamed),
		"saved_bytes", number(self->saved_bytes));
	char *text = all == NULL ? NULL : json_dumps(all, JSON_INDENT(1));
	json_decref(all);
	if (text == NULL)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	puts(text);
	free(text);
	return 0;
}

static int survey(struct survey *self, const char *path, struct error *e)
{
	if (layout_open(path, false, &self->layout, e) != 0 ||
		named_read(&self->layout, &self->named, e) != 0 || count_blobs(self, e) != 0)
		return -1;
	self->saved_bytes = saved_bytes(&self->named);
	return 0;
}

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	const struct store_options *given = opaque;
	struct survey self = {.layout = LAYOUT_INIT};
	(void)operands;
	int result = survey(&self, layout_path(given->store), e);
	if (result == 0 && given->json)
		result = print_json(&self, e);
	else if (result == 0)
		print(&self);
	named_free(&self.named);
	layout_close(&self.layout);
	return result;
}

const struct verb verb_store = {
	.name = "store",
	.summary = "say what the stacks and images of a store share",
	.operands = "",
	.operands_min = 0,
	.operands_max = 0,
	.options = options,
	.options_bytes = sizeof(struct store_options),
	.run = run,
	.text = "Of each stack and each image of index.json: its layers, their bytes, and who else "
		"has them; its bytes with piece tables, manifest and config, and how many of them "
		"would go with it. Then all blobs, what there would be more if each had its own, "
		"and what nothing names. --json gives the same: `owners`, each with name, kind "
		"(stack or image), bytes, own_bytes and its blobs (digest, kind, bytes, "
		"shared_with); `blobs` and `unnamed`, each count and bytes; `saved_bytes`.\n",
	.examples = "How much would go with each stack:\n"
		    "  plyboot store\n",
};

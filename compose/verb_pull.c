/* plyboot pull: a stack that `push` sent comes back. */
#include <stdio.h>
#include <string.h>

#include "../layers/scope.h"
#include "keys.h"
#include "pulling.h"
#include "report.h"
#include "verbs.h"

struct pull_options {
	const char *store, *authfile;
	struct text_list pub;
	uint64_t signatures;
	bool insecure, force;
};

#define FIELD(name_) .offset = offsetof(struct pull_options, name_)
static const struct option_spec options[] = {
	{.name = "--store",
		.kind = OPTION_TEXT,
		FIELD(store),
		.value = "DIR",
		.help = "the store that it goes to: made if there is none; default: "
			"$PLYBOOT_STORE, "
			"else ./store"},
	{.name = "--pub",
		.kind = OPTION_LIST,
		FIELD(pub),
		.value = "KEY.pub",
		.help = "a trusted key: without a signature by one of them, nothing is kept"},
	{.name = "--signatures",
		.kind = OPTION_NUMBER,
		FIELD(signatures),
		.value = "N",
		.help = "with --pub: how many trusted keys must have signed",
		.fallback = "1",
		.min = 1,
		.max = LIMIT_SIGNATURES},
	{.name = "--insecure",
		.kind = OPTION_FLAG,
		FIELD(insecure),
		.help = "also over plain http, or from who has no certificate"},
	{.name = "--authfile",
		.kind = OPTION_TEXT,
		FIELD(authfile),
		.value = "FILE",
		.help = "with the passwords of registries, for skopeo"},
	{.name = "--force",
		.kind = OPTION_FLAG,
		FIELD(force),
		.help = "replace a signed stack file of this name and version that says otherwise"},
	{0},
};
#undef FIELD

static void say(const struct pulling *pulling)
{
	const struct stack *stack = &pulling->stack;
	uint64_t bytes[2] = {0};
	size_t blobs[2] = {0};
	for (size_t i = 0; i < pulling->blob_count; i++) {
		const struct pulling_blob *blob = &pulling->blobs[i];
		bytes[blob->was_there] += blob->size_bytes;
		blobs[blob->was_there]++;
	}
	printf("fetched: %llu bytes in %zu blobs\nthere already: %llu bytes in %zu blobs\n",
		(unsigned long long)bytes[false], blobs[false], (unsigned long long)bytes[true],
		blobs[true]);
	printf("%s/stacks/%s-%llu.stack\n", pulling->store->path, stack->name,
		(unsigned long long)stack->version);
}

static int pull(
	const struct pull_options *given, const struct pulling_asked *asked, struct error *e)
{
	SCOPED_LAYOUT store = LAYOUT_INIT;
	struct pulling pulling;
	if (layout_open(layout_path(given->store), true, &store, e) != 0)
		return -1;
	int result = pulling_fetch(&store, asked, &pulling, e);
	if (result == 0)
		result = pulling_keep(&pulling, e);
	if (result == 0) {
		layout_keep(&store);
		say(&pulling);
		if (pulling.signatures == 0)
			report_warning("the stack is not signed: it will not boot");
	}
	pulling_close(&pulling);
	return result;
}

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	const struct pull_options *given = opaque;
	struct public_key keys[LIMIT_KEYS];
	struct skopeo skopeo;
	if (public_keys_read(&given->pub, keys, e) != 0 ||
		skopeo_open(given->insecure, given->authfile, &skopeo, e) != 0)
		return -1;
	const struct signature_policy policy = {
		.keys = keys, .key_count = given->pub.count, .needed = (unsigned)given->signatures};
	const struct pulling_asked asked = {.image = operands->items[0],
		.skopeo = &skopeo,
		.policy = given->pub.count > 0 ? &policy : NULL,
		.force = given->force};
	return pull(given, &asked, e);
}

const struct verb verb_pull = {
	.name = "pull",
	.summary = "fetch a stack that `push` sent, only what the store lacks",
	.operands = "SOURCE",
	.operands_min = 1,
	.operands_max = 1,
	.options = options,
	.options_bytes = sizeof(struct pull_options),
	.run = run,
	.text = "SOURCE is what skopeo calls a place with an image, such as "
		"docker://HOST/NAME:TAG; skopeo is called for it, and must be there. Layers that "
		"the store has are not fetched.\n\n"
		"Everything is checked before it enters the store, as `plyboot verify` does: every "
		"digest, the piece tables, every piece, the tar, and with --pub the signature, "
		"before the stack file is read. The stack file comes last. What was begun and not "
		"finished leaves nothing; a second call finishes it.\n",
	.examples = "Take it from there, if it is signed:\n"
		    "  plyboot pull --pub mine.pub docker://registry.example/demo:1\n",
};

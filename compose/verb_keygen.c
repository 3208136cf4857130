/* plyboot keygen: a new pair of keys. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "../layers/scope.h"
#include "keys.h"
#include "output.h"
#include "report.h"
#include "verbs.h"

struct keygen_options {
	const char *name;
};

static const struct option_spec options[] = {
	{.name = "-o",
		.kind = OPTION_TEXT,
		.offset = offsetof(struct keygen_options, name),
		.value = "NAME",
		.help = "write NAME.key and NAME.pub; neither may be there",
		.required = true},
	{0},
};

static int write_private(const char *path, const struct private_key *key, struct error *e)
{
	char pem[KEYS_PEM_SIZE];
	size_t length;
	if (private_key_to_pem(key, pem, &length, e) != 0)
		return -1;
	int result = output_write_file(path, 0600, pem, length, OUTPUT_NEW, e);
	explicit_bzero(pem, sizeof pem);
	return result;
}

/* Both or none. */
static int write_pair(
	const char *key_path, const char *pub_path, const struct private_key *key, struct error *e)
{
	char pem[KEYS_PEM_SIZE];
	size_t length;
	public_key_to_pem(&key->public, pem, &length);
	const char *there = access(key_path, F_OK) == 0   ? key_path
			    : access(pub_path, F_OK) == 0 ? pub_path
							  : NULL;
	if (there != NULL) {
		report_hint("a key is never replaced: choose another name");
		return error_set(e, ERROR_USAGE, 0, "`%s` is there already", there);
	}
	if (output_write_file(pub_path, 0644, pem, length, OUTPUT_NEW, e) != 0)
		return -1;
	if (write_private(key_path, key, e) != 0) {
		(void)unlink(pub_path);
		return -1;
	}
	return 0;
}

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	(void)operands;
	const struct keygen_options *given = opaque;
	SCOPED_FREE char *key_path = NULL;
	SCOPED_FREE char *pub_path = NULL;
	if (asprintf(&key_path, "%s.key", given->name) < 0 ||
		asprintf(&pub_path, "%s.pub", given->name) < 0)
		return error_set(e, ERROR_NOSPACE, 0, "no memory");
	SCOPED_PRIVATE_KEY key;
	if (private_key_generate(&key, e) != 0)
		return -1;
	if (write_pair(key_path, pub_path, &key, e) != 0)
		return -1;
	char id[DIGEST_TEXT_SIZE];
	digest_format(&key.public.id, id);
	printf("%s\n", id);
	return 0;
}

const struct verb verb_keygen = {
	.name = "keygen",
	.summary = "make a pair of keys for signing stacks",
	.operands = "",
	.operands_max = 0,
	.options = options,
	.options_bytes = sizeof(struct keygen_options),
	.text = "NAME.key is an ECDSA key on P-256, PKCS#8 in PEM, not encrypted, mode 0600: keep "
		"it. NAME.pub is its public half, for `initramfs` and `verify`. The key's id is "
		"printed. A key in an HSM serves as well: `plyboot sign --help`.\n",
	.run = run,
	.examples = "Make the key for a device's stacks:\n"
		    "  plyboot keygen -o mine\n",
};

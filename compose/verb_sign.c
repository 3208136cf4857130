/* plyboot sign: a signature for a stack file, made here or elsewhere. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../layers/scope.h"
#include "../layers/signed.h"
#include "../layers/stack.h"
#include "keys.h"
#include "output.h"
#include "report.h"
#include "verbs.h"

struct sign_options {
	const char *key, *attach, *pub;
};

#define FIELD(name_) .offset = offsetof(struct sign_options, name_)
static const struct option_spec options[] = {
	{.name = "--key",
		.kind = OPTION_TEXT,
		FIELD(key),
		.value = "FILE.key",
		.help = "sign with this private key: P-256, PEM, not encrypted"},
	{.name = "--attach",
		.kind = OPTION_TEXT,
		FIELD(attach),
		.value = "SIGNATURE",
		.help = "take this signature, made elsewhere: DER, or 64 bytes of r and s"},
	{.name = "--pub",
		.kind = OPTION_TEXT,
		FIELD(pub),
		.value = "KEY.pub",
		.help = "with --attach: the public key that it verifies with"},
	{0},
};
#undef FIELD

/* A stack file as it is: the text that is signed, and its signatures. */
struct envelope {
	uint8_t *bytes; /* owned */
	size_t text_bytes;
	struct digest hash; /* of the text: what is signed */
	size_t count;
	struct signature_line lines[LIMIT_SIGNATURES];
};

/* Nothing but a stack file is signed: its first line is what keeps the signature from meaning
 * something else elsewhere. */
static int check_text(const uint8_t *bytes, size_t size_bytes, struct error *e)
{
	struct verified *text;
	struct stack stack;
	if (verified_trust(bytes, size_bytes, &text, e) != 0)
		return -1;
	int result = stack_decode(text, &stack, e);
	verified_free(text);
	if (result == 0)
		stack_free(&stack);
	return result;
}

static int read_envelope(const char *path, struct envelope *out, struct error *e)
{
	size_t size_bytes;
	SCOPED_FREE uint8_t *bytes = NULL;
	if (input_read_file(path, LIMIT_STACK_FILE_BYTES, &bytes, &size_bytes, e) != 0)
		return -1;
	if (signed_split(bytes, size_bytes, &out->text_bytes, out->lines, &out->count, e) != 0 ||
		check_text(bytes, out->text_bytes, e) != 0) {
		report_hint("it takes a stack file, as `plyboot stack` writes it");
		return error_wrap(e, "`%s`", path);
	}
	digest_of(bytes, out->text_bytes, &out->hash);
	out->bytes = SCOPE_TAKE(bytes);
	return 0;
}

/* In the place of an older one by the same key, else at the end. */
static int put_line(struct envelope *envelope, const struct signature_line *line, struct error *e)
{
	size_t i = 0;
	while (i < envelope->count && !digest_equal(&envelope->lines[i].key_id, &line->key_id))
		i++;
	if (i == LIMIT_SIGNATURES)
		return error_set(
			e, ERROR_LIMIT, 0, "it has %u signatures already", LIMIT_SIGNATURES);
	envelope->lines[i] = *line;
	if (i == envelope->count)
		envelope->count++;
	return 0;
}

static int write_envelope(const char *path, const struct envelope *envelope, struct error *e)
{
	struct stat st;
	SCOPED_OUTPUT output = OUTPUT_INIT;
	if (stat(path, &st) != 0)
		return error_errno(e, errno, "stat `%s`", path);
	if (output_open(&output, path, st.st_mode & 0777, e) != 0 ||
		output_write(&output, envelope->bytes, envelope->text_bytes, e) != 0)
		return -1;
	for (size_t i = 0; i < envelope->count; i++) {
		char line[SIGNED_LINE_SIZE];
		signed_format_line(&envelope->lines[i], line);
		if (output_write(&output, line, strlen(line), e) != 0)
			return -1;
	}
	return output_commit(&output, OUTPUT_REPLACE, e);
}

static int make_signature(const char *key_path, const struct digest *hash,
	struct signature_line *out, struct error *e)
{
	SCOPED_PRIVATE_KEY key = {0};
	if (private_key_read(key_path, &key, e) != 0)
		return -1;
	out->key_id = key.public.id;
	return private_key_sign(&key, hash, out->signature, e);
}

static int take_signature(const char *path, const char *pub_path, const struct digest *hash,
	struct signature_line *out, struct error *e)
{
	enum { SIGNATURE_FILE_MAX_BYTES = 1024 };
	SCOPED_FREE uint8_t *bytes = NULL;
	size_t size_bytes;
	struct public_key key;
	if (public_key_read(pub_path, &key, e) != 0 ||
		input_read_file(path, SIGNATURE_FILE_MAX_BYTES, &bytes, &size_bytes, e) != 0)
		return -1;
	if (signature_decode(bytes, size_bytes, out->signature, e) != 0 ||
		key_verify(&key, hash, out->signature, e) != 0) {
		report_hint("what is signed is the stack file up to and with its line `---`: "
			    "sed '/^---$/q' FILE.stack | openssl dgst -sha256 -sign KEY -out "
			    "SIGNATURE");
		return error_wrap(e, "`%s` with `%s`", path, pub_path);
	}
	signature_make_low(out->signature);
	out->key_id = key.id;
	return 0;
}

static int check_usage(const struct sign_options *given, struct error *e)
{
	if ((given->key != NULL) == (given->attach != NULL))
		return error_set(e, ERROR_USAGE, 0, "it takes either --key or --attach");
	if ((given->attach != NULL) != (given->pub != NULL))
		return error_set(e, ERROR_USAGE, 0, "--attach and --pub go together");
	return 0;
}

static int run(const void *opaque, const struct text_list *operands, struct error *e)
{
	const struct sign_options *given = opaque;
	const char *path = operands->items[0];
	struct envelope envelope = {0};
	struct signature_line line;
	if (check_usage(given, e) != 0 || read_envelope(path, &envelope, e) != 0)
		return -1;
	int result = given->key != NULL
			     ? make_signature(given->key, &envelope.hash, &line, e)
			     : take_signature(given->attach, given->pub, &envelope.hash, &line, e);
	if (result == 0)
		result = put_line(&envelope, &line, e);
	if (result == 0)
		result = write_envelope(path, &envelope, e);
	free(envelope.bytes);
	if (result != 0)
		return -1;
	char id[DIGEST_TEXT_SIZE];
	digest_format(&line.key_id, id);
	printf("%s: signed by %s\n", path, id);
	return 0;
}

const struct verb verb_sign = {
	.name = "sign",
	.summary = "sign a stack file, or attach a signature made elsewhere",
	.operands = "FILE.stack",
	.operands_min = 1,
	.operands_max = 1,
	.options = options,
	.options_bytes = sizeof(struct sign_options),
	.run = run,
	.text = "A signature is a line behind the stack file's line `---`; one by the same key is "
		"replaced, others stay. Keys of openssl serve as well as those of `plyboot "
		"keygen`.\n\n"
		"Where the private key is in an HSM, or may not be on this machine, sign the stack "
		"file up to and with its line `---`, and attach what comes out:\n\n"
		"  sed '/^---$/q' F.stack | openssl dgst -sha256 -sign KEY -out F.sig\n"
		"  plyboot sign --attach F.sig --pub KEY.pub F.stack\n",
	.examples = "Sign with a key that `plyboot keygen` made:\n"
		    "  plyboot sign --key mine.key store/stacks/demo-1.stack\n",
};

/*
 * The envelope. As it is, nothing in it verifies, for no fuzzer forges a signature; so lines are
 * put right, each by what its key id begins with, and the verdict is held against one worked out
 * here.
 */
#include <string.h>

#include "must.h"
#include "signed.h"
#include "signer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIRST, SECOND, REVOKED, SIGNERS };

static struct signer signers[SIGNERS];
static struct public_key trusted[SIGNERS];

static void open_signers(void)
{
	static const char *const secrets[SIGNERS] = {
		"c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
		"519b423d715f8b581f4fa8ee59f4771a5b44c8130b4e3eacca54a56dda72b464",
		"00000000000000000000000000000000000000000000000000000000deadbeef"};
	if (trusted[0].spki[0] != 0)
		return;
	for (size_t i = 0; i < SIGNERS; i++) {
		signer_open(secrets[i], &signers[i]);
		trusted[i] = signers[i].key;
	}
}

/* What the lines stand for once they are put right. */
struct expected {
	bool wrong;         /* a trusted key's signature that does not verify */
	bool good[SIGNERS]; /* whose signature counts */
};

/* The lowest bits of a key id choose a signer (3: it stays unknown), the next one whether the
 * line's own signature stays. */
static void mend_line(
	struct signature_line *line, const struct digest *hash, struct expected *expected)
{
	unsigned choice = line->key_id.bytes[0] & 3, keep = line->key_id.bytes[0] & 4;
	if (choice == SIGNERS)
		return;
	line->key_id = signers[choice].key.id;
	if (keep == 0)
		signer_sign(&signers[choice], hash, line->signature);
	if (choice == REVOKED)
		return;
	if (keep != 0)
		expected->wrong = true;
	else
		expected->good[choice] = true;
}

static enum error_code verdict(const struct expected *expected, size_t lines, unsigned needed)
{
	unsigned good = (unsigned)expected->good[FIRST] + expected->good[SECOND];
	if (lines == 0 || expected->wrong)
		return ERROR_SIGNATURE;
	if (good == 0)
		return ERROR_KEY;
	return good < needed ? ERROR_SIGNATURE : ERROR_NONE;
}

static void check_mended(const uint8_t *data, size_t text_size, struct signature_line *lines,
	size_t count, unsigned needed)
{
	const struct signature_policy policy = {.keys = trusted,
		.key_count = SIGNERS,
		.revoked = &trusted[REVOKED].id,
		.revoked_count = 1,
		.needed = needed};
	struct expected expected = {0};
	struct digest hash;
	char *mended = must_copy(data, text_size);
	size_t size = text_size;
	digest_of(data, text_size, &hash);
	for (size_t i = 0; i < count; i++) {
		mend_line(&lines[i], &hash, &expected);
		mended = realloc(mended, size + SIGNED_LINE_SIZE);
		must(mended != NULL);
		signed_format_line(&lines[i], mended + size);
		size += SIGNED_LINE_SIZE - 1;
	}
	uint8_t *exact = must_copy(mended, size);
	struct verified *text = NULL;
	struct signed_by who = {0};
	struct error e = {0};
	int result = signed_verify(exact, size, &policy, &text, &who, &e);
	must((result == 0 ? ERROR_NONE : e.code) == verdict(&expected, count, needed));
	must((result == 0) == (text != NULL));
	if (text != NULL)
		must(verified_size(text) == text_size &&
			memcmp(verified_data(text), data, text_size) == 0 &&
			who.count == (size_t)expected.good[FIRST] + expected.good[SECOND]);
	verified_free(text);
	free(exact);
	free(mended);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct signature_line lines[LIMIT_SIGNATURES];
	size_t text_size = 0, count = 0;
	struct error e = {0};
	open_signers();
	int split = signed_split(data, size, &text_size, lines, &count, &e);
	const struct signature_policy all = {.keys = trusted, .key_count = SIGNERS, .needed = 1};
	struct verified *text = NULL;
	struct signed_by who;
	must(signed_verify(data, size, &all, &text, &who, &e) != 0 && text == NULL);
	if (split != 0) {
		must(e.code == ERROR_FORMAT || e.code == ERROR_LIMIT || e.code == ERROR_SIGNATURE);
		return 0;
	}
	must(text_size >= 4 && text_size <= size && count <= LIMIT_SIGNATURES &&
		memcmp(data + text_size - 4, "---\n", 4) == 0);
	check_mended(data, text_size, lines, count, 1 + (data[0] & 1));
	return 0;
}

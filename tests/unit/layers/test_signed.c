/* layers/signed.c: the envelope of a stack file. */
#include "base64.h"
#include "signed.h"
#include "errors.h"
#include "signer.h"

#define SECRET_A "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
#define SECRET_B "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SECRET_C "00000000000000000000000000000000000000000000000000000000000000ff"
#define TEXT "plyboot stack 1\nname demo\n---\n"

enum { ENVELOPE_SIZE = LIMIT_STACK_FILE_BYTES + 4096 };

static struct signer a, b, c;

struct envelope {
	char bytes[ENVELOPE_SIZE];
	size_t size_bytes;
};
static struct envelope envelope; /* the one that a test works on */

static void put(const char *text)
{
	size_t length = strlen(text);
	memcpy(envelope.bytes + envelope.size_bytes, text, length);
	envelope.size_bytes += length;
}

static void start(const char *text)
{
	envelope.size_bytes = 0;
	put(text);
}

/* A line that claims to be by `id`, over `text`, by `signer`. */
static void put_signature(struct signer *signer, const struct digest *id, const char *text)
{
	struct signature_line line = {.key_id = *id};
	struct digest hash;
	char out[SIGNED_LINE_SIZE];
	digest_of(text, strlen(text), &hash);
	signer_sign(signer, &hash, line.signature);
	signed_format_line(&line, out);
	put(out);
}

static void put_line(struct signer *signer)
{
	put_signature(signer, &signer->key.id, TEXT);
}

/* A line by A with any third word. */
static void put_word(const char *word)
{
	char id[DIGEST_TEXT_SIZE];
	digest_format(&a.key.id, id);
	put(id);
	put(" ecdsa-p256-sha256");
	put(word);
	put("\n");
}

static struct signature_policy trust(const struct public_key *keys, size_t count, unsigned needed)
{
	return (struct signature_policy){.keys = keys, .key_count = count, .needed = needed};
}

static void accepts(const struct signature_policy *policy, size_t signers, const char *name)
{
	struct verified *text = NULL;
	struct signed_by who;
	struct error e;
	memset(&who, UNTOUCHED, sizeof who);
	int result = signed_verify(
		(uint8_t *)envelope.bytes, envelope.size_bytes, policy, &text, &who, &e);
	ok(result == 0 && who.count == signers && verified_size(text) == strlen(TEXT) &&
			memcmp(verified_data(text), TEXT, strlen(TEXT)) == 0,
		"%s", name);
	if (result != 0)
		printf("# %s: %s\n", error_code_name(e.code), e.text);
	else
		verified_free(text);
}

static struct error refuses(
	const struct signature_policy *policy, enum error_code code, const char *name)
{
	struct verified *text = NULL;
	struct signed_by who;
	struct error e;
	memset(&who, UNTOUCHED, sizeof who);
	int result = signed_verify(
		(uint8_t *)envelope.bytes, envelope.size_bytes, policy, &text, &who, &e);
	bool clean = text == NULL && is_untouched(&who, sizeof who);
	error_is(result, &e, code, "%s", name);
	ok(clean, "... nothing is handed out");
	return e;
}

static void a_good_envelope_is_accepted(void)
{
	const struct public_key keys[] = {b.key, a.key};
	struct signature_policy policy = trust(keys, 2, 1);
	start(TEXT);
	put_line(&a);
	accepts(&policy, 1, "one signature by one of two keys");
	put_line(&c);
	accepts(&policy, 1, "an unknown key's signature is passed over");
	put_signature(&a, &c.key.id, TEXT);
	accepts(&policy, 1, "even when it is wrong");
	put_line(&b);
	accepts(&policy, 2, "two signatures by two keys");
	policy.needed = 2;
	accepts(&policy, 2, "where two are needed");
	policy.needed = 3;
	struct error e = refuses(&policy, ERROR_SIGNATURE, "but not where three are");
	ok(strstr(e.text, "by 2 trusted keys, and 3 different") != NULL, "... which is said");
	policy.needed = 2;
	put_line(&a);
	put_line(&a);
	accepts(&policy, 2, "a repeated line changes nothing");
	put_line(&a);
	put_line(&a);
	accepts(&policy, 2, "up to eight lines");
	put_line(&a);
	refuses(&policy, ERROR_LIMIT, "nine lines are refused");

	policy.needed = 0;
	start(TEXT);
	refuses(&policy, ERROR_SIGNATURE, "no signature, by a policy that asks for none");
	put_line(&c);
	refuses(&policy, ERROR_KEY, "an unknown key, by a policy that asks for none");
}

static void the_first_separator_ends_the_text(void)
{
	struct signature_policy policy = trust(&a.key, 1, 1);
	struct signature_line lines[LIMIT_SIGNATURES];
	size_t text_size, count;
	struct error e;
	start(TEXT);
	is_int(signed_split((uint8_t *)envelope.bytes, envelope.size_bytes, &text_size, lines,
		       &count, &e),
		0, "an unsigned envelope can be split");
	ok(text_size == strlen(TEXT) && count == 0, "into its text and no signature");
	put_line(&a);
	put_line(&b);
	is_int(signed_split((uint8_t *)envelope.bytes, envelope.size_bytes, &text_size, lines,
		       &count, &e),
		0, "a signed one too");
	ok(text_size == strlen(TEXT) && count == 2 && digest_equal(&lines[1].key_id, &b.key.id),
		"into its text and two signatures");

	start("----\n ---\n--- \na---\n" TEXT);
	refuses(&policy, ERROR_SIGNATURE, "lines that look like the separator are text");
	start(TEXT "---\n");
	refuses(&policy, ERROR_FORMAT, "a second separator is no signature");
	start("---\n");
	put_signature(&a, &a.key.id, "---\n");
	refuses(&policy, ERROR_FORMAT, "nothing but a separator");
	start("\n---\n");
	put_signature(&a, &a.key.id, "\n---\n");
	refuses(&policy, ERROR_FORMAT, "an empty line and a separator");
}

static void what_is_no_envelope_is_refused(void)
{
	struct signature_policy policy = trust(&a.key, 1, 1);
	static const struct {
		const char *bytes;
		size_t size_bytes;
		enum error_code code;
		const char *why;
	} rows[] = {{"", 0, ERROR_FORMAT, "empty"}, {"p", 1, ERROR_FORMAT, "1 byte"},
		{"\0", 1, ERROR_FORMAT, "1 byte, NUL"},
		{"\n", 1, ERROR_FORMAT, "1 byte, a line feed"},
		{"plyboot stack 1\nname demo\n", 26, ERROR_SIGNATURE, "no separator"},
		{"a\n", 2, ERROR_SIGNATURE, "shorter than a separator"},
		{"plyboot stack 1\nname demo\n---", 29, ERROR_FORMAT, "cut in the separator"},
		{"plyboot stack 1\r\n---\r\n", 22, ERROR_FORMAT, "CRLF"},
		{"\xef\xbb\xbfplyboot stack 1\n---\n", 23, ERROR_FORMAT, "BOM"},
		{"plyboot\0stack 1\n---\n", 20, ERROR_FORMAT, "NUL"},
		{"plyboot\tstack 1\n---\n", 20, ERROR_FORMAT, "tab"},
		{"plyboot \x7fstack 1\n---\n", 21, ERROR_FORMAT, "DEL"},
		{"plyboot \x80stack 1\n---\n", 21, ERROR_FORMAT, "a byte over 127"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		memcpy(envelope.bytes, rows[i].bytes, rows[i].size_bytes);
		envelope.size_bytes = rows[i].size_bytes;
		refuses(&policy, rows[i].code, rows[i].why);
	}

	start("plyboot stack 1\nna");
	put("\x01\n---\n");
	struct error e = refuses(&policy, ERROR_FORMAT, "a control character");
	ok(strstr(e.text, "line 2") != NULL, "the message names the line");

	memset(envelope.bytes, 'x', sizeof envelope.bytes);
	envelope.size_bytes = LIMIT_STACK_FILE_BYTES;
	refuses(&policy, ERROR_FORMAT, "as large as may be, no line feed");
	envelope.size_bytes++;
	refuses(&policy, ERROR_LIMIT, "larger than may be");
	start(TEXT);
	for (unsigned i = 0; i < 2900; i++)
		put_word(" x");
	refuses(&policy, ERROR_SIGNATURE, "2900 lines whose first is no signature");
	start(TEXT);
	for (unsigned i = 0; i < 2900; i++)
		put_line(&c);
	ok(envelope.size_bytes < LIMIT_STACK_FILE_BYTES,
		"2900 signatures fit below the size limit");
	refuses(&policy, ERROR_LIMIT, "2900 signatures");
}

static void ten_thousand_signatures_are_refused(void)
{
	struct signature_policy policy = trust(&a.key, 1, 1);
	struct verified *text = NULL;
	struct signed_by who;
	struct error e;
	start(TEXT);
	put_line(&a);
	size_t line = envelope.size_bytes - strlen(TEXT), size = strlen(TEXT) + 10000 * line;
	char *bytes = malloc(size);
	if (bytes == NULL)
		abort();
	memcpy(bytes, envelope.bytes, envelope.size_bytes);
	for (size_t at = envelope.size_bytes; at < size; at += line)
		memcpy(bytes + at, envelope.bytes + strlen(TEXT), line);
	int result = signed_verify((uint8_t *)bytes, size, &policy, &text, &who, &e);
	error_is(result, &e, ERROR_LIMIT, "10,000 signatures");
	free(bytes);
}

static void put_base64(const uint8_t *data, size_t size_bytes)
{
	char word[128] = " ";
	base64_encode(data, size_bytes, word + 1);
	put_word(word);
}

static void bad_signature_lines_are_refused(void)
{
	struct signature_policy policy = trust(&a.key, 1, 1);
	struct digest hash;
	uint8_t raw[KEY_SIGNATURE_BYTES + 1] = {0}, der[72];
	char word[128] = " ";
	digest_of(TEXT, strlen(TEXT), &hash);
	signer_sign(&a, &hash, raw);

	start(TEXT);
	refuses(&policy, ERROR_SIGNATURE, "missing");
	put_word("");
	refuses(&policy, ERROR_SIGNATURE, "0 bytes, no third word");
	start(TEXT);
	put_word(" ");
	refuses(&policy, ERROR_SIGNATURE, "0 bytes, an empty third word");
	start(TEXT);
	put_base64(raw, 63);
	refuses(&policy, ERROR_SIGNATURE, "63 bytes");
	start(TEXT);
	put_base64(raw, 65);
	refuses(&policy, ERROR_SIGNATURE, "65 bytes");
	start(TEXT);
	memcpy(der, raw, KEY_SIGNATURE_BYTES);
	put_base64(der, br_ecdsa_raw_to_asn1(der, KEY_SIGNATURE_BYTES));
	refuses(&policy, ERROR_SIGNATURE, "DER");
	start(TEXT);
	base64_encode(raw, KEY_SIGNATURE_BYTES, word + 1);
	strcat(word, " ");
	put_word(word);
	refuses(&policy, ERROR_SIGNATURE, "a space behind it");
	start(TEXT);
	word[strlen(word) - 4]++;
	word[strlen(word) - 1] = '\0';
	put_word(word);
	refuses(&policy, ERROR_SIGNATURE, "unused bits of base 64");

	static const char *const lines[] = {"\n", "x\n", "sha256:00 ecdsa-p256-sha256 AAAA\n",
		"SHA256:0000000000000000000000000000000000000000000000000000000000000000 "
		"ecdsa-p256-sha256 A\n",
		"sha256:000000000000000000000000000000000000000000000000000000000000000A "
		"ecdsa-p256-sha256 A\n",
		"sha256:0000000000000000000000000000000000000000000000000000000000000000 "
		"ecdsa-p384-sha384 A\n",
		"sha256:0000000000000000000000000000000000000000000000000000000000000000  "
		"ecdsa-p256-sha256 A\n"};
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		start(TEXT);
		put_line(&a);
		put(lines[i]);
		struct error e = refuses(&policy, ERROR_FORMAT, "a line in another form");
		ok(strstr(e.text, "line 5, signature 2") != NULL, "... which the message names");
	}
}

static void put_numbers(const char *r, const char *s)
{
	struct signature_line line = {.key_id = a.key.id};
	char out[SIGNED_LINE_SIZE];
	from_hex(r, line.signature);
	from_hex(s, line.signature + 32);
	signed_format_line(&line, out);
	start(TEXT);
	put(out);
}

static void numbers_out_of_range_are_refused(void)
{
	static const char zero[] =
		"0000000000000000000000000000000000000000000000000000000000000000";
	static const char one[] =
		"0000000000000000000000000000000000000000000000000000000000000001";
	static const char n[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
	struct signature_policy policy = trust(&a.key, 1, 1);
	put_numbers(zero, one);
	refuses(&policy, ERROR_SIGNATURE, "r = 0");
	put_numbers(one, zero);
	refuses(&policy, ERROR_SIGNATURE, "s = 0");
	put_numbers(zero, zero);
	refuses(&policy, ERROR_SIGNATURE, "both 0");
	put_numbers(n, one);
	refuses(&policy, ERROR_SIGNATURE, "r = n");
	put_numbers(one, n);
	refuses(&policy, ERROR_SIGNATURE, "s = n");
	put_numbers(one, one);
	refuses(&policy, ERROR_SIGNATURE, "in range, and wrong");
}

static void the_key_decides(void)
{
	const struct public_key both[] = {a.key, b.key}, twice[] = {a.key, a.key};
	struct signature_policy policy = trust(both, 2, 1);
	char id[DIGEST_TEXT_SIZE];

	start(TEXT);
	put_line(&c);
	struct error e = refuses(&policy, ERROR_KEY, "unknown key");
	digest_format(&c.key.id, id);
	ok(strstr(e.text, id) != NULL, "the message has its whole id");
	ok(strstr(e.text, "by no trusted key (there are 2)") != NULL, "and how many are trusted");

	struct digest revoked[] = {a.key.id};
	policy.revoked = revoked;
	policy.revoked_count = 1;
	start(TEXT);
	put_line(&a);
	e = refuses(&policy, ERROR_KEY, "revoked key");
	ok(strstr(e.text, "(revoked)") != NULL &&
			strstr(e.text, "by no trusted key (there is 1)") != NULL,
		"the message says so");
	put_line(&b);
	accepts(&policy, 1, "a revoked key beside a good one is passed over");
	start(TEXT);
	put_signature(&b, &a.key.id, TEXT);
	put_line(&b);
	accepts(&policy, 1, "even when its signature is wrong");
	policy.revoked_count = 0;
	refuses(&policy, ERROR_SIGNATURE, "a trusted key's wrong signature beside a good one");

	start(TEXT);
	put_signature(&b, &a.key.id, TEXT);
	refuses(&policy, ERROR_SIGNATURE, "key id of A over a signature by B");
	start(TEXT);
	put_signature(&a, &a.key.id, "plyboot other 1\nname demo\n---\n");
	refuses(&policy, ERROR_SIGNATURE, "right signature in another context");
	start(TEXT);
	put_signature(&a, &a.key.id, "plyboot stack 1\nname demo\n");
	refuses(&policy, ERROR_SIGNATURE, "signature over the text without its separator");
	start("plyboot stack 1\nname  demo\n---\n");
	put_signature(&a, &a.key.id, TEXT);
	refuses(&policy, ERROR_SIGNATURE, "signature over an equivalent text");

	policy.needed = 2;
	start(TEXT);
	put_line(&a);
	e = refuses(&policy, ERROR_SIGNATURE, "one signature where two are needed");
	ok(strstr(e.text, "by 1 trusted key, and 2 different") != NULL,
		"the message says how many");
	put_line(&a);
	refuses(&policy, ERROR_SIGNATURE, "same key twice where two are needed");
	policy = trust(twice, 2, 2);
	refuses(&policy, ERROR_SIGNATURE, "same key twice, also twice in the policy");
	policy = trust(NULL, 0, 1);
	refuses(&policy, ERROR_KEY, "no key is trusted");

	start(TEXT);
	for (unsigned i = 0; i < LIMIT_SIGNATURES; i++)
		put_line(&c);
	e = refuses(&policy, ERROR_KEY, "eight unknown signatures");
	ok(strlen(e.text) < ERROR_TEXT_SIZE - 1 && strstr(e.text, "public key") != NULL,
		"the message says it all");
}

static bool is_refusal(enum error_code code)
{
	return code == ERROR_FORMAT || code == ERROR_LIMIT || code == ERROR_SIGNATURE ||
	       code == ERROR_KEY;
}

static size_t count_accepted(const struct signature_policy *policy, const char *bytes, size_t size)
{
	struct verified *text = NULL;
	struct signed_by who;
	struct error e;
	if (signed_verify((const uint8_t *)bytes, size, policy, &text, &who, &e) == 0) {
		verified_free(text);
		return 1;
	}
	return text != NULL || !is_refusal(e.code);
}

static void every_change_is_refused(void)
{
	struct signature_policy policy = trust(&a.key, 1, 1);
	size_t flips = 0, cuts = 0, additions = 0;
	start(TEXT);
	put_line(&a);
	size_t size = envelope.size_bytes;
	for (size_t bit = 0; bit < size * 8; bit++) {
		envelope.bytes[bit / 8] ^= (char)(1u << bit % 8);
		flips += count_accepted(&policy, envelope.bytes, size);
		envelope.bytes[bit / 8] ^= (char)(1u << bit % 8);
	}
	is_int((long long)flips, 0, "0 of %zu flipped bits are accepted", size * 8);
	for (size_t cut = 0; cut < size; cut++)
		cuts += count_accepted(&policy, envelope.bytes, cut);
	is_int((long long)cuts, 0, "0 of %zu cuts are accepted", size);
	for (unsigned byte = 0; byte < 256; byte++) {
		envelope.bytes[size] = (char)byte;
		additions += count_accepted(&policy, envelope.bytes, size + 1);
	}
	is_int((long long)additions, 0, "0 of 256 added bytes are accepted");
	accepts(&policy, 1, "unchanged it is");
}

static void a_line_has_one_form(void)
{
	struct signature_line line = {.key_id = a.key.id};
	char out[SIGNED_LINE_SIZE + 1];
	out[SIGNED_LINE_SIZE] = 'x';
	signed_format_line(&line, out);
	is_int((long long)strlen(out), SIGNED_LINE_SIZE - 1, "a line fills its buffer");
	ok(out[SIGNED_LINE_SIZE] == 'x' && out[SIGNED_LINE_SIZE - 2] == '\n', "and ends it");
}

int main(void)
{
	signer_open(SECRET_A, &a);
	signer_open(SECRET_B, &b);
	signer_open(SECRET_C, &c);
	a_good_envelope_is_accepted();
	the_first_separator_ends_the_text();
	what_is_no_envelope_is_refused();
	ten_thousand_signatures_are_refused();
	bad_signature_lines_are_refused();
	numbers_out_of_range_are_refused();
	the_key_decides();
	every_change_is_refused();
	a_line_has_one_form();
	return done();
}

/* The catalogue's bad stack files and signatures, and their twins, which differ only in not being
 * bad. */
#ifndef PLYBOOT_TEST_CATALOGUE_H
#define PLYBOOT_TEST_CATALOGUE_H

#include "base64.h"
#include "stacks.h"

static struct signer a, b, stranger;

/* One thing of the catalogue. */
struct bad_input {
	const char *row, *name;
	enum error_code code;
	/* The file; by default TEXT("8") with `from` replaced by `to` (bad) or `twin`, signed. */
	void (*make)(const struct bad_input *item, bool bad, struct bytes *out);
	const char *from, *to, *twin;
	size_t count, twin_count;
	unsigned needed;              /* signatures, when not 1 */
	bool revoke;                  /* key A, when it is bad */
	uint64_t floor;               /* of init.conf, when it is bad; the twin's is 8 */
	uint64_t recorded_floor;      /* of the record, likewise */
	const char *next, *next_text; /* the other stack, when not version 7 */
};

/* --- files */

/* A line by A with any third word. */
static void add_word(struct bytes *out, const char *word)
{
	char id[DIGEST_TEXT_SIZE];
	digest_format(&a.key.id, id);
	add_text(out, id);
	add_text(out, " ecdsa-p256-sha256 ");
	add_text(out, word);
	add_text(out, "\n");
}

static void make_replaced(const struct bad_input *item, bool bad, struct bytes *out)
{
	static const char text[] = TEXT("8");
	const char *from = item->from != NULL ? item->from : "";
	const char *at = strstr(text, from), *instead = bad ? item->to : item->twin;
	if (at == NULL)
		abort();
	bytes_add(out, text, (size_t)(at - text));
	add_text(out, instead != NULL ? instead : from);
	add_text(out, at + strlen(from));
	add_signature(out, &a);
}

/* What is bad is the file as a whole. */
static void make_raw(const struct bad_input *item, bool bad, struct bytes *out)
{
	add_text(out, bad ? item->to : TEXT("8"));
	if (!bad)
		add_signature(out, &a);
}

static void make_prefixed(const struct bad_input *item, bool bad, struct bytes *out)
{
	add_text(out, bad ? item->to : "");
	add_text(out, TEXT("8"));
	add_signature(out, &a);
}

static void make_suffixed(const struct bad_input *item, bool bad, struct bytes *out)
{
	add_text(out, TEXT("8"));
	add_signature(out, &a);
	add_text(out, bad ? item->to : "");
}

static void make_nul(const struct bad_input *item, bool bad, struct bytes *out)
{
	(void)item;
	add_text(out, TEXT("8"));
	if (bad)
		out->data[strlen("plyboot stack 1\nname de")] = '\0';
	add_signature(out, &a);
}

static void add_crlf(struct bytes *out, const struct bytes *text, size_t from)
{
	for (size_t i = from; i < text->size; i++)
		bytes_add(out, text->data[i] == '\n' ? "\r\n" : (char *)&text->data[i],
			text->data[i] == '\n' ? 2 : 1);
}

static void make_crlf(const struct bad_input *item, bool bad, struct bytes *out)
{
	struct bytes plain = {0};
	uint8_t raw[KEY_SIGNATURE_BYTES];
	(void)item;
	add_text(&plain, TEXT("8"));
	size_t text_size = plain.size;
	if (bad) {
		add_crlf(out, &plain, 0);
		sign_bytes(&a, out->data, out->size, raw);
		add_line(&plain, &a.key.id, raw);
		add_crlf(out, &plain, text_size);
	} else {
		bytes_add(out, plain.data, plain.size);
		add_signature(out, &a);
	}
	bytes_free(&plain);
}

static void add_layers(struct bytes *out, size_t count)
{
	add_text(out, HEAD("8"));
	for (size_t i = 0; i < count; i++)
		add_text(out, LAYER);
}

static void make_many_layers(const struct bad_input *item, bool bad, struct bytes *out)
{
	add_layers(out, bad ? item->count : item->twin_count);
	add_text(out, TAIL);
	add_signature(out, &a);
}

static void add_signatures(struct bytes *out, size_t count)
{
	uint8_t raw[KEY_SIGNATURE_BYTES];
	sign_bytes(&a, out->data, out->size, raw);
	for (size_t i = 0; i < count; i++)
		add_line(out, &a.key.id, raw);
}

/* The twin is as large as a good one gets without persistent paths. */
static void make_too_large(const struct bad_input *item, bool bad, struct bytes *out)
{
	(void)item;
	add_layers(out, 499);
	add_text(out, TAIL);
	if (!bad) {
		add_signatures(out, LIMIT_SIGNATURES);
		return;
	}
	bytes_fill(out, 'x', LIMIT_STACK_FILE_BYTES - out->size);
	add_text(out, "\n");
}

static void make_many_signatures(const struct bad_input *item, bool bad, struct bytes *out)
{
	add_text(out, TEXT("8"));
	add_signatures(out, bad ? item->count : LIMIT_SIGNATURES);
}

static void make_unsigned(const struct bad_input *item, bool bad, struct bytes *out)
{
	(void)item;
	add_text(out, TEXT("8"));
	if (!bad)
		add_signature(out, &a);
}

/* The right signature, cut or with a zero behind it, as base64 of that many bytes. */
static void make_cut(const struct bad_input *item, bool bad, struct bytes *out)
{
	uint8_t raw[KEY_SIGNATURE_BYTES + 1] = {0};
	char word[2 * sizeof raw];
	add_text(out, TEXT("8"));
	sign_bytes(&a, out->data, out->size, raw);
	base64_encode(raw, bad ? item->count : KEY_SIGNATURE_BYTES, word);
	add_word(out, word);
}

static void make_der(const struct bad_input *item, bool bad, struct bytes *out)
{
	uint8_t raw[80];
	char word[160];
	(void)item;
	add_text(out, TEXT("8"));
	sign_bytes(&a, out->data, out->size, raw);
	base64_encode(raw,
		bad ? br_ecdsa_raw_to_asn1(raw, KEY_SIGNATURE_BYTES) : KEY_SIGNATURE_BYTES, word);
	add_word(out, word);
}

/* `to`: r and s in hex, where "--" and 62 more stand for the half that the right signature has. */
static void make_numbers(const struct bad_input *item, bool bad, struct bytes *out)
{
	uint8_t raw[KEY_SIGNATURE_BYTES], forged[KEY_SIGNATURE_BYTES];
	add_text(out, TEXT("8"));
	sign_bytes(&a, out->data, out->size, raw);
	memcpy(forged, raw, sizeof forged);
	for (size_t half = 0; half < 2; half++) {
		char hex[65] = {0};
		memcpy(hex, item->to + half * 64, 64);
		if (hex[0] != '-')
			from_hex(hex, forged + half * 32);
	}
	add_line(out, &a.key.id, bad ? forged : raw);
}

static void make_unknown_key(const struct bad_input *item, bool bad, struct bytes *out)
{
	(void)item;
	add_text(out, TEXT("8"));
	add_signature(out, bad ? &stranger : &a);
}

static void make_by_b(const struct bad_input *item, bool bad, struct bytes *out)
{
	(void)item;
	add_text(out, TEXT("8"));
	add_signature_as(out, &b, bad ? &a.key.id : &b.key.id);
}

/* Signed is `to`, a text of its own right; what stands there is TEXT("8"). */
static void make_over_another(const struct bad_input *item, bool bad, struct bytes *out)
{
	uint8_t raw[KEY_SIGNATURE_BYTES];
	const char *what = bad ? item->to : TEXT("8");
	add_text(out, TEXT("8"));
	sign_bytes(&a, what, strlen(what), raw);
	add_line(out, &a.key.id, raw);
}

static void make_twice(const struct bad_input *item, bool bad, struct bytes *out)
{
	uint8_t raw[KEY_SIGNATURE_BYTES], other[KEY_SIGNATURE_BYTES];
	struct signer *second = bad ? &a : &b;
	(void)item;
	add_text(out, TEXT("8"));
	sign_bytes(&a, out->data, out->size, raw);
	sign_bytes(second, out->data, out->size, other);
	add_line(out, &a.key.id, raw);
	add_line(out, &second->key.id, other);
}

/* --- the catalogue */

#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
#define ORDER "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
#define SAME "----------------------------------------------------------------"
#define HEX_62 "11111111111111111111111111111111111111111111111111111111111111"
#define STACK(...)                                                                                 \
	{                                                                                          \
		"stack file", __VA_ARGS__                                                          \
	}
#define SIGNATURE(...)                                                                             \
	{                                                                                          \
		"signature", __VA_ARGS__                                                           \
	}

static const struct bad_input items[] = {
	STACK("empty", ERROR_FORMAT, .make = make_raw, .to = ""),
	STACK("1 byte", ERROR_FORMAT, .make = make_raw, .to = "p"),
	STACK("NUL", ERROR_FORMAT, .make = make_nul),
	STACK("CRLF", ERROR_FORMAT, .make = make_crlf),
	STACK("BOM", ERROR_FORMAT, .make = make_prefixed, .to = "\xef\xbb\xbf"),
	STACK("duplicate key", ERROR_FORMAT, .from = "floor 3\n", .to = "floor 3\nfloor 3\n"),
	STACK("unknown key", ERROR_FORMAT, .from = "floor 3\n", .to = "floor 3\nuki x\n"),
	STACK("wrong order", ERROR_FORMAT, .from = "version 8\nfloor 3\n",
		.to = "floor 3\nversion 8\n"),
	STACK("leading zero", ERROR_FORMAT, .from = "entries 1200", .to = "entries 01",
		.twin = "entries 1"),
	STACK("+1", ERROR_FORMAT, .from = "entries 1200", .to = "entries +1", .twin = "entries 1"),
	STACK("hex", ERROR_FORMAT, .from = "entries 1200", .to = "entries 0x10",
		.twin = "entries 16"),
	STACK("trailing bytes", ERROR_FORMAT, .make = make_suffixed, .to = "x"),
	STACK("trailing bytes, a line", ERROR_FORMAT, .make = make_suffixed, .to = "x\n"),
	STACK("trailing bytes, in the signed text", ERROR_FORMAT, .from = "halt\n",
		.to = "halt\nx\n"),
	STACK("upper-case digest", ERROR_FORMAT, .from = DIGEST_1, .to = "sha256:AA" HEX_62,
		.twin = "sha256:aa" HEX_62),
	STACK("63-digit digest", ERROR_FORMAT, .from = DIGEST_1, .to = "sha256:1" HEX_62,
		.twin = "sha256:11" HEX_62),
	STACK("65-digit digest", ERROR_FORMAT, .from = DIGEST_1, .to = "sha256:111" HEX_62,
		.twin = "sha256:11" HEX_62),
	STACK("2^64", ERROR_LIMIT, .from = "unpacked 345678", .to = "unpacked 18446744073709551616",
		.twin = "unpacked 68719476736"),
	STACK("negative", ERROR_LIMIT, .from = "unpacked 345678", .to = "unpacked -1",
		.twin = "unpacked 0"),
	STACK("larger than the cap, a number", ERROR_LIMIT, .from = "unpacked 345678",
		.to = "unpacked 68719476737", .twin = "unpacked 68719476736"),
	STACK("larger than the cap, the file", ERROR_LIMIT, .make = make_too_large),
	STACK("0 layers", ERROR_LIMIT, .make = make_many_layers, .count = 0, .twin_count = 1),
	STACK("500 layers", ERROR_LIMIT, .make = make_many_layers, .count = 500, .twin_count = 499),
	STACK("10,000 signatures", ERROR_LIMIT, .make = make_many_signatures, .count = 10000),
	STACK("10,000 signatures, as many as fit", ERROR_LIMIT, .make = make_many_signatures,
		.count = 2900),
	STACK("floor above version", ERROR_LIMIT, .from = "floor 3", .to = "floor 9",
		.twin = "floor 8"),
	STACK("other architecture", ERROR_TARGET, .from = "architecture x86_64",
		.to = "architecture aarch64"),
	STACK("other kernel release", ERROR_TARGET, .from = "x86_64\n",
		.to = "x86_64\nkernel 6.1.0-41\n", .twin = "x86_64\nkernel 6.1.0-40\n"),
	STACK("version below the floor of init.conf", ERROR_ROLLBACK, .floor = 9,
		.next = "demo-9.stack", .next_text = TEXT("9")),
	STACK("version below the floor of the record", ERROR_ROLLBACK, .recorded_floor = 9,
		.next = "demo-9.stack", .next_text = TEXT("9")),

	STACK("version below the floor of the record, above that of init.conf", ERROR_ROLLBACK,
		.floor = 5, .recorded_floor = 9, .next = "demo-9.stack", .next_text = TEXT("9")),

	SIGNATURE("missing", ERROR_SIGNATURE, .make = make_unsigned),
	SIGNATURE("0 bytes", ERROR_SIGNATURE, .make = make_cut, .count = 0),
	SIGNATURE("63 bytes", ERROR_SIGNATURE, .make = make_cut, .count = 63),
	SIGNATURE("65 bytes", ERROR_SIGNATURE, .make = make_cut, .count = 65),
	SIGNATURE("DER", ERROR_SIGNATURE, .make = make_der),
	SIGNATURE("r = 0", ERROR_SIGNATURE, .make = make_numbers, .to = ZERO SAME),
	SIGNATURE("s = 0", ERROR_SIGNATURE, .make = make_numbers, .to = SAME ZERO),
	SIGNATURE("both 0", ERROR_SIGNATURE, .make = make_numbers, .to = ZERO ZERO),
	SIGNATURE("r = n", ERROR_SIGNATURE, .make = make_numbers, .to = ORDER SAME),
	SIGNATURE("s = n", ERROR_SIGNATURE, .make = make_numbers, .to = SAME ORDER),
	SIGNATURE("unknown key", ERROR_KEY, .make = make_unknown_key),
	SIGNATURE("revoked key", ERROR_KEY, .revoke = true),
	SIGNATURE("key id of A over a signature by B", ERROR_SIGNATURE, .make = make_by_b),
	SIGNATURE("right signature in another context", ERROR_SIGNATURE, .make = make_over_another,
		.to = "plyboot other 1\n" IDENTITY("8") LAYER TAIL),
	SIGNATURE("same key twice where two are needed", ERROR_SIGNATURE, .make = make_twice,
		.needed = 2),
	SIGNATURE("signature over an equivalent text", ERROR_SIGNATURE, .make = make_over_another,
		.to = HEAD("08") LAYER TAIL),
};

#endif

/* compose/keys.c at the edges that random keys and signatures never meet. */
#include <string.h>

#include "compose/keys.h"
#include "hex.h"
#include "tap.h"

static const char one[] = "0000000000000000000000000000000000000000000000000000000000000001";
static const char half[] = "7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8";
static const char half_and_one[] =
	"7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a9";
static const char order_less_one[] =
	"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550";
static const char order[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

static void lowered(const char *name, const char *s, const char *wanted)
{
	uint8_t signature[KEY_SIGNATURE_BYTES], expected[KEY_SIGNATURE_BYTES];
	from_hex(one, signature);
	from_hex(s, signature + KEYS_SCALAR_BYTES);
	from_hex(one, expected);
	from_hex(wanted, expected + KEYS_SCALAR_BYTES);
	signature_make_low(signature);
	ok(memcmp(signature, expected, sizeof expected) == 0, "%s", name);
}

static void s_is_lowered_where_it_is_high(void)
{
	lowered("s of 1 stays", one, one);
	lowered("s of n/2 stays", half, half);
	lowered("s of n/2 + 1 becomes n/2", half_and_one, half);
	lowered("s of n - 1 becomes 1", order_less_one, one);
	lowered("s of n is none, and stays for others to refuse", order, order);
}

static bool decodes(const char *der, const char *r, const char *s)
{
	uint8_t bytes[256], raw[KEY_SIGNATURE_BYTES], expected[KEY_SIGNATURE_BYTES];
	struct error e = {.code = ERROR_NONE};
	from_hex(der, bytes);
	if (signature_decode(bytes, strlen(der) / 2, raw, &e) != 0)
		return e.code == ERROR_SIGNATURE && r == NULL;
	if (r == NULL)
		return false;
	from_hex(r, expected);
	from_hex(s, expected + KEYS_SCALAR_BYTES);
	return memcmp(raw, expected, sizeof raw) == 0;
}

static void der_of_any_length_becomes_64_bytes(void)
{
	char der[256];
	ok(decodes("3006020101020101", one, one), "r and s of one byte");
	(void)snprintf(der, sizeof der, "3026020101022100%s", order_less_one);
	ok(decodes(der, one, order_less_one), "s with its first bit set, and so a zero before it");
	(void)snprintf(der, sizeof der, "3026022100%s020101", order_less_one);
	ok(decodes(der, order_less_one, one), "r likewise");
	(void)snprintf(der, sizeof der, "302602010102217f%s", order_less_one);
	ok(decodes(der, NULL, NULL), "s of 33 bytes is refused");
	ok(decodes("300602010102010100", NULL, NULL), "a byte behind it is refused");
	ok(decodes("30060201010201", NULL, NULL), "one too few is refused");
	ok(decodes("", NULL, NULL), "nothing is refused");
}

int main(void)
{
	s_is_lowered_where_it_is_high();
	der_of_any_length_becomes_64_bytes();
	return done();
}

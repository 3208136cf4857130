/* The catalogue of bad inputs, row "signature": keys that no initramfs is built with. */
#include "layers/sandbox.h"

#include "compose/keys.h"
#include "errors.h"
#include "signer.h"

#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
#define X "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
#define Y "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"

static struct sandbox sandbox;

static int read_key(const char *hex, struct public_key keys[LIMIT_KEYS], struct error *e)
{
	uint8_t der[128];
	const char *path = in_sandbox(&sandbox, "k.der");
	const struct text_list paths = {.count = 1, .items = &path};
	from_hex(hex, der);
	write_file(path, der, strlen(hex) / 2);
	*e = (struct error){0};
	memset(keys, UNTOUCHED, LIMIT_KEYS * sizeof *keys);
	return public_keys_read(&paths, keys, e);
}

int main(void)
{
	static const struct {
		const char *name, *hex;
	} rows[] = {
		{"off the curve", P256_SPKI_PREFIX "04" X X},
		{"all zero", P256_SPKI_PREFIX "04" ZERO ZERO},
		{"all zero, every byte",
			ZERO ZERO "000000000000000000000000000000000000000000000000000000"},
		{"wrong length", P256_SPKI_PREFIX "04" X},
		{"wrong length, a byte more", P256_SPKI_PREFIX "04" X Y "00"},
	};
	struct public_key keys[LIMIT_KEYS];
	struct error e;
	sandbox_open(&sandbox);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		error_is(read_key(rows[i].hex, keys, &e), &e, ERROR_KEY,
			"catalogue: signature: key in the initramfs, at its build: %s: KEY",
			rows[i].name);
		ok(is_untouched(keys, sizeof *keys), "... and nothing is written");
	}
	ok(read_key(P256_SPKI_PREFIX "04" X Y, keys, &e) == 0, "... their twin is taken");
	sandbox_close(&sandbox);
	return done();
}

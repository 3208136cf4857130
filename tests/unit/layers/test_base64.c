/* layers/base64.c: RFC 4648's vectors, and one way to write anything. */
#include "base64.h"
#include "random.h"
#include "tap.h"

static void encodes_as_rfc_4648_says(void)
{
	static const char *const rows[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="},
		{"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"}, {"\xfb\xff\xbf", "+/+/"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *plain = rows[i][0], *text = rows[i][1];
		size_t size = strlen(plain);
		char out[16];
		uint8_t back[16];
		base64_encode((const uint8_t *)plain, size, out);
		is_str(out, text, "%zu bytes encoded", size);
		ok(base64_decode(text, strlen(text), back, size) && memcmp(back, plain, size) == 0,
			"%zu bytes decoded", size);
	}
}

static void other_forms_are_refused(void)
{
	static const struct {
		const char *text;
		size_t size_bytes;
		const char *why;
	} rows[] = {{"Zh==", 1, "unused bits of one byte"}, {"Zm9=", 2, "unused bits of two bytes"},
		{"Zg", 1, "no padding"}, {"Zg=", 1, "half the padding"},
		{"Zg===", 1, "more padding"}, {"Z===", 1, "three padding characters"},
		{"====", 1, "padding only"}, {"Zg=A", 1, "padding, then a character"},
		{"ZgA=", 1, "one padding where two belong"}, {"Zg==", 2, "shorter than wanted"},
		{"Zm8=", 1, "longer than wanted"}, {"Zm9v", 2, "no padding where one belongs"},
		{"Zm9v\n", 3, "a line feed at the end"},
		{"Zm9v=", 3, "padding after a whole group"}, {" Zm9v", 3, "a space in front"},
		{"Zm v", 3, "a space inside"}, {"Zm-v", 3, "the URL alphabet, -"},
		{"Zm_v", 3, "the URL alphabet, _"}, {"Zm\xc3v", 3, "a byte over 127"},
		{"=m9v", 3, "padding in front"}, {"", 1, "nothing"}, {"AAAA", 0, "nothing wanted"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t out[16];
		ok(!base64_decode(rows[i].text, strlen(rows[i].text), out, rows[i].size_bytes),
			"refused: %s", rows[i].why);
	}
	uint8_t out[4];
	ok(!base64_decode("Zm\0v", 4, out, 3), "refused: a NUL inside");
	ok(!base64_decode("Zg=\0", 4, out, 1), "refused: a NUL for padding");
}

/* Whatever is accepted encodes to the same text again. */
static void accepts_only_what_it_writes(void)
{
	uint64_t seed = 1;
	size_t round_trips = 0, accepted = 0, wrong = 0;
	for (unsigned i = 0; i < 20000; i++) {
		uint8_t data[8], back[8];
		char text[BASE64_LENGTH(8) + 1], again[sizeof text];
		size_t size = random_below(&seed, 9);
		random_fill(&seed, data, sizeof data);
		base64_encode(data, size, text);
		size_t length = strlen(text);
		round_trips +=
			base64_decode(text, length, back, size) && memcmp(back, data, size) == 0;
		if (length == 0)
			continue;
		text[random_below(&seed, length)] = (char)random_u64(&seed);
		if (base64_decode(text, length, back, size)) {
			accepted++;
			base64_encode(back, size, again);
			wrong += memcmp(again, text, length) != 0;
		}
	}
	is_int((long long)round_trips, 20000, "20000 round trips");
	ok(accepted > 0, "%zu changed texts are accepted", accepted);
	is_int((long long)wrong, 0, "each of them is what encoding writes");
}

int main(void)
{
	encodes_as_rfc_4648_says();
	other_forms_are_refused();
	accepts_only_what_it_writes();
	return done();
}

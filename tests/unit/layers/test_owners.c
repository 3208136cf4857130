/* layers/owners.c: whose an upper is. */
#include "owners.h"

#include <stdio.h>
#include <string.h>

#include "errors.h"

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define LINE_A "demo 7 sha256:" HEX_A "\n"
#define LINE_B "demo 6 sha256:" HEX_B "\n"

static struct owner numbered(uint64_t n)
{
	struct owner owner = {.name = "demo", .version = n};
	memset(owner.text.bytes, (int)n, sizeof owner.text.bytes);
	return owner;
}

static void good_ones(void)
{
	struct owners owners;
	struct error e;
	char text[OWNERS_TEXT_SIZE];
	ok(owners_decode(LINE_A LINE_B, strlen(LINE_A LINE_B), &owners, &e) == 0, "two lines");
	is_int((long long)owners.count, 2, "two owners");
	is_str(owners.list[0].name, "demo", "the name");
	is_int((long long)owners.list[1].version, 6, "the version");
	struct digest b = owners.list[1].text;
	ok(!owners_is(&owners, &b), "the second is not the owner");
	is_int((long long)owners_encode(&owners, text), (long long)strlen(LINE_A LINE_B),
		"written again");
	is_str(text, LINE_A LINE_B, "... as the same text");
	owners_put_first(&owners, &owners.list[1]);
	(void)owners_encode(&owners, text);
	is_str(text, LINE_B LINE_A, "one that was there comes to the front, and is there once");
	ok(owners_is(&owners, &b), "... and is the owner");
}

static void nine(void)
{
	struct owners owners = {.count = 0};
	char text[OWNERS_TEXT_SIZE];
	struct error e;
	ok(!owners_is(&owners, &(struct digest){{0}}), "of none, nobody is the owner");
	for (uint64_t n = 1; n <= OWNERS_MOST + 1; n++) {
		struct owner owner = numbered(n);
		owners_put_first(&owners, &owner);
	}
	is_int((long long)owners.count, OWNERS_MOST, "a ninth is forgotten");
	is_int((long long)owners.list[0].version, OWNERS_MOST + 1, "the last is the first");
	is_int((long long)owners.list[OWNERS_MOST - 1].version, 2, "and the first is gone");
	for (size_t i = 0; i < owners.count; i++) {
		memset(owners.list[i].name, 'n', STACK_NAME_SIZE - 1);
		owners.list[i].version = INT64_MAX - i;
	}
	size_t size = owners_encode(&owners, text);
	ok(size < OWNERS_TEXT_SIZE && owners_decode(text, size, &owners, &e) == 0,
		"the longest text has room");
}

static void bad_ones(void)
{
	static const char *const texts[] = {"", "\n", "demo 7\n", "demo 7 sha256:" HEX_A,
		"Demo 7 sha256:" HEX_A "\n", "demo 0 sha256:" HEX_A "\n",
		"demo 07 sha256:" HEX_A "\n", "demo 9223372036854775808 sha256:" HEX_A "\n",
		"demo 99999999999999999999 sha256:" HEX_A "\n", "demo x sha256:" HEX_A "\n",
		"demo 18446744073709551616 sha256:" HEX_A "\n", "demo 1/ sha256:" HEX_A "\n",
		"demo  sha256:" HEX_A "\n", "demo 7 " HEX_A "\n", "demo 7  sha256:" HEX_A "\n",
		LINE_A "\n", LINE_A LINE_A, LINE_A "x"};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct owners owners = {.count = 1};
		struct error e;
		int result = owners_decode(texts[i], strlen(texts[i]), &owners, &e);
		error_is(result, &e, ERROR_FORMAT, "bad text %zu", i);
		is_int((long long)owners.count, 0, "... has no owner");
	}
	char many[2 * OWNERS_TEXT_SIZE] = "";
	size_t used = 0;
	for (int i = 0; i <= OWNERS_MOST; i++)
		used += (size_t)snprintf(many + used, sizeof many - used,
			"demo %d sha256:%063d%x\n", i + 1, 0, (unsigned)i + 1);
	struct owners owners;
	struct error e;
	error_is(owners_decode(many, used, &owners, &e), &e, ERROR_FORMAT, "nine lines");
}

int main(void)
{
	good_ones();
	nine();
	bad_ones();
	return done();
}

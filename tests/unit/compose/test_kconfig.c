/* A kernel's configuration against a list. */
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <zlib.h>

#include "compose/kconfig.h"
#include "tap.h"

static char said[1024];

static void see(void *context, const struct kconfig_option *option)
{
	(void)context;
	size_t used = strlen(said);
	(void)snprintf(said + used, sizeof said - used, "%s %s %s %s%s(%s)\n", option->name,
		option->has, option->accepted, option->good ? "good" : "bad",
		option->wanted ? " wanted" : "", option->reason);
}

static const char *compare(const char *config, const char *required)
{
	struct error e;
	said[0] = '\0';
	return kconfig_compare(config, required, see, NULL, &e) == 0 ? said
								     : error_code_name(e.code);
}

static void test_release(void)
{
	uint8_t image[1024] = {0};
	char release[16] = "";
	memcpy(image + 0x202, "HdrS", 4);
	ok(!kconfig_release(image, sizeof image, release, sizeof release), "no version");
	image[0x20f] = 1;
	memcpy(image + 0x300, "6.1.0-9 (me)", 12);
	ok(kconfig_release(image, sizeof image, release, sizeof release), "a version");
	is_str(release, "6.1.0-9", "which");
	ok(!kconfig_release(image, 0x307, release, sizeof release), "cut");
	ok(!kconfig_release(image, sizeof image, release, 7), "no room");
	image[0x20f] = 0xff;
	ok(!kconfig_release(image, sizeof image, release, sizeof release), "outside");
	ok(!kconfig_release(image, 0x20f, release, sizeof release), "a header that is cut");
}

/* Of 800,000 bytes, with a name in each line and no value: a look at what follows each would take
 * 10^10 steps. */
static void test_time(void)
{
	enum { LINES = 100000 };
	char *config = malloc(LINES * 8 + 1);
	for (size_t i = 0; i < LINES; i++)
		memcpy(config + i * 8, "CONFIG_\n", 8);
	config[LINES * 8] = '\0';
	clock_t began = clock();
	is_str(compare(config, "CONFIG_A=y\n"), "FORMAT", "names without values");
	ok(clock() - began < CLOCKS_PER_SEC, "are seen to be none in less than a second");
	free(config);
}

static void test_values(void)
{
	char value[KCONFIG_VALUE_SIZE];
	char longest[2 * KCONFIG_VALUE_SIZE] = "CONFIG_L=";
	memset(longest + 9, 'x', KCONFIG_VALUE_SIZE - 1);
	kconfig_value(longest, "CONFIG_L", value);
	is_str(value, longest + 9, "the longest value");
	longest[9 + KCONFIG_VALUE_SIZE - 1] = 'y';
	kconfig_value(longest, "CONFIG_L", value);
	ok(strlen(value) == KCONFIG_VALUE_SIZE - 1 && strspn(value, "x") == strlen(value),
		"one that is longer is cut");
	kconfig_value("CONFIG_A=\nCONFIG_B=m", "CONFIG_A", value);
	is_str(value, "", "no value");
	kconfig_value("CONFIG_A=\nCONFIG_B=m", "CONFIG_B", value);
	is_str(value, "m", "one without the end of its line");
	kconfig_value("CONFIG_A=y\n#CONFIG_B=y\nXCONFIG_B=y\nCONFIG_B", "CONFIG_B", value);
	is_str(value, "n", "what only looks like one");
	kconfig_value("CONFIG_A=y\nCONFIG_A=m\n", "CONFIG_A", value);
	is_str(value, "m", "the last counts");
}

static void test_lists(void)
{
	char list[400];
	is_str(compare("CONFIG_A=", "CONFIG_A=y\n"), "CONFIG_A  y bad()\n",
		"a value that is empty");
	is_str(compare("CONFIG_A=y\n", "CONFIG_A=?\n"), "CONFIG_A y  bad wanted()\n",
		"what nothing is good for");
	is_str(compare("CONFIG_A=y\n", "CONFIG_A=yy|y\n"), "CONFIG_A y yy|y good()\n",
		"a second word");
	is_str(compare("CONFIG_A=y|\n", "CONFIG_A=y|m\n"), "CONFIG_A y| y|m bad()\n",
		"words are compared whole");
	is_str(compare("CONFIG_A=yy\n", "CONFIG_A=y|m\n"), "CONFIG_A yy y|m bad()\n",
		"a value that goes on");
	is_str(compare("CONFIG_A=y\n", "CONFIG_A=\n"), "FORMAT", "a list without a value");
	is_str(compare("CONFIG_A=y\n", "CONFIX_A=y\n"), "FORMAT", "an option that is none");
	is_str(compare("CONFIG_A=y\n", "#\n#x\n# why\nCONFIG_A=y"), "CONFIG_A y y good(why)\n",
		"comments of no text");
	is_str(compare("CONFIG_A\nCONFIG_B\n=y\n", "CONFIG_A=y\n"), "FORMAT",
		"an equals sign in another line");
	is_str(compare("", "CONFIG_A=y\n"), "FORMAT", "nothing");
	memset(list, 'N', sizeof list);
	memcpy(list, "CONFIG_", 7);
	(void)strcpy(list + KCONFIG_NAME_SIZE - 1, "=y\n");
	ok(strncmp(compare("CONFIG_A=y\n", list), list, KCONFIG_NAME_SIZE - 1) == 0,
		"the longest name");
	list[KCONFIG_NAME_SIZE - 1] = 'N';
	(void)strcpy(list + KCONFIG_NAME_SIZE, "=y\n");
	is_str(compare("CONFIG_A=y\n", list), "FORMAT", "one that is longer");
	memset(list, 'y', sizeof list);
	memcpy(list, "CONFIG_A=", 9);
	(void)strcpy(list + 9 + KCONFIG_VALUE_SIZE - 1, "\n");
	ok(strstr(compare("CONFIG_A=y\n", list), "bad") != NULL, "the longest list of values");
	list[9 + KCONFIG_VALUE_SIZE - 1] = 'y';
	(void)strcpy(list + 9 + KCONFIG_VALUE_SIZE, "\n");
	is_str(compare("CONFIG_A=y\n", list), "FORMAT", "one that is longer");
	memset(list, 'r', sizeof list);
	memcpy(list, "# ", 2);
	(void)strcpy(list + 300, "\n# more\nCONFIG_A=y\n");
	const char *text = compare("CONFIG_A=y\n", list);
	ok(strspn(text, "CONFIG_A y good(r") == strlen(text) - 2 &&
			strlen(text) == strlen("CONFIG_A y y good()\n") + KCONFIG_REASON_SIZE - 1,
		"a reason that is too long is cut");
}

/* A gzip of so many times one byte. */
static size_t make_gzip(uint8_t *out, size_t room, size_t count)
{
	uint8_t *text = malloc(count + 1);
	memset(text, 'x', count);
	z_stream stream = {
		.next_in = text, .avail_in = (uInt)count, .next_out = out, .avail_out = (uInt)room};
	if (deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
		deflate(&stream, Z_FINISH) != Z_STREAM_END)
		abort();
	free(text);
	(void)deflateEnd(&stream);
	return stream.total_out;
}

static void text_is(const uint8_t *bytes, size_t size_bytes, long long want, const char *name)
{
	struct error e = {.code = ERROR_NONE};
	char *text = NULL;
	uint8_t *copy = malloc(size_bytes > 0 ? size_bytes : 1);
	if (size_bytes > 0)
		memcpy(copy, bytes, size_bytes);
	int result = kconfig_text(copy, size_bytes, &text, &e);
	is_int(result == 0 ? (long long)strlen(text) : -(long long)e.code, want, "%s", name);
	free(text);
	free(copy);
}

static void test_text(void)
{
	enum { MOST = 8 * 1024 * 1024 };
	static uint8_t bytes[MOST + 1];
	size_t size = make_gzip(bytes, sizeof bytes, 5);
	text_is(bytes, size, 5, "a gzip");
	text_is(bytes, size - 1, -ERROR_STREAM, "one that is cut");
	bytes[size - 5] ^= 1;
	text_is(bytes, size, -ERROR_STREAM, "one with another check sum");
	text_is((const uint8_t *)"\x1f\x8b", 2, 2, "its mark alone is a text");
	text_is((const uint8_t *)"\x1fyz", 3, 3, "half of its mark, too");
	text_is(NULL, 0, 0, "nothing is an empty one");
	size = make_gzip(bytes, sizeof bytes, MOST);
	text_is(bytes, size, MOST, "as much text as there may be");
	size = make_gzip(bytes, sizeof bytes, MOST + 1);
	text_is(bytes, size, -ERROR_LIMIT, "one byte more");
	memset(bytes, 0, 100);
	memcpy(bytes + 20, "IKCFG_ST", 8);
	size = 28 + make_gzip(bytes + 28, 1000, 7);
	text_is(bytes, size + 50, 7, "a kernel with one in it");
	text_is(bytes, size - 1, -ERROR_STREAM, "which is cut");
	text_is(bytes, 29, -ERROR_MISSING, "half of a mark behind that of the kernel");
	bytes[29] = 0;
	text_is(bytes, size, -ERROR_MISSING, "no gzip behind the kernel's mark");
	memset(bytes, 'x', sizeof bytes);
	text_is(bytes, MOST, MOST, "as much plain text as there may be");
	text_is(bytes, MOST + 1, -ERROR_MISSING, "one byte more");
}

/* More bytes behind a gzip than zlib counts in. */
static void test_huge(void)
{
	size_t size = (UINT64_C(1) << 32) + 10;
	struct error e = {.code = ERROR_NONE};
	char *text = NULL;
	uint8_t *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (bytes == MAP_FAILED)
		abort();
	(void)make_gzip(bytes, 4096, 9);
	ok(kconfig_text(bytes, size, &text, &e) == 0 && strcmp(text, "xxxxxxxxx") == 0,
		"a gzip with 4 GiB behind it");
	free(text);
	(void)munmap(bytes, size);
}

/* Where the version is, and what ends it, are numbers of the file. */
static void test_release_ends(void)
{
	uint8_t image[0x400];
	char release[8] = "";
	memset(image, 'x', sizeof image);
	memcpy(image + 0x202, "HdrS", 4);
	image[0x20e] = 0xf8;
	image[0x20f] = 1;
	memcpy(image + 0x3f8, "1.2.345 ", 8);
	ok(kconfig_release(image, 0x400, release, sizeof release), "a version at the end");
	is_str(release, "1.2.345", "which just has room");
	ok(!kconfig_release(image, 0x3ff, release, sizeof release), "one that the end cuts");
	ok(!kconfig_release(image, 0x400, release, 7), "one without room for its end");
	image[0x3ff] = '\n';
	ok(!kconfig_release(image, 0x400, release, sizeof release), "another byte behind it");
	image[0x3fb] = 0x7f;
	ok(!kconfig_release(image, 0x400, release, sizeof release), "a control character in it");
	image[0x3fb] = 0xc3;
	ok(!kconfig_release(image, 0x400, release, sizeof release), "a byte that is no ASCII");
	image[0x3f8] = ' ';
	ok(!kconfig_release(image, 0x400, release, sizeof release), "an empty one");
	memcpy(image + 0x3f8, "1.2.345 ", 8);
	image[0x202] = 'h';
	ok(!kconfig_release(image, 0x400, release, sizeof release), "no header");
	memcpy(image + 0x202, "HdrS", 4);
	image[0x20e] = 0;
	image[0x20f] = 0;
	ok(!kconfig_release(image, 0x400, release, sizeof release), "none is told");
	image[0x206] = ' ';
	ok(!kconfig_release(image, 0x400, release, sizeof release),
		"also when something like one stands there");
	image[0x20e] = image[0x20f] = 0xff;
	uint8_t *copy = malloc(0x210); /* so that the sanitizer sees the end */
	memcpy(copy, image, 0x210);
	ok(!kconfig_release(copy, 0x210, release, sizeof release),
		"the least, and a version outside");
	free(copy);
}

int main(void)
{
	test_values();
	test_lists();
	test_text();
	test_huge();
	test_release_ends();
	test_release();
	test_time();
	static const char list[] = "# title\n\n# the one\n# reason\nCONFIG_A=y\nCONFIG_B=y|m\n"
				   "# other\nCONFIG_C=y?\n";
	is_str(compare("CONFIG_A=y\nCONFIG_B=m\nCONFIG_C=y\n", list),
		"CONFIG_A y y good(the one reason)\nCONFIG_B m y|m good(the one reason)\n"
		"CONFIG_C y y good wanted(other)\n",
		"all there");
	is_str(compare("CONFIG_A=m\n# CONFIG_B is not set\nCONFIG_AB=y\n", list),
		"CONFIG_A m y bad(the one reason)\nCONFIG_B n y|m bad(the one reason)\n"
		"CONFIG_C n y bad wanted(other)\n",
		"nothing there");
	is_str(compare("nothing\n", list), "FORMAT", "no configuration");
	is_str(compare("CONFIG_A=y\n", "CONFIG_A\n"), "FORMAT", "a list that is none");
	is_str(compare("CONFIG_A=y\n", "# only\n"), "FORMAT", "nothing is required");
	struct error e;
	char *text = NULL;
	is_int(kconfig_text((const uint8_t *)"CONFIG_A=y\n", 11, &text, &e), 0, "a plain text");
	is_str(text, "CONFIG_A=y\n", "is taken as it is");
	free(text);
	ok(kconfig_text((const uint8_t *)"\x1f\x8b\x08", 3, &text, &e) == -1 &&
			e.code == ERROR_STREAM,
		"a gzip that is cut");
	ok(kconfig_text((const uint8_t *)"a\0b", 3, &text, &e) == -1 && e.code == ERROR_MISSING,
		"a kernel without one");
	ok(strstr(compare("CONFIG_TMPFS=y\n", kconfig_required), "CONFIG_TMPFS y y good") != NULL,
		"the list that the command carries");
	return done();
}

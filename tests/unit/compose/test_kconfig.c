/* A kernel's configuration against a list. */
#include <stdlib.h>
#include <time.h>

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

int main(void)
{
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

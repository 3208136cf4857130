/* A kernel's configuration, or a kernel with one in it. */
#include "compose/kconfig.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void see(void *context, const struct kconfig_option *option)
{
	unsigned *count = context;
	must(strncmp(option->name, "CONFIG_", 7) == 0 && option->has[0] != '\n');
	(*count)++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char required[] =
		"# why\n# and why\nCONFIG_A=y\nCONFIG_B=y|m\n\nCONFIG_C=y?\n";
	uint8_t *bytes = malloc(size > 0 ? size : 1);
	char *text;
	struct error e = {0};
	unsigned count = 0;
	must(bytes != NULL);
	if (size > 0)
		memcpy(bytes, data, size);
	char release[16];
	if (kconfig_release(bytes, size, release, sizeof release))
		must(release[0] != '\0' && strlen(release) < sizeof release);
	if (kconfig_text(bytes, size, &text, &e) == 0) {
		if (kconfig_compare(text, required, see, &count, &e) == 0)
			must(count == 3);
		else
			must(e.code == ERROR_FORMAT && count == 0);
		/* As a list, too. */
		(void)kconfig_compare("CONFIG_A=y\n", text, see, &count, &e);
		free(text);
	} else {
		must(e.code == ERROR_MISSING || e.code == ERROR_STREAM || e.code == ERROR_LIMIT);
	}
	free(bytes);
	return 0;
}

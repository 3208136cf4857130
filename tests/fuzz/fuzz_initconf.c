/* init.conf, and a kernel command line merged into it: up to the first NUL is the one, behind it
 * the other. */
#include <stdlib.h>
#include <string.h>

#include "../../init/cmdline.h"
#include "initconf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
	size_t conf_size = nul != NULL ? (size_t)(nul - data) : size;
	struct initconf conf;
	struct error e;
	if (initconf_parse((const char *)data, conf_size, &conf, &e) != 0)
		initconf_defaults(&conf);
	size_t line_size = nul != NULL ? size - conf_size - 1 : 0;
	char *line = malloc(line_size + 1);
	if (line == NULL)
		abort();
	if (line_size > 0)
		memcpy(line, nul + 1, line_size);
	line[line_size] = '\0';
	struct settings settings;
	cmdline_merge(&conf, line, NULL, NULL, &settings);
	/* Whatever it says, it loosens nothing. */
	if ((settings.shell && conf.shell == NULL) || (settings.init != NULL && !conf.allow_init) ||
		(conf.upper_volatile && !settings.upper_volatile) ||
		(conf.stack_how == INITCONF_FIXED && settings.stack != conf.stack))
		abort();
	free(line);
	initconf_free(&conf);
	return 0;
}

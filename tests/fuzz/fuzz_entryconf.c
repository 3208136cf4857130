/* entry.conf: what is accepted encodes to the very same bytes. */
#include <string.h>

#include "entryconf.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct entryconf *conf)
{
	must(conf->argument_count >= 1 && conf->argument_count <= ENTRYCONF_MAX_ITEMS);
	must(conf->variable_count <= ENTRYCONF_MAX_ITEMS);
	must(conf->arguments[conf->argument_count] == NULL &&
		conf->variables[conf->variable_count] == NULL);
	for (size_t i = 0; i < conf->argument_count; i++)
		must(strlen(conf->arguments[i]) <= ENTRYCONF_MAX_STRING);
	for (size_t i = 0; i < conf->variable_count; i++)
		must(strchr(conf->variables[i], '=') > conf->variables[i]);
	must(conf->arguments[0][0] != '\0' && conf->directory[0] == '/' && conf->user[0] != '\0');
	must(signal_number(conf->stop_signal) > 0 && conf->on_exit < ENTRYCONF_EXITS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct entryconf conf;
	struct error e = {0};
	char *text;
	size_t text_bytes;
	if (entryconf_decode(data, size, &conf, &e) != 0) {
		must(e.code == ERROR_FORMAT || e.code == ERROR_LIMIT);
		return 0;
	}
	check(&conf);
	must(entryconf_encode(&conf, &text, &text_bytes, &e) == 0);
	must(text_bytes == size && memcmp(text, data, size) == 0);
	free(text);
	entryconf_free(&conf);
	return 0;
}

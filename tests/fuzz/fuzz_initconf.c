/* init.conf: what is accepted holds nothing but values of their kinds. */
#include <string.h>

#include "initconf.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_choices(const struct initconf *conf)
{
	for (unsigned i = 0; i < INITCONF_DEVICES; i++)
		must(initconf_device_valid((enum initconf_device)i, conf->device[i]));
	must(conf->stack == NULL || initconf_stack_valid(conf->stack));
	must((conf->stack == NULL) == (conf->stack_how == INITCONF_ABSENT));
	must(conf->wait_s <= INITCONF_MAX_WAIT_S && conf->log < INITCONF_LOGS);
}

static void check_fixed(const struct initconf *conf)
{
	must(conf->floor <= INT64_MAX);
	must(conf->signatures >= 1 && conf->signatures <= LIMIT_SIGNATURES);
	must(conf->revoked_count <= LIMIT_KEYS && conf->module_count <= INITCONF_MAX_MODULES);
	for (size_t i = 0; i < conf->module_count; i++)
		must(strncmp(conf->modules[i].path, "/lib/modules/", 13) == 0 &&
			initconf_program_valid(conf->modules[i].path) &&
			strpbrk(conf->modules[i].path, " \t\n") == NULL &&
			strchr(conf->modules[i].parameters, '\n') == NULL);
	must(conf->shell == NULL || initconf_program_valid(conf->shell));
	must(conf->on_failure < ON_FAILURE_KINDS &&
		(conf->on_failure != ON_FAILURE_SHELL || conf->shell != NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct initconf conf;
	struct error e = {0};
	if (initconf_parse((const char *)data, size, &conf, &e) != 0) {
		must(e.code == ERROR_CONFIG);
		return 0;
	}
	check_choices(&conf);
	check_fixed(&conf);
	initconf_free(&conf);
	return 0;
}

/*
 * The kernel command line, merged into an init.conf: whatever that fixed stays, and what the
 * command line may choose is always a value of its kind. Up to the first NUL is init.conf, behind
 * it the command line.
 */
#include <stdlib.h>
#include <string.h>

#include "init/cmdline.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A warning is one line of some length, whatever a word holds. */
static void take_warning(void *context, const char *line)
{
	must(strlen(line) < 320 && strncmp(line, "command line: ", 14) == 0);
	++*(size_t *)context;
}

static bool same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static void check_devices(
	const struct initconf *conf, const struct settings *settings, const char *line)
{
	static const char *const words[INITCONF_DEVICES] = {
		"plyboot.layers=", "plyboot.state=", "plyboot.record="};
	for (unsigned i = 0; i < INITCONF_DEVICES; i++) {
		enum initconf_device device = (enum initconf_device)i;
		const char *now = settings->device[i];
		must(now == conf->device[i] || initconf_device_valid(device, now));
		if (same(now, conf->device[i]))
			continue;
		must(strstr(line, words[i]) != NULL);
		must(conf->device_how[i] != INITCONF_FIXED ||
			(device == INITCONF_STATE && strcmp(now, "none") == 0));
	}
}

/* Nothing is loosened, and nothing changes that no word asked for. */
static void check(const struct initconf *conf, const struct settings *settings, const char *line)
{
	check_devices(conf, settings, line);
	if (!same(settings->stack, conf->stack))
		must(conf->stack_how != INITCONF_FIXED && initconf_stack_valid(settings->stack) &&
			strstr(line, "plyboot.stack=") != NULL);
	if (settings->wait_s != conf->wait_s)
		must(conf->wait_how != INITCONF_FIXED && settings->wait_s <= INITCONF_MAX_WAIT_S &&
			strstr(line, "plyboot.wait=") != NULL);
	if (settings->log != conf->log)
		must(conf->log_how != INITCONF_FIXED && settings->log < INITCONF_LOGS &&
			(strstr(line, "plyboot.log=") != NULL || strstr(line, "quiet") != NULL));
	must(settings->upper_volatile ? conf->upper_volatile || strstr(line, "plyboot.upper=")
				      : !conf->upper_volatile);
	if (settings->shell)
		must(conf->shell != NULL && strstr(line, "plyboot.shell") != NULL);
	if (settings->init != NULL)
		must(conf->allow_init && initconf_program_valid(settings->init) &&
			strstr(line, "init=") != NULL);
	if (settings->read_only)
		must(strstr(line, "ro") != NULL);
}

static void merge(const struct initconf *conf, const char *line, size_t size)
{
	struct settings settings, silent;
	size_t warnings = 0;
	char *first = must_copy(line, size), *second = must_copy(line, size);
	cmdline_merge(conf, first, take_warning, &warnings, &settings);
	check(conf, &settings, line);
	/* No setting hangs on whether somebody listens to the warnings. */
	cmdline_merge(conf, second, NULL, NULL, &silent);
	must(warnings <= size + 1 && same(settings.stack, silent.stack) &&
		same(settings.init, silent.init) && settings.shell == silent.shell &&
		settings.wait_s == silent.wait_s && settings.log == silent.log);
	free(first);
	free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
	size_t conf_size = nul != NULL ? (size_t)(nul - data) : size;
	struct initconf conf;
	struct error e;
	if (initconf_parse((const char *)data, conf_size, &conf, &e) != 0)
		initconf_defaults(&conf);
	const char *line = nul != NULL ? (const char *)nul + 1 : "";
	size_t line_size = nul != NULL ? strnlen(line, size - conf_size - 1) : 0;
	char *text = must_copy(line, line_size);
	merge(&conf, text, line_size);
	free(text);
	initconf_free(&conf);
	return 0;
}

#include "initconf_private.h"

#include <string.h>

#include "record.h"

static bool set_device(struct initconf_reader *r, enum initconf_device device, char *value)
{
	if (!initconf_device_valid(device, value))
		return false;
	r->conf->device[device] = value;
	r->conf->device_how[device] = r->how;
	return true;
}

static bool set_layers(struct initconf_reader *r, char *value)
{
	return set_device(r, INITCONF_LAYERS, value);
}

static bool set_state(struct initconf_reader *r, char *value)
{
	return set_device(r, INITCONF_STATE, value);
}

static bool set_record(struct initconf_reader *r, char *value)
{
	return set_device(r, INITCONF_RECORD, value);
}

static bool set_stack(struct initconf_reader *r, char *value)
{
	r->conf->stack = value;
	r->conf->stack_how = r->how;
	return initconf_stack_valid(value);
}

static bool set_upper(struct initconf_reader *r, char *value)
{
	r->conf->upper_volatile = true;
	return strcmp(value, "volatile") == 0;
}

static bool set_wait(struct initconf_reader *r, char *value)
{
	r->conf->wait_how = r->how;
	return initconf_wait_parse(value, &r->conf->wait_s);
}

static bool set_log(struct initconf_reader *r, char *value)
{
	r->conf->log_how = r->how;
	return initconf_log_parse(value, &r->conf->log);
}

static bool set_progress(struct initconf_reader *r, char *value)
{
	for (unsigned i = 0; i < INITCONF_PROGRESSES; i++) {
		if (strcmp(value, initconf_progress_name((enum initconf_progress)i)) == 0) {
			r->conf->progress = (enum initconf_progress)i;
			return true;
		}
	}
	return false;
}

static bool set_floor(struct initconf_reader *r, char *value)
{
	return initconf_number_parse(value, INT64_MAX, &r->conf->floor);
}

static bool set_signatures(struct initconf_reader *r, char *value)
{
	uint64_t needed;
	if (!initconf_number_parse(value, LIMIT_SIGNATURES, &needed) || needed == 0)
		return false;
	r->conf->signatures = (unsigned)needed;
	return true;
}

static bool set_tries(struct initconf_reader *r, char *value)
{
	uint64_t tries;
	if (!initconf_number_parse(value, RECORD_TRIES_MOST, &tries) || tries == 0)
		return false;
	r->conf->tries = (uint8_t)tries;
	return true;
}

/* `none` is 0. */
static bool number_or_none(const char *value, uint64_t most, unsigned *out)
{
	uint64_t number = 0;
	if (strcmp(value, "none") != 0 &&
		(!initconf_number_parse(value, most, &number) || number == 0))
		return false;
	*out = (unsigned)number;
	return true;
}

static bool set_upper_tries(struct initconf_reader *r, char *value)
{
	return number_or_none(value, INITCONF_UPPER_TRIES_MOST, &r->conf->upper_tries);
}

static bool set_watchdog(struct initconf_reader *r, char *value)
{
	if (!number_or_none(value, INITCONF_WATCHDOG_MOST_S, &r->conf->watchdog_s))
		return false;
	r->conf->watchdog_demanded = r->conf->watchdog_s > 0;
	return true;
}

static bool set_fsck(struct initconf_reader *r, char *value)
{
	return number_or_none(value, INITCONF_FSCK_MOST_S, &r->conf->fsck_s);
}

static bool set_revoked(struct initconf_reader *r, char *value)
{
	struct initconf *conf = r->conf;
	if (conf->revoked_count == LIMIT_KEYS ||
		!digest_parse(value, strlen(value), &conf->revoked[conf->revoked_count]))
		return false;
	conf->revoked_count++;
	return true;
}

static bool set_module(struct initconf_reader *r, char *value)
{
	struct initconf *conf = r->conf;
	char *end = value + strcspn(value, " \t");
	char *parameters = end + strspn(end, " \t");
	*end = '\0';
	if (conf->module_count == INITCONF_MAX_MODULES || !initconf_path_valid(value) ||
		strncmp(value, "/lib/modules/", 13) != 0)
		return false;
	conf->modules[conf->module_count++] = (struct initconf_module){value, parameters};
	return true;
}

static bool set_jail(struct initconf_reader *r, char *value)
{
	r->conf->jail_whole = true;
	return strcmp(value, "whole") == 0;
}

static bool set_allow_init(struct initconf_reader *r, char *value)
{
	r->conf->allow_init = true;
	return strcmp(value, "yes") == 0;
}

static bool set_allow_reset(struct initconf_reader *r, char *value)
{
	r->conf->allow_reset = true;
	return strcmp(value, "yes") == 0;
}

static bool set_keep(struct initconf_reader *r, char *value)
{
	struct initconf *conf = r->conf;
	if (conf->keep_count == INITCONF_MAX_KEEPS || !initconf_path_valid(value))
		return false;
	conf->keep[conf->keep_count++] = value;
	return true;
}

static bool set_shell(struct initconf_reader *r, char *value)
{
	r->conf->shell = value;
	return initconf_program_valid(value);
}

static bool set_on_failure(struct initconf_reader *r, char *value)
{
	for (unsigned i = 0; i < ON_FAILURE_KINDS; i++) {
		if (strcmp(value, on_failure_name((enum on_failure)i)) == 0) {
			r->conf->on_failure = (enum on_failure)i;
			return true;
		}
	}
	return false;
}

const struct initconf_key initconf_keys[] = {
	{"layers", set_layers, true, false},
	{"state", set_state, true, false},
	{"record", set_record, true, false},
	{"stack", set_stack, true, false},
	{"upper", set_upper, false, false},
	{"wait", set_wait, true, false},
	{"log", set_log, true, false},
	{"progress", set_progress, false, false},
	{"floor", set_floor, false, false},
	{"signatures", set_signatures, false, false},
	{"tries", set_tries, false, false},
	{"upper-tries", set_upper_tries, false, false},
	{"watchdog", set_watchdog, false, false},
	{"fsck", set_fsck, false, false},
	{"revoked", set_revoked, false, true},
	{"module", set_module, false, true},
	{"jail", set_jail, false, false},
	{"allow-init", set_allow_init, false, false},
	{"allow-reset", set_allow_reset, false, false},
	{"keep", set_keep, false, true},
	{"shell", set_shell, false, false},
	{"on-failure", set_on_failure, false, false},
};
